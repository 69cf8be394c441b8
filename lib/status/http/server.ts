/**
 * Serves HTTP clients, one request each. Connections are limited: the oldest idle one makes room for a new one. A
 * client has one deadline to send its request, and another to take the response and close.
 */
import { sleep, within } from "../../system/cut_off.ts";
import { close, dropRest, type End, endWriting, read, write, writeAll } from "./connection.ts";
import {
  bareResponse,
  formatResponse,
  type HttpRequest,
  type HttpResponse,
  type HttpStatus,
  type MessageLimits,
  type Parsed,
  parseRequest,
} from "./message.ts";

export interface HttpLimits extends MessageLimits {
  /** For a client to send its request, and again to take its response and close. */
  readonly turnMs: number;
  readonly connections: number;
  /** Responses that the kernel did not take at once. */
  readonly unsent: number;
}

/** Together they take at most 320 file descriptors, which leaves enough to start HAProxy. */
export const HTTP_LIMITS: HttpLimits = {
  headBytes: 8 * 1_024,
  bodyBytes: 1_024,
  turnMs: 5_000,
  connections: 256,
  unsent: 64,
};

export interface HttpServerOptions {
  /** `gone` aborts when nobody waits for the response any longer. */
  readonly respond: (request: HttpRequest, gone: AbortSignal) => Promise<HttpResponse>;
  /** Receives what `respond` throws; the client gets a 500. */
  readonly onBug: (error: unknown) => void;
  readonly limits: HttpLimits;
}

interface Client {
  readonly connection: Deno.Conn;
  giveWay(): void;
}

export class HttpServer {
  readonly #options: HttpServerOptions;
  /** Clients whose turn it is, or that may be gone. Both sets are in order of entry. */
  readonly #idle = new Set<Client>();
  /** Clients that wait for their response. */
  readonly #waiting = new Set<Client>();
  #unsent = 0;
  #isClosed = false;

  constructor(options: HttpServerOptions) {
    this.#options = options;
  }

  /** Serves every client until the listener is closed. */
  async acceptAll(listener: Deno.Listener): Promise<void> {
    for (let count = 1;; count++) {
      try {
        const connection = await listener.accept();
        this.serve(connection);
        if (count % ACCEPTED_AT_ONCE === 0) await untilPolled(connection);
      } catch (error) {
        if (error instanceof Deno.errors.BadResource) return;
        if (!isOfClient(error)) await sleep(PAUSE_MS);
      }
    }
  }

  /** The larger set gives way, so idle clients cannot push out waiting ones, or vice versa. */
  #makeRoom(): void {
    const { connections } = this.#options.limits;
    while (this.#idle.size + this.#waiting.size >= connections) {
      const group = this.#waiting.size > this.#idle.size ? this.#waiting : this.#idle;
      const [oldest] = group;
      if (oldest === undefined) return;
      group.delete(oldest);
      oldest.giveWay();
    }
  }

  /** Resolves once the connection is closed. */
  async serve(connection: Deno.Conn): Promise<void> {
    if (this.#isClosed) return close(connection);
    const client = { connection, giveWay: () => close(connection) };
    this.#makeRoom();
    this.#enter(this.#idle, client);
    try {
      await this.#exchange(client);
    } catch (error) {
      this.#options.onBug(error);
    } finally {
      this.#leave(client);
      close(connection);
    }
  }

  /** Later connections are closed at once, too. */
  closeAll(): void {
    this.#isClosed = true;
    for (const { connection } of [...this.#idle, ...this.#waiting]) close(connection);
  }

  async #exchange(client: Client): Promise<void> {
    const { connection } = client;
    const { limits } = this.#options;
    const received = await within(limits.turnMs, receive(connection, limits)) ?? LATE;
    if (received === "gone") return;
    const ended = dropRest(connection);
    const bytes = received.tag === "refused"
      ? formatBare(received.status)
      : await this.#answer(client, { request: received.request, ended });
    if (bytes !== null) await within(limits.turnMs, this.#deliver(connection, { bytes, ended }));
  }

  /** `null`: the client is gone, or has made room. */
  async #answer(
    client: Client,
    { request, ended }: { readonly request: HttpRequest; readonly ended: Promise<End> },
  ): Promise<Uint8Array | null> {
    const { promise: left, resolve: leave } = Promise.withResolvers<null>();
    const gone = new AbortController();
    const { giveWay } = client;
    client.giveWay = () => {
      gone.abort();
      write(client.connection, MADE_ROOM).then(() => leave(null));
    };
    this.#enter(this.#waiting, client);
    ended.then((end) => {
      if (end === "gone") return [gone.abort(), leave(null)];
      // A client that ended only its own side still wants its answer, but one that closed looks the same.
      if (this.#waiting.has(client)) this.#enter(this.#idle, client);
    });
    const bytes = await Promise.race([this.#respond(request, gone.signal), left]);
    if (bytes === null) return null;
    client.giveWay = giveWay;
    this.#enter(this.#idle, client);
    return bytes;
  }

  async #respond(request: HttpRequest, gone: AbortSignal): Promise<Uint8Array> {
    const isHead = request.method === "HEAD";
    try {
      return formatResponse(await this.#options.respond(request, gone), { isHead });
    } catch (error) {
      this.#options.onBug(error);
      return formatResponse(bareResponse(500), { isHead });
    }
  }

  /**
   * Sends the response, ends our side, and waits until the client has closed as well: if data were left unread,
   * the kernel would reset the connection and the client could lose the response.
   */
  async #deliver(
    connection: Deno.Conn,
    { bytes, ended }: { readonly bytes: Uint8Array; readonly ended: Promise<End> },
  ): Promise<void> {
    const count = await write(connection, bytes);
    if (count === null || !await this.#sendRest(connection, bytes.subarray(count))) return;
    if (await endWriting(connection)) await ended;
  }

  /**
   * Whether the client took it. A write counts until it ends, even after the deadline: Deno 2.6 does not cancel it
   * when the connection is closed, and keeps the file descriptor until the client reads or is gone.
   */
  async #sendRest(connection: Deno.Conn, rest: Uint8Array): Promise<boolean> {
    if (rest.length === 0) return true;
    if (this.#unsent >= this.#options.limits.unsent) return false;
    this.#unsent++;
    return await writeAll(connection, rest).finally(() => this.#unsent--);
  }

  #enter(group: Set<Client>, client: Client): void {
    this.#leave(client);
    group.add(client);
  }

  #leave(client: Client): void {
    this.#idle.delete(client);
    this.#waiting.delete(client);
  }
}

const LATE = { tag: "refused", status: 408 } as const;

const formatBare = (status: HttpStatus) => formatResponse(bareResponse(status), { isHead: false });

const MADE_ROOM = formatBare(503);

/**
 * While there are connections to accept, Deno hardly asks the kernel what can be read (2.6 and 2.9: four times in a
 * flood of 2 s), so a request that arrived long ago would not be read before its connection must make room. An
 * empty write sends nothing, but makes Deno ask.
 */
const ACCEPTED_AT_ONCE = 16;
const untilPolled = (connection: Deno.Conn) => write(connection, new Uint8Array());

/** The client left before it was accepted, which Deno notices when it asks for the address. */
const isOfClient = (error: unknown) =>
  error instanceof Deno.errors.NotConnected || error instanceof Deno.errors.ConnectionReset ||
  error instanceof Deno.errors.ConnectionAborted;

/** Avoids a busy loop while file descriptors are exhausted. */
const PAUSE_MS = 100;

/** Reads one request and drops its body; `gone`: the client closed without a request. */
async function receive(
  connection: Deno.Conn,
  limits: MessageLimits,
): Promise<Exclude<Parsed, { tag: "incomplete" }> | "gone"> {
  // Never full, because a read into no space looks like the end: a request that would fill it is refused.
  const buffer = new Uint8Array(limits.headBytes + limits.bodyBytes);
  for (let length = 0;;) {
    const count = await read(connection, buffer.subarray(length));
    if (typeof count === "string") return length === 0 ? "gone" : { tag: "refused", status: 400 };
    length += count;
    const parsed = parseRequest(buffer.subarray(0, length), limits);
    if (parsed.tag !== "incomplete") return parsed;
  }
}
