/**
 * Tells whether the thread of Deno that reads file events waits for the next one, by an event of our own: a directory
 * is touched, which needs no space on the disk. All watchers share that thread, and opening or closing one makes the
 * whole program wait for it: as long as events come faster than it can read them, and forever once something has
 * happened to a FIFO in a watched directory (2.6 and 2.9).
 */
import { touch } from "../../system/files/files.ts";

export type EventThreadState = "waiting" | "flooded" | "hung";

/** On an idle machine an event takes less than a millisecond. */
const TRY_MS = 100;
/** More than one, so that a program that was stopped meanwhile takes no thread for hung. */
const TRIES = 10;
/** In a flood the next event comes sooner. */
const QUIET_MS = 2;
/** So many events in a try are a flood, whose writer may be preempted for some milliseconds: from then on more is asked. */
const FLOOD = 100;
const QUIET_AFTER_FLOOD_MS = 50;
/**
 * After so many answers one holds for a while: the thread looks at each watcher for each event, also for a probe's, and
 * takes up to 50 ms if there are hundreds.
 */
const MANY = 50;
const HOLDS_MS = 50;

export class EventThread {
  #directory = "";
  #onProbe: () => void = () => {};
  #others = 0;
  #quietMs = QUIET_MS;
  #answers = 0;
  #answeredMs = -Infinity;

  /** Takes each event as soon as it comes. */
  note({ paths }: Deno.FsEvent): void {
    if (paths.includes(this.#directory)) this.#onProbe();
    else this.#others++;
  }

  /** Takes a few milliseconds, or a second or two if the thread does not wait. `directory`: a watched one of our own. */
  async state(directory: string): Promise<EventThreadState> {
    if (directory === this.#directory && await this.#stillWaits()) return "waiting";
    this.#directory = directory;
    let isFlooded = false;
    for (let tries = 0; tries < TRIES; tries++) {
      if (await this.#isWaiting()) {
        this.#answers++;
        this.#answeredMs = performance.now();
        return "waiting";
      }
      if (this.#others === 0) continue;
      isFlooded = true;
      await pause(TRY_MS);
      if (this.#others > FLOOD) this.#quietMs = QUIET_AFTER_FLOOD_MS;
    }
    return isFlooded ? "flooded" : "hung";
  }

  /**
   * Whether the last answer holds. That proves less than another probe, which comes after a flood of what has been opened
   * since, however busy the machine is.
   */
  async #stillWaits(): Promise<boolean> {
    if (this.#answers < MANY || performance.now() - this.#answeredMs > HOLDS_MS) return false;
    await pause(this.#quietMs);
    return this.#others === 0;
  }

  /** Whether the probe's event comes, and no other one before it or right after it. */
  async #isWaiting(): Promise<boolean> {
    this.#others = 0;
    const { promise: hasCome, resolve } = Promise.withResolvers<boolean>();
    this.#onProbe = () => resolve(true);
    // Without an event nothing can be told; then the watch goes on as if the thread waited.
    if (!await touch(this.#directory).then(() => true, () => false)) return true;
    const timer = setTimeout(() => resolve(false), TRY_MS);
    const inTime = await hasCome;
    clearTimeout(timer);
    if (inTime) await pause(this.#quietMs);
    return inTime && this.#others === 0;
  }
}

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
