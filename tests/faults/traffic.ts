/** Clients that ask all the time, while something goes wrong, and note every failure and every wait. */
import { pause } from "../support/wait.ts";

export type ClientKind = "per request" | "keep-alive" | "long-lived";

export interface TrafficFailure {
  /** Milliseconds since the traffic began. */
  readonly atMs: number;
  readonly kind: ClientKind;
  /** Which of all clients it is. */
  readonly client: number;
  readonly what: string;
}

type Client = Pick<TrafficFailure, "kind" | "client">;

export interface TrafficOptions {
  /** Of the page that each request asks for. */
  readonly port: number;
  /** Of the TCP proxy in front of `echo`. */
  readonly tcpPort: number;
}

/** How long each client rests between two requests. */
const PAUSE_MS = 10;

/** What is not answered by then has failed. */
const ANSWER_LIMIT_MS = 15_000;

export class Traffic implements AsyncDisposable {
  failures: TrafficFailure[] = [];
  answers = 0;
  readonly #options: TrafficOptions;
  readonly #startedMs = performance.now();
  readonly #running: Promise<unknown>;
  readonly #pulse = new Pulse();
  #longestGapMs = 0;
  #isStopped = false;
  #clients = 0;
  #renewals = 0;
  #renewed = 0;

  constructor(options: TrafficOptions) {
    this.#options = options;
    this.#running = Promise.all([
      ...Array.from({ length: 2 }, () => this.#run("per request", () => this.#newConnection())),
      ...Array.from({ length: 2 }, () => this.#runKeepAlive()),
      this.#runLongLived(),
    ]);
  }

  /** The longest time between two answers of one client since the last call, without what this process itself has slept. */
  takeLongestGapMs(): number {
    const gapMs = Math.max(0, this.#longestGapMs - this.#pulse.takeLongestMs());
    this.#longestGapMs = 0;
    return gapMs;
  }

  /**
   * Forgets one cut connection of each client, which has no more than one open when a process dies: a refused
   * one, or one more, is none of those.
   */
  forgiveResets(): void {
    const clients = new Set<number>();
    this.failures = this.failures.filter(({ client, what }) => {
      if (!/reset by peer|^cut after|no body in/.test(what) || clients.has(client)) return true;
      clients.add(client);
      return false;
    });
  }

  /** Ends the long-lived connection where nothing is under way, and opens another. */
  async renewLongLived(): Promise<void> {
    const wanted = ++this.#renewals;
    while (this.#renewed < wanted && !this.#isStopped) await pause(2);
  }

  /** Every client asks once more before it ends. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#running;
    this.#pulse.stop();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #run(kind: ClientKind, exchange: () => Promise<string>): Promise<void> {
    const beat = this.#beat();
    const client = { kind, client: ++this.#clients };
    for (let isLast = false; !isLast; await pause(PAUSE_MS)) {
      isLast = this.#isStopped;
      await this.#note(client, exchange, beat);
    }
  }

  async #note(client: Client, exchange: () => Promise<string>, beat: () => void): Promise<void> {
    try {
      const answer = await limited(exchange());
      if (!/^v\d+$/.test(answer)) throw new Error(`found the answer ${JSON.stringify(answer)}`);
      this.answers++;
      beat();
    } catch (error) {
      this.#fail(client, error);
    }
  }

  #fail(client: Client, error: unknown): void {
    const atMs = Math.round(performance.now() - this.#startedMs);
    const what = error instanceof Error ? error.message : `${error}`;
    this.failures.push({ atMs, ...client, what });
  }

  #beat(): () => void {
    let lastMs = performance.now();
    return () => {
      const nowMs = performance.now();
      this.#longestGapMs = Math.max(this.#longestGapMs, nowMs - lastMs);
      lastMs = nowMs;
    };
  }

  async #newConnection(): Promise<string> {
    using connection = await connect(this.#options.port);
    await send(connection, "GET / HTTP/1.0\r\n\r\n");
    return bodyOf(await new Response(connection.readable).text());
  }

  async #runKeepAlive(): Promise<void> {
    let connection: Deno.TcpConn | null = null;
    const exchange = async () => {
      try {
        connection ??= await connect(this.#options.port);
        await send(connection, "GET / HTTP/1.1\r\nHost: page\r\n\r\n");
        const answer = await readAnswer(connection);
        if (/^connection: close/im.test(answer)) connection = closed(connection);
        return bodyOf(answer);
      } catch (error) {
        connection = closed(connection);
        throw error;
      }
    };
    await this.#run("keep-alive", exchange);
    closed(connection);
  }

  async #runLongLived(): Promise<void> {
    let connection: Deno.TcpConn | null = null;
    let number = 0;
    const exchange = async () => {
      try {
        if (this.#renewed < this.#renewals) connection = closed(connection);
        const isNew = connection === null;
        connection ??= await connect(this.#options.tcpPort);
        if (isNew) this.#renewed = this.#renewals;
        const sent = `v${++number}\n`;
        await send(connection, sent);
        const answer = await readLine(connection);
        if (answer !== sent) throw new Error(`sent ${sent}, found ${JSON.stringify(answer)}`);
        return answer.trim();
      } catch (error) {
        connection = closed(connection);
        throw error;
      }
    };
    await this.#run("long-lived", exchange);
    closed(connection);
  }
}

/** Tells how long this process itself could not run, on a machine that is busy. */
class Pulse {
  readonly #timer: ReturnType<typeof setInterval>;
  #lastMs = performance.now();
  #longestMs = 0;

  constructor() {
    this.#timer = setInterval(() => {
      const nowMs = performance.now();
      this.#longestMs = Math.max(this.#longestMs, nowMs - this.#lastMs);
      this.#lastMs = nowMs;
    }, PAUSE_MS);
  }

  takeLongestMs(): number {
    const longestMs = this.#longestMs;
    this.#longestMs = 0;
    return longestMs;
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}

async function connect(port: number): Promise<Deno.TcpConn> {
  return await Deno.connect({ hostname: "127.0.0.1", port });
}

async function send(connection: Deno.TcpConn, text: string): Promise<void> {
  await connection.write(new TextEncoder().encode(text));
}

function closed(connection: Deno.TcpConn | null): null {
  try {
    connection?.close();
  } catch (error) {
    if (!(error instanceof Deno.errors.BadResource)) throw error;
  }
  return null;
}

/** Reads an answer of one that says how long its body is. */
async function readAnswer(connection: Deno.TcpConn): Promise<string> {
  return await readUntil(connection, (text) => {
    const [head, body] = text.split("\r\n\r\n");
    const length = /^content-length: (\d+)/im.exec(head!)?.[1];
    return body !== undefined && body.length >= Number(length);
  });
}

const readLine = (connection: Deno.TcpConn) => readUntil(connection, (text) => text.endsWith("\n"));

async function readUntil(
  connection: Deno.TcpConn,
  isWhole: (text: string) => boolean,
): Promise<string> {
  const chunk = new Uint8Array(4_096);
  let text = "";
  while (!isWhole(text)) {
    const count = await connection.read(chunk);
    if (count === null) throw new Error(`cut after ${JSON.stringify(text)}`);
    text += new TextDecoder().decode(chunk.subarray(0, count));
  }
  return text;
}

const bodyOf = (answer: string) => answer.split("\r\n\r\n")[1] ?? `no body in "${answer}"`;

async function limited<Result>(work: Promise<Result>): Promise<Result> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error("no answer")), ANSWER_LIMIT_MS);
  try {
    return await Promise.race([work, promise]);
  } finally {
    clearTimeout(timer);
    promise.catch(() => {});
  }
}
