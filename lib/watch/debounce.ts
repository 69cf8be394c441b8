/** Tells how long to wait until the sources have been quiet for long enough. Pure: takes the time as a number. */
import type { Hint } from "./events/file_events.ts";

interface QuietTimeOptions {
  readonly settleMs: number;
}

/**
 * How long a file may stay open without a write before its writer counts as done: not everybody
 * closes what it wrote, and the close may have been lost.
 */
export const WRITER_SILENCE_MS = 1_000;

/**
 * After this long, or ten settle times, a stream of finished changes that never pauses is looked at
 * anyway. For a writer who goes on writing there is no such end: half a file must not go live.
 */
export const LONGEST_BURST_MS = 1_000;

const MOST_WRITERS = 1_000;
/** In place of the path of a writer. */
const OTHERS = "";

export class Debounce {
  readonly #settleMs: number;
  readonly #longestBurstMs: number;
  readonly #lastWriteMs = new Map<string, number>();
  #firstHintMs: number | null = null;
  #lastHintMs = -Infinity;

  constructor({ settleMs }: QuietTimeOptions) {
    this.#settleMs = settleMs;
    this.#longestBurstMs = Math.max(LONGEST_BURST_MS, 10 * settleMs);
  }

  /** Takes note of a hint that came at `nowMs`. */
  note(hint: Hint, nowMs: number): void {
    this.#firstHintMs ??= nowMs;
    this.#lastHintMs = nowMs;
    if (hint.tag === "writing") this.#noteWriting(hint.path, nowMs);
    if (hint.tag === "settled") this.#lastWriteMs.delete(hint.path);
  }

  /** How many milliseconds to wait from `nowMs` on, if nothing more comes; 0 if all is quiet. */
  remainingMs(nowMs: number): number {
    const silentMs = this.#silentMs();
    const burstEndMs = (this.#firstHintMs ?? nowMs) + this.#longestBurstMs;
    const settledMs = Math.min(this.#lastHintMs + this.#settleMs, burstEndMs);
    return Math.max(0, silentMs - nowMs, settledMs - nowMs);
  }

  /**
   * Whether a look that began at `startedMs` and ends at `nowMs` is worth nothing, since a file that
   * changed meanwhile may have been seen half written. Not even that can put a look off for ever.
   */
  hasDisturbed(startedMs: number, nowMs: number): boolean {
    const isOverdue = nowMs >= (this.#firstHintMs ?? nowMs) + this.#longestBurstMs;
    return this.#lastHintMs >= startedMs && (!isOverdue || this.#silentMs() > nowMs);
  }

  /** What was noted so far has been looked at: the next hint begins a new burst. */
  reset(): void {
    this.#lastWriteMs.clear();
    this.#firstHintMs = null;
    this.#lastHintMs = -Infinity;
  }

  /** Of very many writers at once not each is known: then the last write of all counts, whoever has closed his file. */
  #noteWriting(path: string, nowMs: number): void {
    const isKnown = this.#lastWriteMs.has(path) || this.#lastWriteMs.size < MOST_WRITERS;
    this.#lastWriteMs.set(isKnown ? path : OTHERS, nowMs);
  }

  /** When the last writer that has not closed its file counts as done. */
  #silentMs(): number {
    let lastMs = -Infinity;
    for (const writtenMs of this.#lastWriteMs.values()) lastMs = Math.max(lastMs, writtenMs);
    return lastMs + WRITER_SILENCE_MS;
  }
}
