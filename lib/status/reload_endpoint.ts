/** Reloads on request and waits for the outcome. */
import type { Event } from "../supervisor/state/events.ts";
import type { State, StateOf } from "../supervisor/state/state.ts";
import type { Step } from "../supervisor/supervisor.ts";
import { readiness } from "./health.ts";
import type { Change, History } from "./history/history.ts";

export interface ReloadAnswer {
  /** Whether a reload was tried at all. */
  readonly isTried: boolean;
  readonly isOk: boolean;
  readonly report: object;
}

export interface ReloadOptions {
  current(): { readonly state: State; readonly history: History };
  /** Scans the sources, then reloads even if nothing changed. */
  request(): void;
  /** Calls `onStep` after each step, until the returned function is called. */
  watch(onStep: (step: Pick<Step, "event" | "before">) => void): () => void;
}

/**
 * All requests that arrive before a reload is ordered share it and its answer. Later ones share the next, because
 * its scan must not be older than they are. A client that leaves is forgotten; the reload happens all the same.
 */
export function shareReloads(
  reload: () => Promise<ReloadAnswer>,
): (gone: AbortSignal) => Promise<ReloadAnswer> {
  let next: Set<(answer: Promise<ReloadAnswer>) => void> | null = null;
  let turn: Promise<unknown> = Promise.resolve();
  const take = async (waiters: Iterable<(answer: Promise<ReloadAnswer>) => void>) => {
    next = null;
    const answer = reload();
    await answer.catch(() => {});
    for (const resolve of waiters) resolve(answer);
  };
  return (gone) => {
    const { promise, resolve } = Promise.withResolvers<ReloadAnswer>();
    const waiters = next ?? new Set();
    if (next === null) turn = turn.then(() => take(waiters));
    next = waiters.add(resolve);
    gone.addEventListener("abort", () => waiters.delete(resolve), { once: true });
    return promise;
  };
}

/** Waits for the end of a reload that began after this request's scan, and so read the files of that time. */
export async function reloadAndWait(
  { current, request, watch }: ReloadOptions,
): Promise<ReloadAnswer> {
  if (lastGeneration(current().state) === null) return refuse(current().state);
  /** The newest generation that was started before the scan ended; `null`: the scan has not ended. */
  let last: number | null = null;
  const { promise, resolve } = Promise.withResolvers<ReloadAnswer>();
  const stop = watch(({ event, before }) => {
    const { state, history } = current();
    if (lastGeneration(state) === null) return resolve(refuse(state));
    if (last === null) {
      if (isOrdered(event)) last = lastGeneration(before ?? state);
      return;
    }
    // A start from the last good set does not read what is on disk either.
    if (startsLastGood(state)) last = state.attempt.number;
    const begunBefore = last;
    const change = history.changes.find(({ kind, generation }) =>
      kind !== "hot_apply" && generation > begunBefore
    );
    if (change !== undefined) resolve(answer(change, history));
  });
  request();
  return await promise.finally(stop);
}

const isOrdered = (event: Event | null) =>
  event?.name === "reload_requested" && event.order === "POST /reload";

/** The newest generation; `null` if no reload can follow. */
function lastGeneration(state: State): number | null {
  if (state.name === "starting") return state.attempt.number;
  return "service" in state && state.name !== "leaving" ? state.service.lastGeneration : null;
}

const startsLastGood = (state: State): state is StateOf<"starting"> =>
  state.name === "starting" && state.attempt.cause.tag === "last_good";

function refuse(state: State): ReloadAnswer {
  const verdict = readiness(state);
  const reason = verdict.isOk ? "nothing reloads now" : verdict.reason;
  return { isTried: false, isOk: false, report: { result: "refused", reason } };
}

function answer(change: Change, { failure }: History): ReloadAnswer {
  const { generation, result, durationMs, failure: reason } = change;
  const alerts = failure?.generation === generation ? failure.alerts : [];
  const report = { result, generation, durationMs: Math.round(durationMs), reason, alerts };
  return { isTried: true, isOk: result === "success", report };
}
