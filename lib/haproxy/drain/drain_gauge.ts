/** Tells how many connections are left in draining processes. HAProxy tells only those who were connected before. */
import { openPrompt, type Prompt, type StatsSocket } from "../runtime/client.ts";
import { askDrain } from "../runtime/instance.ts";

export class DrainGauge {
  readonly #prompts = new Map<number, Prompt>();
  readonly #left = new Map<number, number>();
  /** The last answers, and until when they may stand for what was left at the end. */
  readonly #last = new Map<number, { readonly connections: number; readonly untilMs: number }>();

  /** By generation, without those that do not answer. */
  get left(): ReadonlyMap<number, number> {
    return this.#left;
  }

  /**
   * Connects to a generation before it is asked to drain. Waits a moment at most, so that a process that
   * hangs is asked all the same.
   */
  async open(generation: number, socket: StatsSocket): Promise<void> {
    this.close(generation);
    const prompt = await openPrompt(socket, AbortSignal.timeout(OPEN_LIMIT_MS));
    if (prompt === null) return;
    // A drain that cuts a handoff off opens another one meanwhile, which would keep the process alive.
    this.close(generation);
    this.#prompts.set(generation, prompt);
  }

  /** For a generation that goes on serving. */
  close(generation: number): void {
    this.#prompts.get(generation)?.close();
    this.#prompts.delete(generation);
  }

  /** Keeps asking a generation that has begun to drain, if `open` got through. */
  follow(generation: number): void {
    const prompt = this.#prompts.get(generation);
    this.#prompts.delete(generation);
    if (prompt !== undefined) this.#ask(generation, prompt);
  }

  /** What was left in a process when it ended; `null` if nobody knows. */
  forget(generation: number): number | null {
    this.close(generation);
    const last = this.#last.get(generation);
    this.#last.delete(generation);
    this.#left.delete(generation);
    return last === undefined || performance.now() > last.untilMs ? null : last.connections;
  }

  /** Closes the connection once nothing else keeps the process alive. */
  async #ask(generation: number, prompt: Prompt): Promise<void> {
    const startedMs = performance.now();
    try {
      for (;;) {
        await new Promise((resolve) => setTimeout(resolve, pauseMs(performance.now() - startedMs)));
        const info = await askDrain(prompt.ask);
        if (info?.isStopping) this.#note(generation, info.connections);
        if (info === null || (info.isStopping && info.others <= 0)) break;
      }
    } finally {
      prompt.close();
      this.#endNotes(generation);
    }
  }

  #note(generation: number, connections: number): void {
    this.#left.set(generation, connections);
    this.#last.set(generation, { connections, untilMs: performance.now() + STALE_MS });
  }

  /** From a process that lives on without answering, connections may go unseen. */
  #endNotes(generation: number): void {
    this.#left.delete(generation);
    const last = this.#last.get(generation);
    if (last === undefined) return;
    const untilMs = Math.min(last.untilMs, performance.now() + GOING_MS);
    this.#last.set(generation, { ...last, untilMs });
  }
}

const OPEN_LIMIT_MS = 100;

/** HAProxy closes a silent connection to its CLI after 10 s. */
const LONGEST_PAUSE_MS = 2_000;

/** At the end of its hard-stop-after HAProxy 2.6.12 cuts all connections, this one too, and ends a second later. */
const GOING_MS = 1_500;

const STALE_MS = LONGEST_PAUSE_MS + 1_000;

/** A tenth of the elapsed time, so that being watched makes no drain much longer. */
const pauseMs = (elapsedMs: number) => Math.min(LONGEST_PAUSE_MS, Math.max(2, elapsedMs / 10));
