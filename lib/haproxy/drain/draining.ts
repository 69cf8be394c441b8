/** Brings one HAProxy process to its end: asks it to drain, and past its limit sends TERM, then KILL. */
import type { StopSignal } from "../../system/signals.ts";
import type { HaproxyProcess } from "../process/process.ts";

/** What it took to end the process. */
export type DrainEnd = "by_itself" | "terminated" | "killed";

/** Why a process was not left to end by itself: a limit, or a signal that the wrapper got. */
export type EndReason = "shutdown-wait" | "max-draining" | "memory" | "rejected" | StopSignal;

/** How long a process has between SIGTERM, on which HAProxy dies at once, and SIGKILL. */
export const KILL_AFTER_MS = 5_000;

/** What a rejected generation may have accepted before it was rejected has this long to finish. */
const DISCARD_LIMIT_MS = 5_000;

/** HAProxy 2.6's master loses a signal that comes just after its worker has answered. */
const REPEAT_AFTER_MS = 100;

export class Draining {
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

  /** `null` unless it was ended. */
  get reason(): EndReason | null {
    return this.#reason;
  }

  /** Whether it has been asked to end, in whatever way. */
  get isStarted(): boolean {
    return this.#startedMs !== null;
  }

  /** How long it has been asked to end, in milliseconds. */
  get elapsedMs(): number {
    return this.#startedMs === null ? 0 : performance.now() - this.#startedMs;
  }

  /** Asks for SIGUSR1's soft stop; after `limitMs` follows SIGTERM, for `reason`; `null` waits for ever. */
  drain(limitMs: number | null, reason: EndReason = "shutdown-wait"): void {
    if (this.#end !== "by_itself") return;
    this.#startedMs ??= performance.now();
    if (limitMs !== null) this.#after(limitMs, () => this.terminate("SIGTERM", reason));
    this.#process.signal("SIGUSR1");
  }

  /** Drains a process that was rejected, of which nobody knows what state it is in. */
  discard(): void {
    this.drain(DISCARD_LIMIT_MS, "rejected");
    if (this.#gone) return;
    this.#repetition = setInterval(() => this.#process.signal("SIGUSR1"), REPEAT_AFTER_MS);
  }

  /** Ends it with `signal`, once, and with SIGKILL if it is still there after `KILL_AFTER_MS`. */
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

  /** A later order replaces the deadline of an earlier one. */
  #after(delayMs: number, act: () => void): void {
    clearTimeout(this.#timer);
    if (!this.#gone) this.#timer = setTimeout(act, delayMs);
  }
}
