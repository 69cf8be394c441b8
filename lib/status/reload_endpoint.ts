/** Reloads for a request, and waits for what comes of it. */
import type { State, StateOf } from "../supervisor/events.ts";
import { readiness } from "./health.ts";
import type { Change, History } from "./history.ts";
import type { ReloadAnswer } from "./routes.ts";

export interface ReloadOptions {
  look(): { readonly state: State; readonly history: History };
  request(): void;
  /** Calls `look` after each step until the function that it gives is called. */
  watch(look: () => void): () => void;
}

/** Waits for the end of a reload that began after the request, and so has read what was on disk then. */
export async function reloadAndWait(
  { look, request, watch }: ReloadOptions,
): Promise<ReloadAnswer> {
  const begun = lastGeneration(look().state);
  if (begun === null) return refuse(look().state);
  let last = begun;
  const { promise, resolve } = Promise.withResolvers<ReloadAnswer>();
  const stop = watch(() => {
    const { state, history } = look();
    const change = history.changes.find(({ kind, generation }) =>
      kind !== "in_place" && generation > last
    );
    if (change !== undefined) resolve(answer(change, history));
    else if (lastGeneration(state) === null) resolve(refuse(state));
    // Nor has what served last read what is on disk.
    else if (startsLastGood(state)) last = state.attempt.number;
  });
  request();
  return await promise.finally(stop);
}

/** The newest generation that was started; `null` if no reload can follow. */
function lastGeneration(state: State): number | null {
  if (state.name === "starting") return state.attempt.number;
  return "serving" in state && state.name !== "leaving" ? state.lastGeneration : null;
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
