/**
 * Tells whether the thread of Deno that reads file events waits for the next one, by an event of our own. All watchers
 * share that thread, and opening or closing one makes the whole program wait for it: as long as events come faster
 * than it can read them, and forever once something has happened to a FIFO in a watched directory (2.6 and 2.9).
 */
import { remove, writeTextFile } from "../../system/files/files.ts";

export type EventThreadState = "waiting" | "flooded" | "hung";

/** On an idle machine an event takes less than a millisecond. */
const TRY_MS = 100;
/** More than one, so that a program that was stopped meanwhile takes no thread for hung. */
const TRIES = 10;
/** In a flood the next event comes sooner. */
const QUIET_MS = 2;

export class EventThread {
  #directory = "";
  #number = 0;
  #onProbe: () => void = () => {};
  #others = 0;

  /** Takes each event as soon as it comes. */
  note({ paths }: Deno.FsEvent): void {
    if (!paths.some((path) => path.startsWith(`${this.#directory}/`))) this.#others++;
    else if (paths.includes(this.#path)) this.#onProbe();
  }

  /** Takes a few milliseconds, or a second or two if the thread does not wait. `directory`: a watched one of our own. */
  async state(directory: string): Promise<EventThreadState> {
    this.#directory = directory;
    let isFlooded = false;
    for (let tries = 0; tries < TRIES; tries++) {
      if (await this.#isWaiting()) return "waiting";
      if (this.#others === 0) continue;
      isFlooded = true;
      await pause(TRY_MS);
    }
    return isFlooded ? "flooded" : "hung";
  }

  /** Whether the probe's event comes, and no other one before it or right after it. */
  async #isWaiting(): Promise<boolean> {
    this.#number++;
    this.#others = 0;
    const { promise: hasCome, resolve } = Promise.withResolvers<boolean>();
    this.#onProbe = () => resolve(true);
    // Without an event nothing can be told; then the watch goes on as if the thread waited.
    if (!await writeTextFile(this.#path, "").then(() => true, () => false)) return true;
    const timer = setTimeout(() => resolve(false), TRY_MS);
    const inTime = await hasCome;
    clearTimeout(timer);
    await remove(this.#path).catch(() => {});
    if (inTime) await pause(QUIET_MS);
    return inTime && this.#others === 0;
  }

  get #path(): string {
    return `${this.#directory}/${this.#number}`;
  }
}

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
