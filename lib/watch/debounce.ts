/** Tells how long to wait until the sources have been quiet for long enough. Pure: takes the time as a number. */
import type { Hint } from "./events/file_events.ts";

/**
 * How long a file may stay open without a write before its writer counts as done: not every writer closes
 * its file, and the event of a close may be lost.
 */
export const WRITER_SILENCE_MS = 1_000;

/**
 * After this long, or ten settle times, a stream of finished changes that never pauses is scanned anyway. For
 * a writer that goes on writing there is no such end: half a file must not go live.
 */
export const LONGEST_BURST_MS = 1_000;

const MOST_WRITERS = 1_000;
/** Stands for the paths of all further writers. */
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

  /** Takes note of a hint that came at `nowMs`. */
  note(hint: Hint, nowMs: number): void {
    this.#firstHintMs ??= nowMs;
    this.#lastHintMs = nowMs;
    if (hint.tag === "writing") this.#noteWriting(hint.path, nowMs);
    if (hint.tag === "settled") this.#lastWriteMs.delete(hint.path);
  }

  /** How many milliseconds to wait from `nowMs` on if no other hint comes; 0: all is quiet. */
  remainingMs(nowMs: number): number {
    const silentMs = this.#silentMs();
    const settledMs = Math.min(this.#lastHintMs + this.#settleMs, this.#burstEndMs(nowMs));
    return Math.max(0, silentMs - nowMs, settledMs - nowMs);
  }

  /**
   * Whether a scan from `startedMs` to `nowMs` is worth nothing, because a file that changed meanwhile may
   * have been read half written. Even that cannot put a scan off for ever.
   */
  isDisturbed(startedMs: number, nowMs: number): boolean {
    const isOverdue = nowMs >= this.#burstEndMs(nowMs);
    return this.#lastHintMs >= startedMs && (!isOverdue || this.#silentMs() > nowMs);
  }

  /** Forgets what has been scanned: the next hint begins a new burst. */
  reset(): void {
    this.#lastWriteMs.clear();
    this.#firstHintMs = null;
    this.#lastHintMs = -Infinity;
  }

  /** Of very many writers at once not each is known: then the last write of all of them counts. */
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
