/** The answer to `/status`. Its shape is stable; times are ISO 8601 in UTC, and `null` means unknown. Pure. */
import { wordsOf } from "../settings/haproxy_arguments.ts";
import { settingsInForce } from "../settings/options.ts";
import type { DetectorCounts } from "../watch/change_detector.ts";
import { abridged, type Fingerprint } from "../watch/scan/fingerprint.ts";
import { servingIn } from "../supervisor/state/state.ts";
import { health, readiness } from "./health.ts";
import { COUNTER_NAMES, type CounterName, COUNTERS, type Counts } from "./history/counters.ts";
import { type Change, drainingOf, type OpenFailure } from "./history/history.ts";
import type { Excerpt, Snapshot } from "./history/snapshot.ts";

export interface StatusReport {
  /** The versions of the wrapper, Deno, and the serving HAProxy. */
  readonly version: string;
  readonly deno: string;
  readonly haproxy: string | null;
  /** The supervisor's state, such as `serving`, `retrying` or `leaving`. */
  readonly state: string;
  /** As `/healthz` and `/readyz` answer. */
  readonly healthy: boolean;
  readonly ready: boolean;
  /** Why it is not ready. */
  readonly reason: string | null;
  /** Whether what is on disk was refused, so that something else serves. */
  readonly degraded: boolean;
  readonly startedAt: string;
  readonly serving: ServingReport | null;
  /** A start in progress. */
  readonly attempt: {
    readonly generation: number;
    readonly reason: string;
    readonly since: string;
  } | null;
  /** A reload that waits; `null` if none does. */
  readonly waiting: {
    /** The name of what keeps it from starting. */
    readonly for: "min-reload-interval" | "stick-tables" | "certificate" | "whole-files";
    /** The latest time at which it ends. */
    readonly until: string | null;
  } | null;
  /** What is on disk. */
  readonly desired: { readonly digest: string; readonly since: string } | null;
  /** `null` once what is on disk is served. */
  readonly lastFailure: FailureReport | null;
  /** The last bug in the wrapper that was caught, as in the log. */
  readonly lastBug: { readonly description: string; readonly at: string } | null;
  readonly draining: readonly DrainReport[];
  /** Servers that the configuration no longer has, in maintenance until HAProxy deletes them or the next reload. */
  readonly removedServers: readonly string[];
  /** The last 50 starts, reloads and hot applies, newest first. */
  readonly changes: readonly ChangeReport[];
  /** Like the metrics of the same names; by label values, if they have labels. */
  readonly counts: Readonly<Record<CounterName, number | Readonly<Record<string, number>>>>;
  /** The control group's limit and what is left of it; `null` if there is none. */
  readonly memory: { readonly limitBytes: number; readonly availableBytes: number } | null;
  readonly watching: DetectorCounts;
  /** By flag: switches are `true` if their flags are in force, times are in milliseconds. */
  readonly settings: Readonly<Record<string, unknown>>;
}

export interface ServingReport {
  readonly generation: number;
  readonly pid: number | null;
  readonly since: string | null;
  /** Of the contents of all files; `null` if they changed during the read. */
  readonly digest: string | null;
  /** Whether that is what is on disk. */
  readonly servesDesired: boolean;
  /** Each with its SHA-256, or `missing`. */
  readonly files: readonly { readonly path: string; readonly content: string }[];
  /** Where and when its files were recorded, if it serves them because those on disk did not start. */
  readonly lastGood: { readonly directory: string; readonly recorded: string } | null;
}

export interface FailureReport extends Omit<OpenFailure, "sinceMs" | "lastTriedMs"> {
  /** The configuration lines that the alerts name, with those around them. */
  readonly excerpts: readonly Excerpt[];
  readonly since: string;
  readonly lastTried: string;
  /** `null`: only a change or a signal leads to another try. */
  readonly nextRetry: string | null;
}

export interface DrainReport {
  readonly generation: number;
  readonly pid: number;
  readonly since: string;
  /** How many are left; `null` if HAProxy does not say. */
  readonly connections: number | null;
}

/** As in the history. */
export interface ChangeReport extends Omit<Change, "endedMs"> {
  readonly ended: string;
}

export function statusReport(snapshot: Snapshot): StatusReport {
  const { state, history, versions, settings, watching, memory } = snapshot;
  const ready = readiness(state);
  const { attempt, desired, lastBug } = history;
  return {
    version: versions.wrapper,
    deno: versions.deno,
    haproxy: history.haproxyVersion,
    state: state.name,
    healthy: health(state).isOk,
    ready: ready.isOk,
    reason: ready.isOk ? null : ready.reason,
    degraded: "service" in state && history.failure !== null,
    startedAt: iso(history.startedMs),
    serving: servingReport(snapshot),
    attempt: attempt === null
      ? null
      : { generation: attempt.generation, reason: attempt.reason, since: iso(attempt.sinceMs) },
    waiting: waitingReport(snapshot),
    desired: desired === null ? null : { digest: desired.digest, since: iso(desired.sinceMs) },
    lastFailure: failureReport(snapshot),
    lastBug: lastBug && { description: lastBug.description, at: iso(lastBug.atMs) },
    draining: drainReports(snapshot),
    removedServers: abridged(snapshot.removedServers),
    changes: history.changes.map(({ endedMs, durationMs, ...change }) => ({
      ...change,
      ended: iso(endedMs),
      durationMs: Math.round(durationMs),
    })),
    counts: countsReport(history.counts),
    memory: memory && { limitBytes: memory.limit, availableBytes: memory.available },
    watching,
    settings: {
      haproxy: wordsOf(settings.haproxy),
      ...Object.fromEntries(settingsInForce(settings).map(({ flag, json }) => [flag, json])),
    },
  };
}

function waitingReport({ state, history }: Snapshot): StatusReport["waiting"] {
  const until = history.timerDueMs === null ? null : iso(history.timerDueMs);
  if (state.name === "delaying") {
    return { for: WAITS[state.awaits], until };
  }
  const isAwaiting = state.name === "retrying" && state.service.rejected?.awaited !== undefined;
  return isAwaiting ? { for: "whole-files", until } : null;
}

const WAITS = {
  interval: "min-reload-interval",
  tables: "stick-tables",
  renewal: "certificate",
} as const;

function servingReport({ state, history }: Snapshot): ServingReport | null {
  const serving = servingIn(state);
  if (serving === null) return null;
  const { number, fingerprint, changedDuringRead, lastGood } = serving;
  const process = history.processes.get(number);
  const digest = changedDuringRead ? null : fingerprint?.digest ?? null;
  return {
    generation: number,
    pid: process?.pid ?? null,
    since: process === undefined ? null : iso(process.servingSinceMs),
    digest,
    servesDesired: digest !== null && digest === history.desired?.digest &&
      history.failure === null,
    files: filesOf(fingerprint),
    lastGood: lastGood === undefined
      ? null
      : { directory: lastGood.directory, recorded: iso(lastGood.recordedMs) },
  };
}

const filesOf = (fingerprint: Fingerprint | null) =>
  Array.from(fingerprint?.files ?? [], ([path, { content }]) => ({ path, content }));

function failureReport({ state, history, excerpts }: Snapshot): FailureReport | null {
  const { failure, timerDueMs } = history;
  if (failure === null) return null;
  const { sinceMs, lastTriedMs, ...rest } = failure;
  const isRetried = state.name === "retrying" && timerDueMs !== null;
  return {
    ...rest,
    excerpts,
    since: iso(sinceMs),
    lastTried: iso(lastTriedMs),
    nextRetry: isRetried ? iso(timerDueMs) : null,
  };
}

const drainReports = ({ history, connections }: Snapshot): DrainReport[] =>
  drainingOf(history).map(({ generation, pid, drainingSinceMs }) => ({
    generation,
    pid,
    since: iso(drainingSinceMs),
    connections: connections.get(generation) ?? null,
  }));

const countsReport = (counts: Counts) =>
  Object.fromEntries(
    COUNTER_NAMES.map((name): [CounterName, number | Record<string, number>] => {
      const counted: ReadonlyMap<string, number> = counts[name];
      const hasLabels = COUNTERS[name].labels.length > 0;
      return [name, hasLabels ? Object.fromEntries(counted) : counted.get("") ?? 0];
    }),
  ) as StatusReport["counts"];

const iso = (ms: number) => new Date(ms).toISOString();
