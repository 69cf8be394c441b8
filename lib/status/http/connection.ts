/** Reads from one HTTP client and writes to it: a client that is gone is an outcome. */
import { type HttpRequest, parseHead } from "./message.ts";

export type Received =
  | { readonly tag: "request"; readonly request: HttpRequest }
  | { readonly tag: "refused"; readonly status: number }
  /** Nobody ever asked for anything. */
  | { readonly tag: "gone" };

export interface HeadLimits {
  readonly headBytes: number;
  /** A body within that is read and dropped. */
  readonly bodyBytes: number;
}

/** Reads one request, and drops its body. */
export async function receiveRequest(
  connection: Deno.Conn,
  { headBytes, bodyBytes }: HeadLimits,
): Promise<Received> {
  // Never full, or else nothing could be read: what would fill it is refused.
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

/** The client has ended its side, or is not there any more. */
export type End = "ended" | "gone";

/** Drops what the client still sends, and tells how that ended. */
export async function dropRest(connection: Deno.Conn): Promise<End> {
  for (;;) {
    const count = await read(connection, DROPPED);
    if (typeof count === "string") return count;
  }
}

/** All clients' at once, since nobody looks at it. */
const DROPPED = new Uint8Array(16 * 1_024);

async function read(connection: Deno.Conn, buffer: Uint8Array): Promise<number | End> {
  try {
    return await connection.read(buffer) ?? "ended";
  } catch {
    return "gone";
  }
}

/** Gives how many of the bytes were taken, which may be fewer; `null`: the client is gone. */
export async function write(connection: Deno.Conn, bytes: Uint8Array): Promise<number | null> {
  try {
    return await connection.write(bytes);
  } catch {
    return null;
  }
}

/** Whether the client has taken all bytes. */
export async function writeAll(connection: Deno.Conn, bytes: Uint8Array): Promise<boolean> {
  for (let rest = bytes; rest.length > 0;) {
    const count = await write(connection, rest);
    if (count === null) return false;
    rest = rest.subarray(count);
  }
  return true;
}

export async function endWriting(connection: Deno.Conn): Promise<boolean> {
  try {
    await connection.closeWrite();
    return true;
  } catch {
    return false;
  }
}

/** May be called at any time, and again. */
export function closeQuietly(connection: Deno.Conn): void {
  try {
    connection.close();
  } catch (error) {
    if (!(error instanceof Deno.errors.BadResource)) throw error;
  }
}
