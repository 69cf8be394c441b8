/**
 * Serves HTTP clients, one request each. Connections are capped: for a new one the oldest idle one makes
 * room. A client has one deadline to send its request and one to take the response and close. A client
 * that goes away is an outcome, not an error.
 */
import {
  bareResponse,
  formatResponse,
  type HttpRequest,
  type HttpResponse,
  parseHead,
} from "./message.ts";

export interface HttpLimits {
  readonly headBytes: number;
  /** A body up to this size is read and dropped. */
  readonly bodyBytes: number;
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
  /** `gone` aborts when nobody waits for the response any more. */
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
  /** Clients that have to act, or may be gone. Both sets are in order of entry. */
  readonly #idle = new Set<Client>();
  /** Clients that wait for their response. */
  readonly #waiting = new Set<Client>();
  #unsent = 0;
  #isClosed = false;

  constructor(options: HttpServerOptions) {
    this.#options = options;
  }

  /** The larger set gives way, so idle clients cannot push out waiting ones, nor waiting ones idle ones. */
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

  /** Closes later connections at once, too. */
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
      // A client that ended only its own side still wants its answer. One that closed looks the same.
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
   * Sends the response, ends our side, and waits until the client has closed as well: with unread data left
   * at the close, the kernel would reset the connection and the client could lose the response.
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
   * Whether the client took it. A write counts until it ends, even after the deadline: Deno 2.6 does not
   * cancel it when the connection is closed, and keeps the file descriptor until the client reads or is gone.
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

const REFUSED_LATE: Received = { tag: "refused", status: 408 };

const MADE_ROOM = formatResponse(bareResponse(503), { isHead: false });

/** `null` after `limitMs`; the promise itself goes on. */
async function within<Value>(limitMs: number, promise: Promise<Value>): Promise<Value | null> {
  const { promise: over, resolve } = Promise.withResolvers<null>();
  const timer = setTimeout(resolve, limitMs, null);
  try {
    return await Promise.race([promise, over]);
  } finally {
    clearTimeout(timer);
  }
}

type Received =
  | { readonly tag: "request"; readonly request: HttpRequest }
  | { readonly tag: "refused"; readonly status: 400 | 408 | 413 }
  /** The client closed without a request. */
  | { readonly tag: "gone" };

/** Reads one request and drops its body. */
async function receiveRequest(
  connection: Deno.Conn,
  { headBytes, bodyBytes }: Pick<HttpLimits, "headBytes" | "bodyBytes">,
): Promise<Received> {
  // Never full, since a read into no space looks like the end: what would fill it is refused.
  const buffer = new Uint8Array(headBytes + bodyBytes);
  for (let length = 0;;) {
    const count = await read(connection, buffer.subarray(length));
    if (typeof count === "string") {
      return length === 0 ? { tag: "gone" } : { tag: "refused", status: 400 };
    }
    length += count;
    const head = parseHead(buffer.subarray(0, length), headBytes);
    if (head.tag === "malformed") return { tag: "refused", status: head.status };
    if (head.tag === "incomplete") continue;
    if (head.bodyBytes > bodyBytes) return { tag: "refused", status: 413 };
    if (length >= head.headBytes + head.bodyBytes) return head;
  }
}

/** The client ended its side, or is gone. */
type End = "ended" | "gone";

/** Drops what the client still sends until it ends its side or is gone. */
async function dropRest(connection: Deno.Conn): Promise<End> {
  for (;;) {
    const count = await read(connection, DROPPED);
    if (typeof count === "string") return count;
  }
}

/** Shared by all clients: nobody reads what is in it. */
const DROPPED = new Uint8Array(16 * 1_024);

async function read(connection: Deno.Conn, buffer: Uint8Array): Promise<number | End> {
  try {
    return await connection.read(buffer) ?? "ended";
  } catch {
    return "gone";
  }
}

/** How many of the bytes were taken, maybe not all; `null`: the client is gone. */
export async function write(connection: Deno.Conn, bytes: Uint8Array): Promise<number | null> {
  try {
    return await connection.write(bytes);
  } catch {
    return null;
  }
}

/** Whether the client took all bytes. */
async function writeAll(connection: Deno.Conn, bytes: Uint8Array): Promise<boolean> {
  for (let rest = bytes; rest.length > 0;) {
    const count = await write(connection, rest);
    if (count === null) return false;
    rest = rest.subarray(count);
  }
  return true;
}

async function endWriting(connection: Deno.Conn): Promise<boolean> {
  try {
    await connection.closeWrite();
    return true;
  } catch {
    return false;
  }
}

/** Can be called at any time, also twice. */
function closeQuietly(connection: Deno.Conn): void {
  try {
    connection.close();
  } catch (error) {
    if (!(error instanceof Deno.errors.BadResource)) throw error;
  }
}
