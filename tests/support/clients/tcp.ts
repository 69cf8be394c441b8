/** A TCP connection through HAProxy to a server that sends everything back. */
import { Failure, failureOf } from "./failures.ts";
import type { Answer, Connection } from "./connection.ts";
import { Incoming, TIMEOUT_MS, within } from "./incoming.ts";

export class TcpConnection implements Connection {
  readonly #incoming: Incoming;
  #sent = 0;

  constructor(conn: Deno.Conn, readonly timeoutMs = TIMEOUT_MS) {
    this.#incoming = new Incoming(conn);
  }

  /** Never: HAProxy does not announce its end, so the next request finds out. */
  readonly isOver = false;

  async request(): Promise<Answer> {
    return await within(this, this.timeoutMs, async () => {
      const incoming = this.#incoming;
      const text = `${this.#sent += 1}`.padEnd(MESSAGE_BYTES, ".");
      await incoming.write(new TextEncoder().encode(text));
      while (incoming.bytes.length < MESSAGE_BYTES) {
        // A cut connection is a failure, however idle it was.
        if (incoming.end !== null) {
          throw failureOf(incoming.end, { phase: "answering", wasIdle: false });
        }
        await incoming.more();
      }
      const echo = new TextDecoder().decode(incoming.take(MESSAGE_BYTES));
      if (echo !== text) throw new Failure("wrong", `answered "${echo}" to "${text}"`);
      return { text: echo.replace(/\.*$/, ""), isLast: false };
    });
  }

  async finish(): Promise<void> {
    await this.#incoming.finish();
  }

  close(): void {
    this.#incoming.close();
  }
}

const MESSAGE_BYTES = 64;
