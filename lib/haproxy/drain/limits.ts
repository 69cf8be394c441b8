/** The drain limits by age, count and memory: which old processes end before they have drained. Pure. */
import type { MemoryLimit } from "../../system/cgroup_memory.ts";
import type { StopSignal } from "../../system/signals.ts";

/** Why a process was ended before it had drained: a limit, or a signal to the wrapper. */
export type EndReason = AgeLimit["reason"] | "max-draining" | "memory" | StopSignal;

/** By age: SIGTERM after `afterMs`; `null`: never. */
export interface AgeLimit {
  readonly afterMs: number | null;
  readonly reason: "shutdown-wait" | "rejected";
}

export const ageLimit = (shutdownWaitMs: number | null): AgeLimit => ({
  afterMs: shutdownWaitMs,
  reason: "shutdown-wait",
});

/** Time to finish the connections that a generation may have accepted before it was rejected. */
export const REJECTED_AGE_LIMIT: AgeLimit = { afterMs: 5_000, reason: "rejected" };

/** From SIGTERM, on which HAProxy exits at once, to SIGKILL. */
export const KILL_AFTER_MS = 5_000;

/** The generations that have served, oldest first. */
export interface OldProcesses {
  readonly draining: readonly number[];
  /** Told to end by a limit on count or memory, and not gone yet. */
  readonly ending: readonly number[];
}

export interface Limited {
  readonly old: OldProcesses;
  /** Those to end now. */
  readonly ended: readonly number[];
}

/** By count: the oldest beyond `maxDraining` end. */
export function limitCount({ draining, ending }: OldProcesses, maxDraining: number): Limited {
  const ended = draining.slice(0, Math.max(0, draining.length - maxDraining));
  const old = { draining: draining.slice(ended.length), ending: [...ending, ...ended] };
  return { old, ended };
}

/** By memory: the oldest ends, one at a time; `null` if none is left to end or to wait for. */
export function limitMemory(old: OldProcesses): Limited | null {
  const [oldest, ...draining] = old.draining;
  if (old.ending.length > 0) return { old, ended: [] };
  return oldest === undefined ? null : { old: { draining, ending: [oldest] }, ended: [oldest] };
}

/** What one more process lacks, in bytes. */
export interface Shortage extends MemoryLimit {
  readonly needed: number;
}

/** By `status`, the serving process's `/proc/PID/status`; `null` if the next process fits or this is unknown. */
export function shortageOf(status: string, limit: MemoryLimit): Shortage | null {
  const needed = memoryNeed(status);
  return needed === null || needed <= limit.available ? null : { ...limit, needed };
}

/** What one more process like that of `status` takes, in bytes; `null` if unknown. */
export function memoryNeed(status: string): number | null {
  const kilobytes = OWN.map((name) => new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(status)?.[1]);
  if (kilobytes[0] === undefined) return null;
  const own = kilobytes.reduce((sum, text) => sum + Number(text ?? 0), 0) * 1_024;
  return Math.ceil(own * MARGIN) + WRAPPER_BYTES;
}

/** What belongs to the process alone; the program and its libraries are already in memory. */
const OWN = ["RssAnon", "RssShmem", "VmSwap", "VmPTE"];

/**
 * For a configuration that has grown. HAProxy 2.6.12 needs no more while it reads one than afterwards (5,000
 * and 50,000 backends), and the kernel's share is 0.1 % of that.
 */
const MARGIN = 1.1;

/** What the wrapper takes briefly during a handoff. */
const WRAPPER_BYTES = 4 * 2 ** 20;
