/**
 * Serves HTTP clients, one request each. Only so many are connected at once, and whenever it is a
 * client's turn it has only so long. A client that is gone is an outcome.
 */
import {
  closeQuietly,
  dropRest,
  type End,
  endWriting,
  type HeadLimits,
  type Received,
  receiveRequest,
  write,
  writeAll,
} from "./connection.ts";
import { bareResponse, formatResponse, type HttpRequest, type HttpResponse } from "./message.ts";

export interface HttpLimits extends HeadLimits {
  /** For a client to send its request, and again to take its response and close. */
  readonly turnMs: number;
  readonly connections: number;
  /** Responses that the kernel did not take at once. */
  readonly unsent: number;
}

/** Together they take at most 320 file descriptors, so that enough are left to start HAProxy. */
export const HTTP_LIMITS: HttpLimits = {
  headBytes: 8 * 1_024,
  bodyBytes: 1_024,
  turnMs: 5_000,
  connections: 256,
  unsent: 64,
};

export interface HttpServerOptions {
  /** `gone` tells that nobody waits for the response any more. */
  readonly respond: (request: HttpRequest, gone: AbortSignal) => Promise<HttpResponse>;
  /** Told what `respond` throws; the client gets a 500. */
  readonly onBug: (error: unknown) => void;
  readonly limits: HttpLimits;
}

interface Client {
  readonly connection: Deno.Conn;
  giveWay(): void;
}

export class HttpServer {
  readonly #options: HttpServerOptions;
  /** Whose turn it is, and who may be gone. In both sets, those that entered first come first. */
  readonly #idle = new Set<Client>();
  /** Who wait for their response. */
  readonly #waiting = new Set<Client>();
  #unsent = 0;
  #isClosed = false;

  constructor(options: HttpServerOptions) {
    this.#options = options;
  }

  /**
   * For one more. The larger crowd gives way, so that neither idle clients push out those who wait, nor
   * the other way round.
   */
  #makeRoom(): void {
    const { connections } = this.#options.limits;
    while (this.#idle.size + this.#waiting.size >= connections) {
      const crowd = this.#waiting.size > this.#idle.size ? this.#waiting : this.#idle;
      const [oldest] = crowd;
      if (oldest === undefined) return;
      crowd.delete(oldest);
      oldest.giveWay();
    }
  }

  /** Ends with the connection, which is closed then. */
  async serve(connection: Deno.Conn): Promise<void> {
    if (this.#isClosed) return closeQuietly(connection);
    const client = { connection, giveWay: () => closeQuietly(connection) };
    this.#makeRoom();
    this.#enter(this.#idle, client);
    try {
      await this.#exchange(client);
    } catch (error) {
      this.#options.onBug(error);
    } finally {
      this.#leave(client);
      closeQuietly(connection);
    }
  }

  /** Also those that come from now on. */
  closeAll(): void {
    this.#isClosed = true;
    for (const { connection } of [...this.#idle, ...this.#waiting]) closeQuietly(connection);
  }

  async #exchange(client: Client): Promise<void> {
    const { connection } = client;
    const { limits } = this.#options;
    const received = await within(limits.turnMs, receiveRequest(connection, limits)) ??
      REFUSED_LATE;
    if (received.tag === "gone") return;
    const ended = dropRest(connection);
    const bytes = received.tag === "refused"
      ? formatResponse(bareResponse(received.status), { isHead: false })
      : await this.#answer(client, { ...received, ended });
    if (bytes !== null && await this.#send(connection, bytes)) await this.#part(connection, ended);
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
      // A client that has only ended its side is still to be answered. One that has closed looks the same.
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

  /** Whether the client has taken all. */
  async #send(connection: Deno.Conn, bytes: Uint8Array): Promise<boolean> {
    const count = await write(connection, bytes);
    if (count === null || count === bytes.length) return count !== null;
    if (this.#unsent >= this.#options.limits.unsent) return false;
    return await this.#sendSlowly(connection, bytes.subarray(count));
  }

  /**
   * What goes on at the close of a connection is counted until it ends: Deno 2.6 does not cancel a
   * write, and keeps the file descriptor until the client reads or is gone.
   */
  async #sendSlowly(connection: Deno.Conn, bytes: Uint8Array): Promise<boolean> {
    this.#unsent++;
    const sending = writeAll(connection, bytes).finally(() => this.#unsent--);
    return await within(this.#options.limits.turnMs, sending) ?? false;
  }

  /**
   * Says that nothing more comes, and waits until the client has closed as well. If something unread
   * were left at the close, the kernel would reset the connection, and the client could lose the response.
   */
  async #part(connection: Deno.Conn, ended: Promise<End>): Promise<void> {
    if (await endWriting(connection)) await within(this.#options.limits.turnMs, ended);
  }

  #enter(crowd: Set<Client>, client: Client): void {
    this.#leave(client);
    crowd.add(client);
  }

  #leave(client: Client): void {
    this.#idle.delete(client);
    this.#waiting.delete(client);
  }
}

const REFUSED_LATE: Received = { tag: "refused", status: 408 };

const MADE_ROOM = formatResponse(bareResponse(503), { isHead: false });

/** `null` when `limitMs` are over; what was promised goes on. */
async function within<Value>(limitMs: number, promise: Promise<Value>): Promise<Value | null> {
  const { promise: over, resolve } = Promise.withResolvers<null>();
  const timer = setTimeout(resolve, limitMs, null);
  try {
    return await Promise.race([promise, over]);
  } finally {
    clearTimeout(timer);
  }
}
