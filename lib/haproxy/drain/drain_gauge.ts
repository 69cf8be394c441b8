/** Tells how many connections are left in processes that drain. HAProxy tells that only to those who asked before it drained. */
import { openPrompt, type Prompt, type StatsSocket } from "../runtime/client.ts";
import { askDrain } from "../runtime/instance.ts";

export class DrainGauge {
  readonly #prompts = new Map<number, Prompt>();
  readonly #left = new Map<number, number>();
  /** The last answers, with the time until which they may tell what was left at the end. */
  readonly #last = new Map<number, { readonly connections: number; readonly untilMs: number }>();

  /** By generation; one that does not tell is not there. */
  get left(): ReadonlyMap<number, number> {
    return this.#left;
  }

  /**
   * Connects to the generation behind `socket`, which may be asked to drain after that. Waits a moment at
   * most, so that a process that hangs is none the less asked to drain.
   */
  async open(generation: number, socket: StatsSocket): Promise<void> {
    this.close(generation);
    const prompt = await openPrompt(socket, AbortSignal.timeout(OPEN_LIMIT_MS));
    if (prompt !== null) this.#prompts.set(generation, prompt);
  }

  /** It goes on serving. */
  close(generation: number): void {
    this.#prompts.get(generation)?.close();
    this.#prompts.delete(generation);
  }

  /** Goes on asking the generation, which has just been asked to drain, as far as that was made possible. */
  follow(generation: number): void {
    const prompt = this.#prompts.get(generation);
    this.#prompts.delete(generation);
    if (prompt !== undefined) this.#ask(generation, prompt);
  }

  /** Tells of a process that is gone what was left when it ended; `null` if nobody knows. */
  forget(generation: number): number | null {
    this.close(generation);
    const last = this.#last.get(generation);
    this.#last.delete(generation);
    this.#left.delete(generation);
    return last === undefined || performance.now() > last.untilMs ? null : last.connections;
  }

  /** Our own connection keeps the process from its end, so it is closed when nothing else does. */
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

  /** Of a process that lives on without answering, anybody may have left. */
  #endNotes(generation: number): void {
    this.#left.delete(generation);
    const last = this.#last.get(generation);
    if (last === undefined) return;
    const untilMs = Math.min(last.untilMs, performance.now() + GOING_MS);
    this.#last.set(generation, { ...last, untilMs });
  }
}

/** HAProxy answers within a millisecond. */
const OPEN_LIMIT_MS = 100;

/** Shorter than the 10 s after which HAProxy closes a connection to its CLI that is silent. */
const LONGEST_PAUSE_MS = 2_000;

/** At the end of its hard-stop-after HAProxy 2.6.12 cuts all connections, ours too, and ends a second later. */
const GOING_MS = 1_500;

/** Older answers tell nothing about the end. */
const STALE_MS = LONGEST_PAUSE_MS + 1_000;

/** A tenth of the time that has passed, so that no drain lasts much longer for being watched. */
const pauseMs = (elapsedMs: number) => Math.min(LONGEST_PAUSE_MS, Math.max(2, elapsedMs / 10));
