/** As much of HTTP/3 as the tests need: a stream for each request, and every GOAWAY seen. Needs `--unstable-net`. */
import { Failure } from "./failures.ts";
import { type Answer, type Connection, type SecureAddress, SITE } from "./connection.ts";
import { frame, FrameType, parseFrame, parseVarint, varint } from "./http3_frames.ts";
import { TIMEOUT_MS, within } from "./incoming.ts";

/** With a full handshake that verifies the certificate. @throws {Failure} */
export async function connectHttp3({ port, authority }: SecureAddress): Promise<Http3Connection> {
  // A socket of its own, as in browsers, so that it has its own port.
  const endpoint = new Deno.QuicEndpoint({ hostname: "127.0.0.1", port: 0 });
  try {
    const conn = await Deno.connectQuic({
      endpoint,
      port,
      hostname: "127.0.0.1",
      serverName: SITE,
      caCerts: [authority],
      alpnProtocols: ["h3"],
      maxIdleTimeout: TIMEOUT_MS,
    });
    const control = (await conn.createUnidirectionalStream()).getWriter();
    await control.write(new Uint8Array([CONTROL_STREAM, ...frame(FrameType.settings)]));
    return new Http3Connection({ endpoint, conn, control });
  } catch (error) {
    endpoint.close();
    throw failureOf(error as Error, "connecting");
  }
}

interface Parts {
  readonly endpoint: Deno.QuicEndpoint;
  readonly conn: Deno.QuicConn;
  /** Kept from garbage collection, which would end it; HTTP/3 forbids that. */
  readonly control: WritableStreamDefaultWriter<Uint8Array>;
}

export class Http3Connection implements Connection {
  readonly #parts: Parts;
  readonly #reading: Promise<void>;
  #nextStream = 0;
  /** The first stream that the server will not process. */
  #firstIgnored = Infinity;
  #isClosed = false;
  /** Why it was lost, as a request only hears that it is. */
  #end: Error | null = null;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#reading = this.#readStreams();
    parts.conn.closed.then(
      () => this.#isClosed = true,
      (error) => {
        this.#isClosed = true;
        this.#end = error;
      },
    );
  }

  get isOver(): boolean {
    return this.#isClosed || this.#firstIgnored < Infinity;
  }

  async request(path = "/"): Promise<Answer | null> {
    return await within(this, TIMEOUT_MS, async () => {
      const stream = this.#nextStream;
      this.#nextStream += STREAM_STEP;
      const incoming = new Incoming();
      try {
        await this.#exchange(headers(path), incoming);
      } catch (error) {
        // GOAWAY may be read after the end that it announces.
        if (isRejection(error)) return null;
        if (this.#isClosed) await this.#reading;
        if (stream >= this.#firstIgnored) return null;
        throw failureOf(
          this.#end ?? error as Error,
          incoming.hasBegun ? "answering" : "asked",
          stream > 0,
        );
      }
      if (!incoming.isOk) throw new Failure("wrong", "answered another status than 200");
      const isLast = this.#firstIgnored < Infinity;
      return { text: incoming.body, isLast };
    });
  }

  async finish(): Promise<void> {
    this.close();
    await this.#reading;
  }

  close(): void {
    if (!this.#isClosed) this.#parts.conn.close({ closeCode: NO_ERROR, reason: "" });
    this.#isClosed = true;
    this.#parts.endpoint.close();
  }

  async #exchange(request: Uint8Array<ArrayBuffer>, incoming: Incoming): Promise<void> {
    const { readable, writable } = await this.#parts.conn.createBidirectionalStream();
    const writer = writable.getWriter();
    await writer.write(request);
    await writer.close();
    for await (const bytes of readable) incoming.take(bytes);
  }

  /** Of the server's streams only the control stream matters: QPACK's tables stay empty. */
  async #readStreams(): Promise<void> {
    const streams: Promise<void>[] = [];
    try {
      for await (const stream of this.#parts.conn.incomingUnidirectionalStreams) {
        streams.push(this.#read(stream).catch(() => {}));
      }
    } catch {
      // The connection has ended, which a request will report.
    }
    await Promise.all(streams);
  }

  async #read(stream: Deno.QuicReceiveStream): Promise<void> {
    let rest: Uint8Array = new Uint8Array();
    let isControl: boolean | null = null;
    for await (const bytes of stream) {
      rest = new Uint8Array([...rest, ...bytes]);
      if (isControl === null) {
        isControl = rest[0] === CONTROL_STREAM;
        rest = rest.slice(1);
      }
      if (!isControl) continue;
      for (let next; (next = parseFrame(rest)) !== null; rest = rest.slice(next.length)) {
        if (next.value.type !== FrameType.goaway) continue;
        const first = parseVarint(next.value.payload)?.value ?? 0;
        this.#firstIgnored = Math.min(this.#firstIgnored, first);
      }
    }
  }
}

/** What has arrived of one answer. */
class Incoming {
  hasBegun = false;
  isOk = false;
  body = "";
  #rest = new Uint8Array();

  take(bytes: Uint8Array): void {
    this.hasBegun = true;
    this.#rest = new Uint8Array([...this.#rest, ...bytes]);
    for (let next; (next = parseFrame(this.#rest)) !== null;) {
      this.#rest = this.#rest.slice(next.length);
      const { type, payload } = next.value;
      if (type === FrameType.headers) this.isOk = isStatus200(payload);
      else if (type === FrameType.data) this.body += new TextDecoder("latin1").decode(payload);
    }
  }
}

const CONTROL_STREAM = 0;
const NO_ERROR = 0x100;
/** Of a client's two-way streams. */
const STREAM_STEP = 4;

/** H3_REQUEST_REJECTED: the request was not processed. Deno has the code only in the error's text. */
const isRejection = (error: unknown) => /stream .*error 267$/.test((error as Error).message);

function failureOf(
  { name, message }: Error,
  phase: "connecting" | "asked" | "answering",
  wasIdle = false,
): Failure {
  const detail = `${name}: ${message} (${phase})`;
  if (/timed out/.test(message)) return new Failure("timeout", detail);
  if (/^reset by peer$/.test(message)) return new Failure("reset", detail);
  if (phase === "answering") return new Failure("cut", detail);
  return new Failure(phase === "asked" && wasIdle ? "idle_closing" : "reset", detail);
}

/** QPACK (RFC 9204) with nothing but its static table and literals. */
function headers(path: string): Uint8Array<ArrayBuffer> {
  const literal = (index: number, value: string) => [
    ...[0x50 | index, ...varint(value.length)],
    ...new TextEncoder().encode(value),
  ];
  const METHOD_GET = 0xc0 | 17;
  const SCHEME_HTTPS = 0xc0 | 23;
  const AUTHORITY = 0;
  const PATH = 1;
  const fields = [
    ...[0, 0, METHOD_GET, SCHEME_HTTPS],
    ...literal(PATH, path),
    ...literal(AUTHORITY, SITE),
  ];
  return new Uint8Array(frame(FrameType.headers, new Uint8Array(fields)));
}

/** The status comes first, after a prefix of two bytes, and 200 is in the static table. */
function isStatus200(payload: Uint8Array): boolean {
  const STATUS_200 = 0xc0 | 25;
  return payload[2] === STATUS_200;
}
