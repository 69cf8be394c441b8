/** As much of HTTP/1.1 as the proof takes: never tries anything again, and knows how far an answer got. */
import { Failure, failureOf } from "../failures.ts";
import { contentOf, QUICK_PATH, SLOW_PATH } from "./bodies.ts";
import { type Answer, type Connection, SITE } from "./connection.ts";
import { Incoming, within } from "./incoming.ts";

export class Http1Connection implements Connection {
  readonly #incoming: Incoming;
  readonly #isOnlyOne: boolean;
  #answers = 0;
  #isLast = false;

  /** `isOnlyOne`: the first request asks for the connection's end. */
  constructor(conn: Deno.Conn, isOnlyOne: boolean) {
    this.#incoming = new Incoming(conn);
    this.#isOnlyOne = isOnlyOne;
  }

  get isOver(): boolean {
    return this.#isLast || this.#incoming.end !== null;
  }

  async request(isSlow: boolean): Promise<Answer> {
    return await within(this, async () => {
      const wish = this.#isOnlyOne ? "connection: close\r\n" : "";
      const path = isSlow ? SLOW_PATH : QUICK_PATH;
      await this.#incoming.write(encode(`GET ${path} HTTP/1.1\r\nhost: ${SITE}\r\n${wish}\r\n`));
      const { head, body } = await this.#read();
      this.#answers += 1;
      this.#isLast = /^connection: *close\r?$/im.test(head);
      if (!head.startsWith("HTTP/1.1 200 ")) {
        throw new Failure("wrong", `answered "${head.split("\r\n")[0]}"`);
      }
      return { content: contentOf(body, isSlow), isLast: this.#isLast };
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
