/** One client's connection. A client that goes away is an outcome, not an error. */

/** The client ended its side, or is gone. */
export type End = "ended" | "gone";

/** How many bytes have arrived. */
export async function read(connection: Deno.Conn, buffer: Uint8Array): Promise<number | End> {
  try {
    return await connection.read(buffer) ?? "ended";
  } catch {
    return "gone";
  }
}

/** Drops what the client still sends, until it ends its side or is gone. */
export async function dropRest(connection: Deno.Conn): Promise<End> {
  for (;;) {
    const count = await read(connection, DROPPED);
    if (typeof count === "string") return count;
  }
}

/** Shared by all clients: its content is never read. */
const DROPPED = new Uint8Array(16 * 1_024);

/** How many of the bytes were taken, possibly not all; `null`: the client is gone. */
export async function write(connection: Deno.Conn, bytes: Uint8Array): Promise<number | null> {
  try {
    return await connection.write(bytes);
  } catch {
    return null;
  }
}

/** Whether the client took all bytes. */
export async function writeAll(connection: Deno.Conn, bytes: Uint8Array): Promise<boolean> {
  for (let rest = bytes; rest.length > 0;) {
    const count = await write(connection, rest);
    if (count === null) return false;
    rest = rest.subarray(count);
  }
  return true;
}

/** Ends our side. Whether the client was still there. */
export async function endWriting(connection: Deno.Conn): Promise<boolean> {
  try {
    await connection.closeWrite();
    return true;
  } catch {
    return false;
  }
}

/** Can be called at any time, even twice. */
export function close(connection: Deno.Conn): void {
  try {
    connection.close();
  } catch (error) {
    if (!(error instanceof Deno.errors.BadResource)) throw error;
  }
}
