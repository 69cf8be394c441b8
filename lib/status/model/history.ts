/** What has happened since the start, for operators. All times are in milliseconds since 1970. Pure. */

/** A process that serves or drains. */
export interface LiveProcess {
  readonly generation: number;
  readonly pid: number;
  readonly servingSinceMs: number;
  /** `null`: it has not been told to stop. */
  readonly drainingSinceMs: number | null;
}

export interface Attempt {
  readonly generation: number;
  readonly reason: string;
  readonly sinceMs: number;
}

/** A start, a reload, or a change in place that has ended. */
export interface Change {
  readonly kind: "start" | "reload" | "in_place";
  /** For a change in place the one that was changed. */
  readonly generation: number;
  readonly result: "success" | "failure";
  readonly endedMs: number;
  readonly durationMs: number;
  /** Why it was done. */
  readonly reason: string;
  /** Paths; `null`: unknown. */
  readonly changed: readonly string[] | null;
  /** Why it failed. */
  readonly failure: string | null;
}

/** A change that is not served, until something is done about it. */
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

export interface Desired {
  readonly digest: string;
  readonly sinceMs: number;
}

export type DrainHow = "drained" | "terminated" | "killed" | "crashed";
export type HotApplyResult = "success" | "refused" | "unconfirmed";
export type Role = "new" | "serving" | "draining";

/** Counts by their labels, joined with a space. */
export type Counts = ReadonlyMap<string, number>;

export interface Histogram {
  readonly sum: number;
  readonly count: number;
  /** How many were at most as long as the bucket of that index says. */
  readonly buckets: readonly number[];
}

export interface History {
  readonly startedMs: number;
  readonly attempt: Attempt | null;
  /** By generation, oldest first. */
  readonly processes: ReadonlyMap<number, LiveProcess>;
  /** The last ones, newest first. */
  readonly changes: readonly Change[];
  /** `success`, `failure`: without the first start. */
  readonly reloads: Counts;
  /** A kind of use and a `HotApplyResult`. */
  readonly hotApplies: Counts;
  /** A `DrainHow`. */
  readonly drainsEnded: Counts;
  /** Starts that replaced a serving process that exited unexpectedly. */
  readonly respawns: number;
  readonly bugs: number;
  readonly lastBug: { readonly description: string; readonly atMs: number } | null;
  /** An `EndReason`. */
  readonly drainsCut: Counts;
  /** A `Role` and an exit status as a shell has it. */
  readonly processExits: Counts;
  readonly reloadSeconds: Histogram;
  /** When a change last went live. */
  readonly lastSuccessMs: number | null;
  readonly failure: OpenFailure | null;
  readonly desired: Desired | null;
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
  reloads: new Map(),
  hotApplies: new Map(),
  drainsEnded: new Map(),
  respawns: 0,
  bugs: 0,
  lastBug: null,
  drainsCut: new Map(),
  processExits: new Map(),
  reloadSeconds: { sum: 0, count: 0, buckets: RELOAD_BUCKETS.map(() => 0) },
  lastSuccessMs: null,
  failure: null,
  desired: null,
  timerDueMs: null,
  haproxyVersion: null,
});
