/** What has happened since the start, for operators. Times are in milliseconds since 1970. Pure. */
import { type Counts, NO_COUNTS, type Result } from "./counters.ts";

/** A process that serves or drains. */
export interface LiveProcess {
  readonly generation: number;
  readonly pid: number;
  readonly servingSinceMs: number;
  /** `null`: it has not been told to stop. */
  readonly drainingSinceMs: number | null;
}

export type DrainingProcess = LiveProcess & { readonly drainingSinceMs: number };

/** Oldest first. */
export const drainingOf = ({ processes }: History): readonly DrainingProcess[] =>
  [...processes.values()].filter((process): process is DrainingProcess =>
    process.drainingSinceMs !== null
  );

/** A start, a reload or a hot apply that has ended. */
export interface Change {
  readonly kind: "start" | "reload" | "hot_apply";
  /** The one that was started, or that got new content. */
  readonly generation: number;
  readonly result: Result;
  readonly endedMs: number;
  readonly durationMs: number;
  /** Why it was done. */
  readonly reason: string;
  /** Paths; `null`: unknown. */
  readonly changed: readonly string[] | null;
  /** Why it failed. */
  readonly failure: string | null;
}

/** A change that is not served yet. */
export interface OpenFailure {
  /** `null`: no process was started, because the files were to be hot-applied. */
  readonly generation: number | null;
  readonly reason: string;
  /** HAProxy's own lines. */
  readonly alerts: readonly string[];
  /** When the change was first not served; failed retries leave it as it is. */
  readonly sinceMs: number;
  readonly lastTriedMs: number;
}

export interface Histogram {
  readonly sum: number;
  readonly count: number;
  /** How many took at most the limit at the same index of `RELOAD_BUCKETS`. */
  readonly buckets: readonly number[];
}

export interface History {
  readonly startedMs: number;
  readonly attempt: {
    readonly generation: number;
    readonly reason: string;
    readonly sinceMs: number;
  } | null;
  /** By generation, oldest first. */
  readonly processes: ReadonlyMap<number, LiveProcess>;
  /** The last 50, newest first. */
  readonly changes: readonly Change[];
  readonly counts: Counts;
  readonly lastBug: { readonly description: string; readonly atMs: number } | null;
  readonly reloadSeconds: Histogram;
  /** When a change last went live. */
  readonly lastSuccessMs: number | null;
  readonly failure: OpenFailure | null;
  readonly desired: { readonly digest: string; readonly sinceMs: number } | null;
  /** When the wait of the current state ends. */
  readonly timerDueMs: number | null;
  /** As HAProxy reports it. */
  readonly haproxyVersion: string | null;
}

/** In seconds. */
export const RELOAD_BUCKETS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60] as const;

export const newHistory = (nowMs: number): History => ({
  startedMs: nowMs,
  attempt: null,
  processes: new Map(),
  changes: [],
  counts: NO_COUNTS,
  lastBug: null,
  reloadSeconds: { sum: 0, count: 0, buckets: RELOAD_BUCKETS.map(() => 0) },
  lastSuccessMs: null,
  failure: null,
  desired: null,
  timerDueMs: null,
  haproxyVersion: null,
});
