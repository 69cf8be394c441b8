/** How one HAProxy process is ended: it is asked to drain, and past its limit gets SIGTERM, then SIGKILL. */
import type { StopSignal } from "../../system/signals.ts";
import type { HaproxyProcess } from "../process/process.ts";
import { type AgeLimit, type EndReason, KILL_AFTER_MS, REJECTED_AGE_LIMIT } from "./limits.ts";

/** What it took to end the process. */
export type DrainEnd = "by_itself" | "terminated" | "killed";

/** HAProxy 2.6's master loses a signal that arrives just after its worker first answered. */
const REPEAT_AFTER_MS = 100;

export class Drain {
  readonly #process: HaproxyProcess;
  #repetition: ReturnType<typeof setInterval> | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #startedMs: number | null = null;
  #end: DrainEnd = "by_itself";
  #reason: EndReason | null = null;
  #gone = false;

  constructor(process: HaproxyProcess) {
    this.#process = process;
    process.ended.then(() => {
      this.#gone = true;
      clearTimeout(this.#timer);
      clearInterval(this.#repetition);
    });
  }

  get end(): DrainEnd {
    return this.#end;
  }

  /** `null` if it ended by itself. */
  get reason(): EndReason | null {
    return this.#reason;
  }

  /** Whether it has been asked to end, gracefully or not. */
  get isStarted(): boolean {
    return this.#startedMs !== null;
  }

  /** Milliseconds since it was first asked to end. */
  get elapsedMs(): number {
    return this.#startedMs === null ? 0 : performance.now() - this.#startedMs;
  }

  /** Asks for a soft stop by SIGUSR1; a later limit replaces an earlier one. */
  begin({ afterMs, reason }: AgeLimit): void {
    if (this.#end !== "by_itself") return;
    this.#startedMs ??= performance.now();
    if (afterMs !== null) this.#after(afterMs, () => this.terminate("SIGTERM", reason));
    this.#process.signal("SIGUSR1");
  }

  /** Drains a rejected process, whose state is unknown. */
  discard(): void {
    this.begin(REJECTED_AGE_LIMIT);
    if (this.#gone) return;
    this.#repetition = setInterval(() => this.#process.signal("SIGUSR1"), REPEAT_AFTER_MS);
  }

  /** Sends `signal` once, and SIGKILL if the process is still there after `KILL_AFTER_MS`. */
  terminate(signal: StopSignal, reason: EndReason = signal): void {
    if (this.#end !== "by_itself") return;
    this.#startedMs ??= performance.now();
    this.#end = "terminated";
    this.#reason = reason;
    this.#after(KILL_AFTER_MS, () => this.kill());
    this.#process.signal(signal);
  }

  kill(): void {
    this.#startedMs ??= performance.now();
    this.#end = "killed";
    this.#process.signal("SIGKILL");
  }

  #after(delayMs: number, act: () => void): void {
    clearTimeout(this.#timer);
    if (!this.#gone) this.#timer = setTimeout(act, delayMs);
  }
}
