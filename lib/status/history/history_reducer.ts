/** Adds a step of the supervisor to the history. Pure. */
import { describeFailure } from "../../haproxy/failure/failure.ts";
import type { Action, Event, EventOf } from "../../supervisor/state/events.ts";
import type { State } from "../../supervisor/state/state.ts";
import { describeCause } from "../../supervisor/messages/reload_messages.ts";
import { increment } from "./counters.ts";
import type { Step } from "../../supervisor/supervisor.ts";
import { abridged, changedPaths } from "../../watch/scan/fingerprint.ts";
import {
  type Change,
  type Histogram,
  type History,
  type OpenFailure,
  RELOAD_BUCKETS,
} from "./history.ts";
import { drainProcesses, endProcess } from "./process_history.ts";

export interface Observation extends Step {
  /** In milliseconds since 1970. */
  readonly nowMs: number;
}

/** The history after one more step. */
export function reduceHistory(history: History, step: Observation): History {
  const afterEvent = step.event === null ? history : reduceEvent(history, step.event, step);
  const afterActions = step.actions.reduce(
    (current, action) => reduceAction(current, action, step),
    afterEvent,
  );
  return countRespawn(clearFailure(afterActions, step), step);
}

function reduceEvent(history: History, event: Event, step: Observation): History {
  switch (event.name) {
    case "settled":
    case "reload_requested":
      return want(history, event.fingerprint?.digest ?? null, step.nowMs);
    case "handoff_ended":
      return endHandoff(history, event, step);
    case "hot_apply_ended":
      return endHotApply(history, event, step);
    case "process_ended":
      return endProcess(history, event.end, step.before);
    case "bug": {
      const lastBug = { description: event.description, atMs: step.nowMs };
      return { ...history, counts: increment(history.counts, "bugs", ""), lastBug };
    }
    default:
      return history;
  }
}

function reduceAction(history: History, action: Action, { nowMs }: Observation): History {
  switch (action.name) {
    case "start_handoff": {
      const { number: generation, cause, fingerprint } = action.attempt;
      const sinceMs = nowMs + (action.pauseMs ?? 0);
      const started = {
        ...history,
        attempt: { generation, reason: describeCause(cause), sinceMs },
      };
      // A respawn starts what is on disk without a scan.
      const digest = cause.tag === "respawn" ? null : fingerprint?.digest ?? null;
      return want(started, digest, nowMs);
    }
    case "take_charge": {
      const rest = { servingSinceMs: nowMs, drainingSinceMs: null };
      const leftovers = action.leftovers.map((process) =>
        [process.generation, { ...process, ...rest }] as const
      );
      return { ...history, processes: new Map([...leftovers, ...history.processes]) };
    }
    case "drain":
    case "terminate":
      return drainProcesses(history, [action.generation], nowMs);
    case "drain_all":
    case "terminate_all":
    case "kill_all":
      return drainProcesses(history, [...history.processes.keys()], nowMs);
    case "set_timer":
      return { ...history, timerDueMs: nowMs + action.delayMs };
    case "clear_timer":
      return { ...history, timerDueMs: null };
    default:
      return history;
  }
}

function want(history: History, digest: string | null, nowMs: number): History {
  if (digest === null || history.desired?.digest === digest) return history;
  return { ...history, desired: { digest, sinceMs: nowMs } };
}

function endHandoff(
  history: History,
  { outcome }: EventOf<"handoff_ended">,
  { before, nowMs }: Observation,
): History {
  if (before?.name !== "starting" && before?.name !== "reloading") return history;
  const rest = { ...history, attempt: null };
  if (outcome.tag === "cancelled") return rest;
  const { number: generation, cause, fingerprint } = before.attempt;
  const replaced = before.name === "starting" ? before.lost?.generation : before.service.serving;
  const isLastGood = cause.tag === "last_good";
  const isStart = cause.tag === "start" || cause.tag === "respawn" || isLastGood;
  const all = isStart ? [] : changedPaths(replaced?.fingerprint ?? null, fingerprint);
  const changed = all && abridged(all);
  // The pause before the start may have been cut short.
  const sinceMs = Math.min(history.attempt?.sinceMs ?? nowMs, nowMs);
  const common = {
    kind: isStart ? "start" : "reload",
    generation,
    changed,
    reason: describeCause(cause),
    endedMs: nowMs,
  } as const;
  if (outcome.tag === "failed") {
    const reason = describeFailure(outcome.failure);
    const durationMs = nowMs - sinceMs;
    const next = add(rest, { ...common, result: "failure", durationMs, failure: reason });
    // The failure of what is on disk stays open.
    return isLastGood ? next : fail(
      next,
      { generation, reason, alerts: outcome.alerts },
      { isRetry: cause.tag === "retry", nowMs },
    );
  }
  const { pid, version, durationMs } = outcome;
  const process = { generation, pid, servingSinceMs: nowMs, drainingSinceMs: null };
  const next: History = {
    ...add(rest, { ...common, result: "success", durationMs, failure: null }),
    processes: new Map([...rest.processes, [generation, process]]),
    haproxyVersion: version,
  };
  return isLastGood ? next : succeed(next, nowMs);
}

function endHotApply(
  history: History,
  { outcome }: EventOf<"hot_apply_ended">,
  { before, nowMs }: Observation,
): History {
  if (before?.name !== "hot_applying") return history;
  const { applied, refused, unconfirmed } = outcome;
  const counts = [
    ...applied.map(({ target }) => `${target.tag} success` as const),
    ...refused.map(({ target }) => `${target.tag} refused` as const),
    ...unconfirmed.map(({ tag }) => `${tag} unconfirmed` as const),
  ].reduce((all, labels) => increment(all, "hotApplies", labels), history.counts);
  const common = {
    kind: "hot_apply",
    generation: before.service.serving.number,
    endedMs: nowMs,
    reason: describeCause(before.attempt.cause),
  } as const;
  const changes = [
    ...applied.map(({ target, durationMs }): Change => (
      { ...common, result: "success", changed: [target.path], durationMs, failure: null }
    )),
    ...refused.map(({ target, reason }): Change => (
      { ...common, result: "failure", changed: [target.path], durationMs: 0, failure: reason }
    )),
  ];
  const next = changes.reduce(add, { ...history, counts });
  const [first] = refused;
  if (first === undefined) return applied.length > 0 ? succeed(next, nowMs) : next;
  const reason = `"${first.target.path}" ${first.reason}, awaiting ${first.awaited}`;
  const isRetry = before.service.rejected !== null;
  if (before.rejection !== null) return next;
  return fail(next, { generation: null, reason, alerts: [] }, { isRetry, nowMs });
}

const MOST_CHANGES = 50;

/** Only reloads are counted and timed. */
function add(history: History, change: Change): History {
  const changes = [change, ...history.changes].slice(0, MOST_CHANGES);
  if (change.kind !== "reload") return { ...history, changes };
  const counts = increment(history.counts, "reloads", change.result);
  const reloadSeconds = change.result === "success"
    ? time(history.reloadSeconds, change.durationMs / 1_000)
    : history.reloadSeconds;
  return { ...history, changes, counts, reloadSeconds };
}

function time({ sum, count, buckets }: Histogram, seconds: number): Histogram {
  return {
    sum: sum + seconds,
    count: count + 1,
    buckets: buckets.map((number, index) => number + (seconds <= RELOAD_BUCKETS[index]! ? 1 : 0)),
  };
}

function fail(
  history: History,
  failure: Pick<OpenFailure, "generation" | "reason" | "alerts">,
  { isRetry, nowMs }: { readonly isRetry: boolean; readonly nowMs: number },
): History {
  const sinceMs = isRetry ? history.failure?.sinceMs ?? nowMs : nowMs;
  return { ...history, failure: { ...failure, sinceMs, lastTriedMs: nowMs } };
}

const succeed = (history: History, nowMs: number): History => ({
  ...history,
  lastSuccessMs: nowMs,
});

/** The failure ends when the supervisor no longer rejects what is on disk, for example after a revert. */
function clearFailure(history: History, { before, after }: Observation): History {
  const isOver = "service" in after && after.service.rejected === null &&
    after.name !== "reloading" &&
    after.name !== "hot_applying";
  if (!isOver || history.failure === null || before === null) return history;
  return { ...history, failure: null };
}

/** A respawn counts even if a reload under way takes its place. */
function countRespawn(history: History, { before, after }: Observation): History {
  const last = lastRespawnMs(after);
  const isNew = last !== null && last !== lastRespawnMs(before);
  return isNew ? { ...history, counts: increment(history.counts, "respawns", "") } : history;
}

function lastRespawnMs(state: State | null): number | null {
  if (state === null) return null;
  const past = "service" in state ? state.service.past : "past" in state ? state.past : null;
  return past?.respawnedMs.at(-1) ?? null;
}
