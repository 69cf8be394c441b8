/** Reads from one HTTP client and writes to it: a client that is gone is an outcome. */
import type { HttpLimits } from "./http_limits.ts";
import { type HttpRequest, parseHead, type ReadHead } from "./http_message.ts";

export type Received =
  | { readonly tag: "request"; readonly request: HttpRequest }
  | { readonly tag: "refused"; readonly status: number }
  /** Nobody ever asked for anything. */
  | { readonly tag: "gone" };

/** Reads one request, and drops its body. */
export async function receiveRequest(
  connection: Deno.Conn,
  { headBytes, bodyBytes }: HttpLimits,
): Promise<Received> {
  // Never full, or else nothing could be read: what would fill it is refused.
  const buffer = new Uint8Array(headBytes + bodyBytes);
  for (let length = 0;;) {
    const count = await read(connection, buffer.subarray(length));
    if (count === null) return length === 0 ? { tag: "gone" } : { tag: "refused", status: 400 };
    length += count;
    const head = parseHead(buffer.subarray(0, length), headBytes);
    if (head.tag === "malformed") return { tag: "refused", status: head.status };
    if (head.tag === "incomplete") continue;
    if (head.bodyBytes > bodyBytes) return { tag: "refused", status: 413 };
    if (isWhole(head, length)) return head;
  }
}

const isWhole = ({ headBytes, bodyBytes }: ReadHead, length: number) =>
  length >= headBytes + bodyBytes;

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

/**
 * Says that nothing more comes, and drops what the client still sends until it has closed as well. If
 * something unread were left at the close, the kernel would reset the connection, and the client could
 * lose the response.
 */
export async function part(connection: Deno.Conn): Promise<void> {
  if (!await endWriting(connection)) return;
  const dropped = new Uint8Array(DROPPED_AT_ONCE_BYTES);
  while (await read(connection, dropped) !== null);
}

/** May be called at any time, and again. */
export function closeQuietly(connection: Deno.Conn): void {
  try {
    connection.close();
  } catch (error) {
    if (!(error instanceof Deno.errors.BadResource)) throw error;
  }
}

const DROPPED_AT_ONCE_BYTES = 16 * 1_024;

/** `null`: the client has ended, or is gone. */
async function read(connection: Deno.Conn, buffer: Uint8Array): Promise<number | null> {
  try {
    return await connection.read(buffer);
  } catch {
    return null;
  }
}

async function endWriting(connection: Deno.Conn): Promise<boolean> {
  try {
    await connection.closeWrite();
    return true;
  } catch {
    return false;
  }
}
