/**
 * As much of HTTP/2 as the proof takes: one stream after another on a connection, and every GOAWAY seen. Written by
 * hand, since `node:http2` of Deno 2.6.8 tells of no GOAWAY and throws a cut stream at nobody who could catch it.
 */
import { Failure, failureOf } from "./failures.ts";
import { type Answer, type Connection, SITE } from "./connection.ts";
import { type Frame, frame, FrameType, parseFrame, uint32, uint32At } from "./http2_frames.ts";
import { Incoming, TIMEOUT_MS, within } from "./incoming.ts";

export class Http2Connection implements Connection {
  readonly #incoming: Incoming;
  readonly #reading: Promise<void>;
  /** Odd numbers are the client's. */
  #nextStream = 1;
  #stream: Stream | null = null;
  /** The last stream that the server will process. */
  #lastStream = Infinity;
  #isBroken = false;

  constructor(conn: Deno.Conn) {
    this.#incoming = new Incoming(conn);
    this.#reading = this.#read();
  }

  get isOver(): boolean {
    return this.#isGoingAway || this.#isBroken || this.#incoming.end !== null;
  }

  get #isGoingAway(): boolean {
    return this.#lastStream < Infinity;
  }

  async request(path = "/"): Promise<Answer | null> {
    return await within(this, TIMEOUT_MS, async () => {
      const number = this.#nextStream;
      this.#nextStream += 2;
      const stream = this.#stream = new Stream(number);
      const isFirst = number === 1;
      await this.#incoming.write(
        isFirst ? joined(PREFACE, headers(number, path)) : headers(number, path),
      );
      const isIgnored = () => number > this.#lastStream || stream.resetCode === REFUSED_STREAM;
      while (!stream.isOver && !isIgnored() && !this.#isBroken) await this.#moved();
      if (isIgnored()) return null;
      if (!stream.isComplete) throw this.#failure(stream);
      if (!stream.isOk) throw new Failure("wrong", "answered another status than 200");
      return { text: stream.body, isLast: this.#isGoingAway };
    });
  }

  async finish(): Promise<void> {
    this.close();
    await this.#reading;
  }

  close(): void {
    this.#incoming.close();
  }

  #failure({ number, hasBegun, resetCode }: Stream): Failure {
    if (resetCode !== null) return new Failure("reset", `stream reset with code ${resetCode}`);
    return failureOf(this.#incoming.end ?? { tag: "closed" }, {
      phase: hasBegun ? "answering" : "asked",
      wasIdle: number > 1,
    });
  }

  #wake = () => {};

  async #moved(): Promise<void> {
    await new Promise<void>((resolve) => this.#wake = resolve);
  }

  async #read(): Promise<void> {
    for (;;) {
      const next = parseFrame(this.#incoming.bytes);
      if (next !== null) {
        this.#incoming.take(next.length);
        await this.#handle(next.frame);
        this.#wake();
      } else if (this.#incoming.end === null) await this.#incoming.more();
      else break;
    }
    this.#isBroken = true;
    this.#wake();
  }

  async #handle({ type, flags, stream, payload }: Frame): Promise<void> {
    const answer = (...words: Parameters<typeof frame>) => this.#incoming.write(frame(...words));
    switch (type) {
      case FrameType.settings:
        if ((flags & ACK) === 0) await answer(FrameType.settings, ACK, 0);
        return;
      case FrameType.ping:
        if ((flags & ACK) === 0) await answer(FrameType.ping, ACK, 0, payload);
        return;
      case FrameType.goaway:
        this.#lastStream = Math.min(this.#lastStream, uint32At(payload, 0) & 0x7fffffff);
        return;
      case FrameType.data:
        if (payload.length > 0) {
          await answer(FrameType.windowUpdate, 0, 0, uint32(payload.length));
        }
    }
    if (stream === this.#stream?.number) this.#stream.take({ type, flags, stream, payload });
  }
}

/** What has arrived of one answer. */
class Stream {
  hasBegun = false;
  isOk = false;
  isComplete = false;
  resetCode: number | null = null;
  body = "";

  constructor(readonly number: number) {}

  get isOver(): boolean {
    return this.isComplete || this.resetCode !== null;
  }

  take({ type, flags, payload }: Frame): void {
    if (type === FrameType.headers) this.isOk = isStatus200(payload);
    else if (type === FrameType.data) this.body += new TextDecoder("latin1").decode(payload);
    else if (type === FrameType.resetStream) this.resetCode = uint32At(payload, 0);
    else return;
    this.hasBegun = true;
    this.isComplete ||= type !== FrameType.resetStream && (flags & END_STREAM) !== 0;
  }
}

const ACK = 1;
const END_STREAM = 1;
const END_HEADERS = 4;
/** Says that the request was not processed. */
const REFUSED_STREAM = 7;

const PREFACE = joined(
  new TextEncoder().encode("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
  frame(FrameType.settings, 0, 0),
);

/** HPACK (RFC 7541) with nothing but its static table and literals that are not remembered. */
function headers(stream: number, path: string): Uint8Array<ArrayBuffer> {
  const literal = (index: number, value: string) => [
    ...[index, value.length],
    ...new TextEncoder().encode(value),
  ];
  const METHOD_GET = 0x82;
  const SCHEME_HTTPS = 0x87;
  const AUTHORITY = 1;
  const PATH = 4;
  const fields = [
    ...[METHOD_GET, SCHEME_HTTPS],
    ...literal(PATH, path),
    ...literal(AUTHORITY, SITE),
  ];
  return frame(FrameType.headers, END_STREAM | END_HEADERS, stream, new Uint8Array(fields));
}

/** The status comes first, after table size updates, and 200 is in the static table. */
function isStatus200(payload: Uint8Array): boolean {
  const STATUS_200 = 0x88;
  return payload.find((byte) => (byte & 0xe0) !== 0x20) === STATUS_200;
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array([...first, ...second]);
}
