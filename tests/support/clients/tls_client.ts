/** A TLS client that accepts any certificate and tells which one it was, which `Deno.startTls` cannot. */
import { connect, type TLSSocket } from "node:tls";
import type { Pair } from "../certificates.ts";

export interface TlsOptions {
  readonly servername?: string;
  /** The client's own certificate. */
  readonly own?: Pair;
}

/** A kept connection. */
export class TlsConnection implements AsyncDisposable {
  /** Of the served certificate: SHA-256, as `node:tls` writes it. */
  readonly fingerprint: string;
  readonly #socket: TLSSocket;
  #received = "";
  #isOver = false;
  #wake = () => {};

  private constructor(socket: TLSSocket) {
    this.#socket = socket;
    this.fingerprint = socket.getPeerCertificate().fingerprint256;
    socket.on("data", (bytes) => this.#note(new TextDecoder().decode(bytes)));
    for (const event of ["error", "end", "close"]) {
      socket.on(event, () => {
        this.#isOver = true;
        this.#wake();
      });
    }
  }

  /** @throws the system's or TLS's error. */
  static async open(
    port: number,
    { servername = "site.test", own }: TlsOptions = {},
  ): Promise<TlsConnection> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const socket = connect({
      host: "127.0.0.1",
      port,
      servername,
      rejectUnauthorized: false,
      ...own === undefined ? {} : { cert: own.certificate, key: own.key },
    }, resolve);
    socket.once("error", reject);
    try {
      await promise;
      return new TlsConnection(socket);
    } catch (error) {
      await close(socket);
      throw error;
    }
  }

  /** The answer to a request; `null` if the connection ends. */
  async request(): Promise<string | null> {
    this.#received = "";
    this.#socket.write("GET / HTTP/1.1\r\nhost: site.test\r\n\r\n");
    for (;;) {
      const [head, body] = this.#received.split("\r\n\r\n");
      const length = Number(/^content-length: (\d+)/im.exec(head!)?.[1]);
      if (body !== undefined && body.length >= length) return body;
      if (this.#isOver) return null;
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await close(this.#socket);
  }

  #note(text: string): void {
    this.#received += text;
    this.#wake();
  }
}

/** The fingerprint of the certificate that a new connection gets; `null` if none. */
export async function servedTo(port: number, options: TlsOptions = {}): Promise<string | null> {
  try {
    await using connection = await TlsConnection.open(port, options);
    return connection.fingerprint;
  } catch {
    return null;
  }
}

/** The answer to a request on a new connection; `null` if the server refuses it. */
export async function answerTo(port: number, options: TlsOptions = {}): Promise<string | null> {
  try {
    await using connection = await TlsConnection.open(port, options);
    return await connection.request();
  } catch {
    return null;
  }
}

async function close(socket: TLSSocket): Promise<void> {
  if (socket.closed) return;
  const closed = new Promise((resolve) => socket.once("close", resolve));
  socket.destroy();
  await closed;
}
