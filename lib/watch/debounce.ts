/** Decides how long to wait until the sources have settled. Pure: takes the time as a number. */
import type { Hint } from "./events/file_events.ts";

/**
 * How long an open file must go without a write before its writer counts as done: not every writer closes
 * its file, and the event of a close may be lost.
 */
export const WRITER_SILENCE_MS = 1_000;

/**
 * After this long, or ten settle times, a continuous stream of finished changes is scanned anyway. A writer that
 * keeps writing has no such limit: half a file must not go live.
 */
export const LONGEST_BURST_MS = 1_000;

const MOST_WRITERS = 1_000;
/** Stands for all further writers' paths. */
const OTHERS = "";

export class Debounce {
  readonly #settleMs: number;
  readonly #longestBurstMs: number;
  readonly #lastWriteMs = new Map<string, number>();
  #firstHintMs: number | null = null;
  #lastHintMs = -Infinity;

  constructor(settleMs: number) {
    this.#settleMs = settleMs;
    this.#longestBurstMs = Math.max(LONGEST_BURST_MS, 10 * settleMs);
  }

  /** Records a hint that came at `nowMs`. */
  note(hint: Hint, nowMs: number): void {
    this.#firstHintMs ??= nowMs;
    this.#lastHintMs = nowMs;
    if (hint.tag === "writing") this.#noteWriting(hint.path, nowMs);
    if (hint.tag === "settled") this.#lastWriteMs.delete(hint.path);
  }

  /** How many milliseconds to wait from `nowMs` on if no other hint comes; 0: the sources have settled. */
  remainingMs(nowMs: number): number {
    const silentMs = this.#silentMs();
    const settledMs = Math.min(this.#lastHintMs + this.#settleMs, this.#burstEndMs(nowMs));
    return Math.max(0, silentMs - nowMs, settledMs - nowMs);
  }

  /**
   * Whether a scan from `startedMs` to `nowMs` is worthless, because a file that changed meanwhile may have been
   * read half-written. Not even this can postpone a scan forever.
   */
  isDisturbed(startedMs: number, nowMs: number): boolean {
    const isOverdue = nowMs >= this.#burstEndMs(nowMs);
    return this.#lastHintMs >= startedMs && (!isOverdue || this.#silentMs() > nowMs);
  }

  /** Forgets what has been scanned: the next hint starts a new burst. */
  reset(): void {
    this.#lastWriteMs.clear();
    this.#firstHintMs = null;
    this.#lastHintMs = -Infinity;
  }

  /** With very many writers at once, the surplus ones share one entry: the last write of any of them counts. */
  #noteWriting(path: string, nowMs: number): void {
    const isKnown = this.#lastWriteMs.has(path) || this.#lastWriteMs.size < MOST_WRITERS;
    this.#lastWriteMs.set(isKnown ? path : OTHERS, nowMs);
  }

  #burstEndMs(nowMs: number): number {
    return (this.#firstHintMs ?? nowMs) + this.#longestBurstMs;
  }

  /** When the last writer that has not closed its file counts as done. */
  #silentMs(): number {
    let lastMs = -Infinity;
    for (const writtenMs of this.#lastWriteMs.values()) lastMs = Math.max(lastMs, writtenMs);
    return lastMs + WRITER_SILENCE_MS;
  }
}
