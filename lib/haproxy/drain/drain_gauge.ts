/** Counts the connections left in draining processes. HAProxy answers only on connections opened before the drain. */
import { sleep } from "../../system/cut_off.ts";
import { openPrompt, type Prompt, type StatsSocket } from "../runtime/client.ts";
import { askDrain } from "../runtime/instance.ts";

export class DrainGauge {
  readonly #prompts = new Map<number, Prompt>();
  readonly #followed = new Set<number>();
  readonly #connections = new Map<number, number>();
  /** The last answers, and how long each may count as the number at the end. */
  readonly #last = new Map<number, { readonly connections: number; readonly untilMs: number }>();

  readonly #openLimitMs: number;

  /** How long a process may take to connect; more in tests on a busy machine. */
  constructor(openLimitMs = OPEN_LIMIT_MS) {
    this.#openLimitMs = openLimitMs;
  }

  /** By generation; those that do not answer are missing. */
  get connections(): ReadonlyMap<number, number> {
    return this.#connections;
  }

  /** Connects to a generation before it is asked to drain. */
  async open(generation: number, socket: StatsSocket): Promise<void> {
    this.close(generation);
    const prompt = await openPrompt(socket, AbortSignal.timeout(this.#openLimitMs));
    if (prompt === null) return;
    // A drain during a handoff may have opened another meanwhile: one too many would keep the process alive.
    this.close(generation);
    if (this.#followed.has(generation)) prompt.close();
    else this.#prompts.set(generation, prompt);
  }

  /** For a generation that keeps serving. */
  close(generation: number): void {
    this.#prompts.get(generation)?.close();
    this.#prompts.delete(generation);
  }

  /** Polls a generation that has begun to drain, if `open` connected to it. */
  follow(generation: number): void {
    this.#followed.add(generation);
    const prompt = this.#prompts.get(generation);
    this.#prompts.delete(generation);
    if (prompt !== undefined) this.#ask(generation, prompt);
  }

  /** The connections left in a process when it ended; `null` if unknown. */
  forget(generation: number): number | null {
    this.close(generation);
    this.#followed.delete(generation);
    const last = this.#last.get(generation);
    this.#last.delete(generation);
    this.#connections.delete(generation);
    return last === undefined || performance.now() > last.untilMs ? null : last.connections;
  }

  /** Closes the connection once nothing else keeps the process alive. */
  async #ask(generation: number, prompt: Prompt): Promise<void> {
    const startedMs = performance.now();
    try {
      for (;;) {
        await sleep(pauseMs(performance.now() - startedMs));
        const info = await askDrain(prompt.ask);
        if (info?.isStopping) this.#note(generation, info.connections);
        if (info === null || (info.isStopping && info.others <= 0)) break;
      }
    } finally {
      prompt.close();
      this.#limitLast(generation);
    }
  }

  #note(generation: number, connections: number): void {
    this.#connections.set(generation, connections);
    this.#last.set(generation, { connections, untilMs: performance.now() + STALE_MS });
  }

  /** A process that lives on without answering may lose connections unseen. */
  #limitLast(generation: number): void {
    this.#connections.delete(generation);
    const last = this.#last.get(generation);
    if (last === undefined) return;
    const untilMs = Math.min(last.untilMs, performance.now() + EXIT_MS);
    this.#last.set(generation, { ...last, untilMs });
  }
}

/** A process that hangs delays its own drain by this. On a busy machine others take some 100 ms. */
const OPEN_LIMIT_MS = 1_000;

/** HAProxy closes an idle connection to its CLI after 10 s. */
const LONGEST_PAUSE_MS = 2_000;

/** When hard-stop-after expires, HAProxy 2.6.12 cuts all connections, this one too, and exits a second later. */
const EXIT_MS = 1_500;

const STALE_MS = LONGEST_PAUSE_MS + 1_000;

/** A tenth of the elapsed time, so that polling lengthens no drain by much. */
const pauseMs = (elapsedMs: number) => Math.min(LONGEST_PAUSE_MS, Math.max(2, elapsedMs / 10));
