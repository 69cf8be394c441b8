/** Serves HTTP clients: one request each, and of everything only so much at once. */
import {
  closeQuietly,
  part,
  type Received,
  receiveRequest,
  write,
  writeAll,
} from "./http_connection.ts";
import type { HttpLimits } from "./http_limits.ts";
import {
  bareResponse,
  formatResponse,
  type HttpRequest,
  type HttpResponse,
} from "./http_message.ts";

export interface HttpServiceOptions {
  /** Takes up one of the places for answers until it ends. */
  readonly respond: (request: HttpRequest) => Promise<HttpResponse>;
  /** Told what `respond` throws; the client gets a 500. */
  readonly onBug: (error: unknown) => void;
  readonly limits: HttpLimits;
}

export class HttpService {
  readonly #options: HttpServiceOptions;
  readonly #open = new Set<Deno.Conn>();
  /** In this set and the next, those that have been there longest come first. */
  readonly #waiting = new Set<Deno.Conn>();
  readonly #parting = new Set<Deno.Conn>();
  #answering = 0;
  #unsent = 0;
  #isClosed = false;

  constructor(options: HttpServiceOptions) {
    this.#options = options;
  }

  /** Ends with the connection, which is closed then. */
  async serve(connection: Deno.Conn): Promise<void> {
    if (this.#isClosed) return closeQuietly(connection);
    this.#open.add(connection);
    try {
      const received = await this.#receive(connection);
      if (await this.#reply(connection, received)) await this.#part(connection);
    } catch (error) {
      this.#options.onBug(error);
    } finally {
      this.#open.delete(connection);
      closeQuietly(connection);
    }
  }

  /** Also those that come from now on. */
  closeAll(): void {
    this.#isClosed = true;
    this.#open.forEach(closeQuietly);
  }

  async #receive(connection: Deno.Conn): Promise<Received> {
    const { limits } = this.#options;
    enter(this.#waiting, connection, limits.waiting);
    const received = await within(limits.requestMs, receiveRequest(connection, limits));
    this.#waiting.delete(connection);
    return received ?? { tag: "refused", status: 408 };
  }

  /** Whether there is somebody to part from. */
  async #reply(connection: Deno.Conn, received: Received): Promise<boolean> {
    switch (received.tag) {
      case "request":
        return await this.#answer(connection, received.request);
      case "refused":
        return await this.#send(connection, bareBytes(received.status));
      case "gone":
        return false;
      default:
        return received satisfies never;
    }
  }

  async #answer(connection: Deno.Conn, request: HttpRequest): Promise<boolean> {
    if (this.#answering >= this.#options.limits.answering) {
      return await this.#send(connection, bareBytes(503));
    }
    this.#answering++;
    try {
      return await this.#send(connection, await this.#respond(request));
    } finally {
      this.#answering--;
    }
  }

  async #respond(request: HttpRequest): Promise<Uint8Array> {
    try {
      const response = await this.#options.respond(request);
      return formatResponse(response, { isHead: request.method === "HEAD" });
    } catch (error) {
      this.#options.onBug(error);
      return bareBytes(500);
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
    return await within(this.#options.limits.responseMs, sending) ?? false;
  }

  async #part(connection: Deno.Conn): Promise<void> {
    const { limits } = this.#options;
    enter(this.#parting, connection, limits.parting);
    await within(limits.partingMs, part(connection));
    this.#parting.delete(connection);
  }
}

/** Closes the one that has been there longest if they are more than `most`. */
function enter(connections: Set<Deno.Conn>, connection: Deno.Conn, most: number): void {
  connections.add(connection);
  const [oldest] = connections;
  if (connections.size <= most || oldest === undefined) return;
  connections.delete(oldest);
  closeQuietly(oldest);
}

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

const bareBytes = (status: number) => formatResponse(bareResponse(status), { isHead: false });
