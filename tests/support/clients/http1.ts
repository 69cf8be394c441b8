/** As much of HTTP/1.1 as tests take: unlike `fetch` it never tries anything again, and knows how far an answer got. */
import { Failure, failureOf } from "./failures.ts";
import { type Answer, type Connection, SITE } from "./connection.ts";
import { Incoming, TIMEOUT_MS, within } from "./incoming.ts";

export interface Http1Options {
  /** Whether the first request asks for `Connection: close`. */
  readonly isOnlyOne?: boolean;
  readonly timeoutMs?: number;
}

export class Http1Connection implements Connection {
  readonly #incoming: Incoming;
  readonly #options: Required<Http1Options>;
  #answers = 0;
  #isLast = false;

  constructor(conn: Deno.Conn, { isOnlyOne = false, timeoutMs = TIMEOUT_MS }: Http1Options = {}) {
    this.#incoming = new Incoming(conn);
    this.#options = { isOnlyOne, timeoutMs };
  }

  get isOver(): boolean {
    return this.#isLast || this.#incoming.end !== null;
  }

  async request(path = "/"): Promise<Answer> {
    return await within(this, this.#options.timeoutMs, async () => {
      const wish = this.#options.isOnlyOne ? "connection: close\r\n" : "";
      await this.#incoming.write(encode(`GET ${path} HTTP/1.1\r\nhost: ${SITE}\r\n${wish}\r\n`));
      const { head, body } = await this.#read();
      this.#answers += 1;
      this.#isLast = /^connection: *close\r?$/im.test(head);
      if (!head.startsWith("HTTP/1.1 200 ")) {
        throw new Failure("wrong", `answered "${head.split("\r\n")[0]}"`);
      }
      return { text: body, isLast: this.#isLast };
    });
  }

  finish(): Promise<void> {
    this.close();
    return Promise.resolve();
  }

  close(): void {
    this.#incoming.close();
  }

  async #read(): Promise<Message> {
    const incoming = this.#incoming;
    for (;;) {
      const message = parse(decode(incoming.bytes));
      if (message !== null) {
        incoming.take(message.length);
        return message;
      }
      if (incoming.end !== null) {
        const phase = incoming.bytes.length > 0 ? "answering" : "asked";
        throw failureOf(incoming.end, { phase, wasIdle: this.#answers > 0 });
      }
      await incoming.more();
    }
  }
}

interface Message {
  readonly head: string;
  readonly body: string;
  readonly length: number;
}

/** `null` while something is missing. */
function parse(received: string): Message | null {
  const end = received.indexOf("\r\n\r\n");
  if (end === -1) return null;
  const head = received.slice(0, end);
  const length = end + 4 + Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0);
  if (received.length < length) return null;
  return { head, body: received.slice(end + 4, length), length };
}

const encode = (text: string) => new TextEncoder().encode(text);
const decode = (bytes: Uint8Array) => new TextDecoder("latin1").decode(bytes);
