/** Keeps requests going against HAProxy, and keeps a record of every one that is not answered with 200. */

export interface LoadOptions {
  readonly http: number;
  readonly https: number;
  /** The PEM of the certificate that is to be served for example.test. */
  readonly certificate: string;
  readonly hostname?: string;
  /** How many clients there are of each of the four kinds. */
  readonly clients?: number;
  readonly pauseMs?: number;
}

export interface Figures {
  readonly answered: number;
  readonly connections: number;
  /** One line each: when, by whom, why. */
  readonly failures: readonly string[];
}

/** Half of the clients open a connection for each request, the others keep theirs; half of both use TLS. */
export class Load implements AsyncDisposable {
  answered = 0;
  connections = 0;
  readonly failures: string[] = [];
  /** The text of each answer that came since it was last emptied. */
  readonly texts = new Set<string>();
  readonly #options: Required<Omit<LoadOptions, "hostname">> & LoadOptions;
  readonly #clients: Promise<void>[];
  #isOver = false;

  constructor(options: LoadOptions) {
    this.#options = { clients: 2, pauseMs: 10, ...options };
    this.#clients = Array.from({ length: this.#options.clients }, () => KINDS).flat()
      .map((kind) => this.#run(kind));
  }

  /** Every client asks once more, so that whatever was done before has shown by the end. */
  async stop(): Promise<Figures> {
    this.#isOver = true;
    await Promise.all(this.#clients);
    const { answered, connections, failures } = this;
    return { answered, connections, failures };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #run(kind: Kind): Promise<void> {
    let connection: Connection | null = null;
    for (let isOver = false; !isOver;) {
      isOver = this.#isOver;
      try {
        connection ??= await this.#open(kind);
        const { text, isLast } = await connection.get(!kind.keepsConnection);
        this.answered++;
        this.texts.add(text);
        if (isLast) connection = closed(connection);
      } catch (error) {
        const { name, message } = error as Error;
        this.failures.push(`${new Date().toISOString()} ${describe(kind)}: ${name}: ${message}`);
        connection = closed(connection);
      }
      await new Promise((resolve) => setTimeout(resolve, this.#options.pauseMs));
    }
    closed(connection);
  }

  async #open(kind: Kind): Promise<Connection> {
    this.connections++;
    return await connect(kind, this.#options);
  }
}

/** Whether a client of each kind gets its answer. */
export async function isServed(options: LoadOptions): Promise<boolean> {
  const answers = KINDS.map(async (kind) => {
    const connection = await connect(kind, options);
    try {
      return await connection.get(true);
    } finally {
      connection.close();
    }
  });
  return (await Promise.allSettled(answers)).every(({ status }) => status === "fulfilled");
}

async function connect(
  { usesTls }: Kind,
  { hostname = "127.0.0.1", http, https, certificate }: LoadOptions,
): Promise<Connection> {
  const plain = await Deno.connect({ hostname, port: usesTls ? https : http });
  if (!usesTls) return new Connection(plain);
  const caCerts = [certificate];
  return new Connection(await Deno.startTls(plain, { hostname: "example.test", caCerts }));
}

interface Kind {
  readonly usesTls: boolean;
  readonly keepsConnection: boolean;
}

const KINDS: readonly Kind[] = [false, true].flatMap((usesTls) =>
  [false, true].map((keepsConnection) => ({ usesTls, keepsConnection }))
);

const describe = ({ usesTls, keepsConnection }: Kind) =>
  `${usesTls ? "https" : "http"}, ${keepsConnection ? "kept" : "new"} connection`;

interface Answer {
  readonly text: string;
  /** Whether the connection ends with it. */
  readonly isLast: boolean;
}

const TIMEOUT_MS = 10_000;

/** Knows as much of HTTP/1.1 as it takes here, and never tries anything again, as `fetch` might. */
class Connection {
  readonly #conn: Deno.Conn;
  #isClosed = false;

  constructor(conn: Deno.Conn) {
    this.#conn = conn;
  }

  async get(isLast: boolean): Promise<Answer> {
    const timer = setTimeout(() => this.close(), TIMEOUT_MS);
    try {
      const wish = isLast ? "connection: close\r\n" : "";
      await this.#write(`GET / HTTP/1.1\r\nhost: example.test\r\n${wish}\r\n`);
      return await this.#read();
    } finally {
      clearTimeout(timer);
    }
  }

  close(): void {
    if (!this.#isClosed) this.#conn.close();
    this.#isClosed = true;
  }

  async #write(text: string): Promise<void> {
    let rest = new TextEncoder().encode(text);
    while (rest.length > 0) rest = rest.subarray(await this.#conn.write(rest));
  }

  async #read(): Promise<Answer> {
    const buffer = new Uint8Array(4_096);
    for (let received = "";;) {
      const count = await this.#conn.read(buffer);
      if (count === null) throw new Error(`the connection ended after "${received}"`);
      received += new TextDecoder("latin1").decode(buffer.subarray(0, count));
      const answer = parse(received);
      if (answer !== null) return answer;
    }
  }
}

/** `null` while something is missing. */
function parse(received: string): Answer | null {
  const end = received.indexOf("\r\n\r\n");
  if (end === -1) return null;
  const head = received.slice(0, end);
  if (!head.startsWith("HTTP/1.1 200 ")) throw new Error(`answered "${head.split("\r\n")[0]}"`);
  const text = received.slice(end + 4);
  const isWhole = text.length >= Number(/^content-length: *(\d+)/im.exec(head)?.[1]);
  return isWhole ? { text, isLast: /^connection: *close/im.test(head) } : null;
}

function closed(connection: Connection | null): null {
  connection?.close();
  return null;
}
