/** Clients that ask all the time, and a record of every request that was not answered rightly. */
import { pause } from "../wait.ts";
import type { Connection } from "./connection.ts";
import { Failure, type FailureKind } from "./failures.ts";

export interface Client {
  /** Its kind, for the record. */
  readonly name: string;
  open(): Promise<Connection>;
}

export interface LoadFailure {
  /** Milliseconds since the load began. */
  readonly atMs: number;
  readonly name: string;
  /** Which of all clients it is. */
  readonly client: number;
  readonly kind: FailureKind;
  readonly what: string;
}

export interface LoadOptions {
  /** How long each client rests between two requests. */
  readonly pauseMs?: number;
  /** What answers may be; by default anything. */
  readonly wanted?: RegExp;
  /** Of what nothing disturbs but the machine: how long this client waits is no fault of what is tested. */
  readonly bystander?: Client;
}

export class Load implements AsyncDisposable {
  failures: LoadFailure[] = [];
  answers = 0;
  connections = 0;
  /** The answers since it was last emptied. */
  readonly texts = new Set<string>();
  readonly #options: Required<Omit<LoadOptions, "bystander">>;
  readonly #startedMs = performance.now();
  readonly #pulse = new Pulse();
  readonly #running: Promise<unknown>;
  /** The clients that are to open another connection. */
  readonly #renewing = new Set<Client>();
  readonly #bystander: Client | null;
  /** Between two answers to one client. */
  readonly #longestMs = { client: 0, bystander: 0 };
  #isOver = false;

  constructor(
    readonly clients: readonly Client[],
    { pauseMs = 10, wanted = /^/, bystander }: LoadOptions = {},
  ) {
    this.#options = { pauseMs, wanted };
    this.#bystander = bystander ?? null;
    const all = [...clients, ...bystander === undefined ? [] : [bystander]];
    this.#running = Promise.all(all.map((client, index) => this.#run(client, index)));
  }

  /**
   * The longest time between two answers to one client since the last call, less what this process itself slept or
   * the bystander waited on a busy machine.
   */
  takeLongestGapMs(): number {
    const { client, bystander } = this.#longestMs;
    Object.assign(this.#longestMs, { client: 0, bystander: 0 });
    return Math.max(0, client - Math.max(bystander, this.#pulse.takeLongestMs()));
  }

  /** Makes the clients of that name replace their connection between two requests. */
  async renew(name: string): Promise<void> {
    const renewing = this.clients.filter((client) => client.name === name);
    renewing.forEach((client) => this.#renewing.add(client));
    while (renewing.some((client) => this.#renewing.has(client)) && !this.#isOver) await pause(2);
  }

  /** Every client asks once more, so that whatever was done before has shown by the end. */
  async stop(): Promise<void> {
    this.#isOver = true;
    await this.#running;
    this.#pulse.stop();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #run(client: Client, index: number): Promise<void> {
    let connection: Connection | null = null;
    let lastMs = performance.now();
    const role = client === this.#bystander ? "bystander" : "client";
    for (let isOver = false; !isOver; await this.#rest()) {
      isOver = this.#isOver;
      try {
        if (this.#renewing.has(client)) connection = closed(connection);
        connection ??= await this.#open(client);
        this.#renewing.delete(client);
        if (await this.#ask(connection, role) === "last") connection = closed(connection);
        const nowMs = performance.now();
        this.#longestMs[role] = Math.max(this.#longestMs[role], nowMs - lastMs);
        lastMs = nowMs;
      } catch (error) {
        this.#note(error, { name: client.name, client: index });
        connection = closed(connection);
      }
    }
    closed(connection);
  }

  async #open(client: Client): Promise<Connection> {
    this.connections++;
    return await client.open();
  }

  async #ask(connection: Connection, role: "client" | "bystander"): Promise<"last" | "more"> {
    const answer = await connection.request();
    if (answer === null) return "last";
    if (role === "bystander") return answer.isLast ? "last" : "more";
    if (!this.#options.wanted.test(answer.text)) {
      throw new Failure("wrong", `answered ${JSON.stringify(answer.text)}`);
    }
    this.answers++;
    this.texts.add(answer.text);
    return answer.isLast ? "last" : "more";
  }

  #note(error: unknown, client: Pick<LoadFailure, "name" | "client">): void {
    if (!(error instanceof Failure)) throw error;
    const atMs = Math.round(performance.now() - this.#startedMs);
    this.failures.push({ atMs, ...client, kind: error.kind, what: error.message });
  }

  async #rest(): Promise<void> {
    if (this.#options.pauseMs > 0) await pause(this.#options.pauseMs);
  }
}

/** Notices how long this process itself did not run on a busy machine. */
class Pulse {
  readonly #timer: ReturnType<typeof setInterval>;
  #lastMs = performance.now();
  #longestMs = 0;

  constructor() {
    this.#timer = setInterval(() => {
      const nowMs = performance.now();
      this.#longestMs = Math.max(this.#longestMs, nowMs - this.#lastMs);
      this.#lastMs = nowMs;
    }, PULSE_MS);
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

const PULSE_MS = 10;

function closed(connection: Connection | null): null {
  connection?.close();
  return null;
}
