/** A status listener for tests, and clients that can send anything. */
import { freePort } from "../../../support/machine/free_port.ts";
import assert from "node:assert/strict";
import type { StatusAddress } from "../../../../lib/settings/status_address.ts";
import { close } from "../../../../lib/status/http/connection.ts";
import { listenForStatus, type Listening } from "../../../../lib/status/http/listener.ts";
import type { HttpRequest, HttpResponse } from "../../../../lib/status/http/message.ts";
import type { HttpLimits } from "../../../../lib/status/http/server.ts";
import { waitFor } from "../../../support/wait.ts";

export type Respond = (request: HttpRequest, gone: AbortSignal) => Promise<HttpResponse>;

export interface SceneOptions {
  readonly address?: StatusAddress;
  readonly limits?: Partial<HttpLimits>;
  readonly respond?: Respond;
}

export const textResponse = (body: string): HttpResponse => ({
  status: 200,
  contentType: "text/plain; charset=utf-8",
  body,
});

/** Listens, and records the requests; without `respond` it answers with the path. */
export class Scene implements AsyncDisposable {
  readonly requests: HttpRequest[] = [];
  readonly bugs: unknown[] = [];
  readonly clients: Client[] = [];
  readonly address: StatusAddress;
  #listening: Listening | undefined;

  constructor(address: StatusAddress = { tag: "tcp", hostname: "127.0.0.1", port: freePort() }) {
    this.address = address;
  }

  static async open({ address, limits = {}, respond }: SceneOptions = {}): Promise<Scene> {
    const scene = new Scene(address);
    const listening = await listenForStatus(scene.address, {
      respond: async (request, gone) => {
        scene.requests.push(request);
        return await (respond?.(request, gone) ?? textResponse(request.path));
      },
      onBug: (error) => scene.bugs.push(error),
      withUmask,
      limits,
    });
    assert(listening.tag === "listening", JSON.stringify(listening));
    scene.#listening = listening;
    return scene;
  }

  /** A new client, which has sent that text. */
  async client(sent = ""): Promise<Client> {
    const client = new Client(await connectTo(this.address));
    this.clients.push(client);
    await client.send(sent);
    return client;
  }

  /** The answer to one request by a new client. */
  async ask(request: string): Promise<string> {
    return await (await this.client(request)).rest();
  }

  close(): void {
    this.#listening?.close();
    this.#listening = undefined;
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.clients.forEach((client) => client.close());
    this.close();
    return Promise.resolve();
  }
}

/** Like the C library's. */
export function withUmask<Result>(umask: number, work: () => Result): Result {
  const before = Deno.umask(umask);
  try {
    return work();
  } finally {
    Deno.umask(before);
  }
}

export class Client {
  readonly #connection: Deno.Conn;

  constructor(connection: Deno.Conn) {
    this.#connection = connection;
  }

  async send(text: string): Promise<void> {
    let bytes = new TextEncoder().encode(text);
    while (bytes.length > 0) bytes = bytes.subarray(await this.#connection.write(bytes));
  }

  /** Ends the client's side. */
  async end(): Promise<void> {
    await this.#connection.closeWrite();
  }

  /** Everything that arrives until the other side ends. */
  async rest(): Promise<string> {
    const pieces: Uint8Array[] = [];
    for (;;) {
      const buffer = new Uint8Array(65_536);
      const count = await this.#connection.read(buffer);
      if (count === null) return await new Blob(pieces as BlobPart[]).text();
      pieces.push(buffer.subarray(0, count));
    }
  }

  /** Whether the other side closes or resets the connection before it sends anything. */
  async isClosed(): Promise<boolean> {
    return await this.rest().catch(() => "") === "";
  }

  /** Sends until the other side accepts no more. */
  async waitUntilRefused(): Promise<void> {
    await waitFor("a write that fails", () => this.send("x").then(() => false, () => true));
  }

  close(): void {
    close(this.#connection);
  }
}

export const connectTo = (address: StatusAddress): Promise<Deno.Conn> =>
  address.tag === "unix"
    ? Deno.connect({ transport: "unix", path: address.path })
    : Deno.connect({ hostname: address.hostname, port: address.port });

export const statusOf = (response: string) => Number(/^HTTP\/1\.1 (\d+) /.exec(response)?.[1]);

export const bodyOf = (response: string) => response.slice(response.indexOf("\r\n\r\n") + 4);
