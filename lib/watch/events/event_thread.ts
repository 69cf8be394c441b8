/**
 * Tells whether the thread of Deno that reads file events waits for the next one, by an event of our own: a directory
 * is touched, which needs no space on the disk. All watchers share that thread, and opening or closing one makes the
 * whole program wait for it: as long as events come faster than it can read them, and forever once something has
 * happened to a FIFO in a watched directory (2.6 and 2.9).
 */
import { touch } from "../../system/files/files.ts";

/** `interrupted`: a change waits, and the thread has not been seen to wait yet. */
export type EventThreadState = "waiting" | "flooded" | "hung" | "interrupted";

export interface EventThreadOptions {
  /** Whether another thread of this machine runs or waits for a core. */
  readonly areCoresWanted: () => boolean;
  /** Whether a change waits until the answer is there. */
  readonly isAwaited: () => boolean;
}

/** On an idle machine an event takes less than a millisecond. */
const TRY_MS = 100;
/** More than one, so that a program that was stopped meanwhile takes no thread for hung. */
const TRIES = 10;
/** In a flood the next event comes sooner. */
const QUIET_MS = 2;
/** So many in a row if the flood's writer may be waiting for a core. They are counted, since this thread may be waiting, too. */
const LONG_QUIETS = 25;
/** So many events, and one more for each such time, are no flood: a log may be written to. */
const FEW = 4;
const FEW_APART_MS = 20;
/** So many events in a try are a flood. From then on the quiet must be long, whoever waits for a core. */
const FLOOD = 100;
/**
 * After so many answers one holds for a while: the thread looks at each watcher for each event, also for a probe's, and
 * takes up to 50 ms if there are hundreds.
 */
const MANY = 50;
const HOLDS_MS = 50;

export class EventThread {
  readonly #options: EventThreadOptions;
  #directory: string | null = null;
  #onProbe: () => void = () => {};
  #others = 0;
  #hasFlooded = false;
  #answers = 0;
  #answeredMs = -Infinity;

  constructor(options: EventThreadOptions) {
    this.#options = options;
  }

  /** Takes each event as soon as it comes; `null`: one that cannot be read. */
  note(event: Deno.FsEvent | null): void {
    if (this.#directory !== null && event?.paths.includes(this.#directory)) this.#onProbe();
    else this.#others++;
  }

  /**
   * Takes a few milliseconds, or a second or two if the thread does not wait. `directory`: a watched one of our own;
   * `null`: there is none, and a hung thread goes unnoticed.
   */
  async state(directory: string | null): Promise<EventThreadState> {
    const isSame = directory !== null && directory === this.#directory;
    if (isSame && await this.#stillWaits()) return "waiting";
    this.#directory = directory;
    let isFlooded = false;
    for (let tries = 0; tries < TRIES; tries++) {
      if (await this.#isWaiting()) {
        this.#answers++;
        this.#answeredMs = performance.now();
        return "waiting";
      }
      if (this.#options.isAwaited()) return "interrupted";
      if (this.#others === 0) continue;
      isFlooded = true;
      await pause(TRY_MS);
      if (this.#others > FLOOD) this.#hasFlooded = true;
    }
    return isFlooded ? "flooded" : "hung";
  }

  /** Whether the last answer holds, because what has been opened since is quiet, too. */
  async #stillWaits(): Promise<boolean> {
    if (this.#answers < MANY || performance.now() - this.#answeredMs > HOLDS_MS) return false;
    return await this.#staysQuiet(this.#hasFlooded);
  }

  /** Whether the probe's event comes, and hardly any other one before it or after it. */
  async #isWaiting(): Promise<boolean> {
    this.#others = 0;
    const { promise: hasCome, resolve } = Promise.withResolvers<boolean>();
    this.#onProbe = () => resolve(true);
    const isTouched = this.#directory !== null &&
      await touch(this.#directory).then(() => true, () => false);
    if (!isTouched) return await this.#staysQuiet(true);
    const timer = setTimeout(() => resolve(false), TRY_MS);
    const inTime = await hasCome;
    clearTimeout(timer);
    return inTime && await this.#staysQuiet(this.#hasFlooded);
  }

  /** Whether next to nothing is heard, and nothing at the end. */
  async #staysQuiet(forLong: boolean): Promise<boolean> {
    const startedMs = performance.now();
    for (let quiets = 1;; quiets++) {
      const before = this.#others;
      await pause(QUIET_MS);
      if (this.#others > FEW + (performance.now() - startedMs) / FEW_APART_MS) return false;
      if (this.#others > before) continue;
      const mustGoOn = forLong || this.#options.areCoresWanted();
      if (!mustGoOn || quiets >= LONG_QUIETS) return true;
    }
  }
}

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
