/** Brings one HAProxy process to its end: asks it to drain, and past its limit sends TERM, then KILL. */
import type { HaproxyProcess } from "./process.ts";

/** What it took to end the process. */
export type DrainEnd = "by_itself" | "terminated" | "killed";

/** How long a process has between SIGTERM, on which HAProxy dies at once, and SIGKILL. */
export const KILL_AFTER_MS = 5_000;

export class Draining {
  readonly #process: HaproxyProcess;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #startedMs: number | null = null;
  #end: DrainEnd = "by_itself";
  #gone = false;

  constructor(process: HaproxyProcess) {
    this.#process = process;
    process.ended.then(() => {
      this.#gone = true;
      clearTimeout(this.#timer);
    });
  }

  get end(): DrainEnd {
    return this.#end;
  }

  /** Whether it has been asked to end, in whatever way. */
  get isStarted(): boolean {
    return this.#startedMs !== null;
  }

  /** How long it has been asked to end, in milliseconds. */
  get elapsedMs(): number {
    return this.#startedMs === null ? 0 : performance.now() - this.#startedMs;
  }

  /** Asks for SIGUSR1's soft stop; after `limitMs` follows SIGTERM, `null` waits for ever. */
  drain(limitMs: number | null): void {
    this.#startedMs ??= performance.now();
    this.#process.signal("SIGUSR1");
    if (limitMs !== null) this.#after(limitMs, () => this.terminate("SIGTERM"));
  }

  /** Ends it with `signal`, once, and with SIGKILL if it is still there after `KILL_AFTER_MS`. */
  terminate(signal: "SIGTERM" | "SIGINT"): void {
    if (this.#end !== "by_itself") return;
    this.#startedMs ??= performance.now();
    this.#end = "terminated";
    this.#process.signal(signal);
    this.#after(KILL_AFTER_MS, () => this.kill());
  }

  kill(): void {
    this.#startedMs ??= performance.now();
    this.#end = "killed";
    this.#process.signal("SIGKILL");
  }

  /** A later order replaces the deadline of an earlier one. */
  #after(delayMs: number, act: () => void): void {
    clearTimeout(this.#timer);
    if (!this.#gone) this.#timer = setTimeout(act, delayMs);
  }
}
