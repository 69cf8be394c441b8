/** Reads a connection continuously, so that its end is known at once and not at the next request. */
import { type End, Failure, failureOf } from "./failures.ts";

export class Incoming {
  /** Received and not yet taken. */
  bytes: Uint8Array = new Uint8Array();
  end: End | null = null;
  readonly #conn: Deno.Conn;
  #isClosed = false;
  #wake = () => {};

  constructor(conn: Deno.Conn) {
    this.#conn = conn;
    void this.#read();
  }

  /** Takes the first `count` bytes. */
  take(count: number): Uint8Array {
    const taken = this.bytes.subarray(0, count);
    this.bytes = this.bytes.subarray(count);
    return taken;
  }

  /** Resolves when something arrives, or the end. */
  async more(): Promise<void> {
    if (this.end !== null) return;
    await new Promise<void>((resolve) => this.#wake = resolve);
  }

  /** Never fails: the end is read after what was received before it. */
  async write(bytes: Uint8Array): Promise<void> {
    try {
      for (let rest = bytes; rest.length > 0;) {
        rest = rest.subarray(await this.#conn.write(rest));
      }
    } catch {
      return;
    }
  }

  close(): void {
    if (!this.#isClosed) this.#conn.close();
    this.#isClosed = true;
  }

  /** Half-closes, and waits for the other side to close. */
  async finish(): Promise<void> {
    const ending = within(this, TIMEOUT_MS, async () => {
      await this.#conn.closeWrite();
      while (this.end === null) await this.more();
    });
    try {
      await ending;
      if (this.end?.tag === "failed") {
        throw failureOf(this.end, { phase: "answering", wasIdle: false });
      }
    } finally {
      this.close();
    }
  }

  async #read(): Promise<void> {
    const buffer = new Uint8Array(16_384);
    try {
      for (;;) {
        const count = await this.#conn.read(buffer);
        if (count === null) break;
        this.bytes = joined(this.bytes, buffer.subarray(0, count));
        this.#wake();
      }
      this.end ??= { tag: "closed" };
    } catch (error) {
      this.end ??= { tag: "failed", error: error as Error };
    }
    this.#wake();
  }
}

/** By default. */
export const TIMEOUT_MS = 5_000;

/** Closes the connection when `work` takes too long. */
export async function within<Result>(
  connection: { close(): void },
  timeoutMs: number,
  work: () => Promise<Result>,
): Promise<Result> {
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    connection.close();
  }, timeoutMs);
  try {
    return await work();
  } catch (error) {
    throw isLate ? new Failure("timeout", `no answer within ${timeoutMs} ms`) : error;
  } finally {
    clearTimeout(timer);
  }
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  const all = new Uint8Array(first.length + second.length);
  all.set(first);
  all.set(second, first.length);
  return all;
}
