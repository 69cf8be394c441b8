/** Finds out why a start failed, and whether pausing frontends for another start could help. */
import { OPTIONS } from "../../settings/options.ts";
import type { Settings } from "../../settings/settings.ts";
import { type BindConflict, findBindConflict } from "../failure/bind_conflict.ts";
import type { Ending } from "../process/process.ts";
import { diagnose, type DiagnosisOptions } from "./diagnosis.ts";
import { CANCELLED, type Cancelled, type Failed } from "./outcome.ts";
import type { StartRequest } from "./preparation.ts";
import type { Standby } from "./standby.ts";

export interface ExplanationRequest extends StartRequest {
  /** Whether this generation and the serving one share their ports, so that they cannot conflict. */
  readonly sharesPorts: boolean;
  /** After it aborts, nothing more is started. */
  readonly cancel: AbortSignal;
}

export interface ExplanationOptions extends Omit<DiagnosisOptions, "stop"> {
  readonly parts: DiagnosisOptions["parts"] & {
    readonly settings: Pick<Settings, "pauseOnBindConflict">;
    readonly standby: Standby;
  };
}

/** The process died because frontends of the serving generation hold its ports; they may be paused. */
export interface OwnConflict {
  readonly tag: "own_conflict";
  readonly conflict: BindConflict;
  readonly failed: Failed;
  readonly ending: Ending;
  readonly serving: number;
}

export async function explain(
  outcome: Failed,
  request: ExplanationRequest,
  options: ExplanationOptions,
): Promise<Failed | Cancelled | OwnConflict> {
  const { parts } = options;
  using over = whenNotNeeded(request, parts);
  const stop = over.signal;
  // If the process that was to hand over is gone, that explains the failure, and the next start must not wait.
  if (stop.aborted) return outcome;
  const explained = needsDiagnosis(outcome)
    ? { ...outcome, ...await diagnose(request, { ...options, stop }) }
    : outcome;
  const own = stop.aborted ? null : await conflictOf(explained, request, parts);
  if (request.cancel.aborted) return CANCELLED;
  if (stop.aborted) return outcome;
  if (explained.mayPass) parts.standby.learn(false);
  if (own === null) return explained;
  const { obstacle } = own.conflict;
  if (obstacle !== null) return refused(own, `, because ${FLAG} does not help: ${obstacle}`);
  return parts.settings.pauseOnBindConflict ? own : refused(own, `, or set ${FLAG}`);
}

const FLAG = `--${OPTIONS.pauseOnBindConflict.flag}`;

/** The failure if the frontends are not paused; `reason` follows what the user can do. */
export const refused = (
  { conflict, failed, ending, serving }: OwnConflict,
  reason: string,
): Failed => {
  // Another start of the wrapper would only take over from a leftover process once more.
  const remedy = `${serving < 1 ? "end that process by SIGUSR1" : "restart the wrapper"}${reason}`;
  return { ...failed, failure: { tag: "bind_conflict", ending, conflict, serving, remedy } };
};

/** HAProxy knows nothing more about other failures. */
const needsDiagnosis = ({ failure: { tag } }: Failed) => tag === "died" || tag === "no_listener";

/** Aborts when no answer is needed: the start is cancelled, or the process that was to hand over is gone. */
function whenNotNeeded(
  { takeOverFrom, cancel }: ExplanationRequest,
  { fleet }: ExplanationOptions["parts"],
): { readonly signal: AbortSignal } & Disposable {
  const over = new AbortController();
  const signal = AbortSignal.any([cancel, over.signal]);
  const watch = async () => {
    while (!signal.aborted && fleet.has(takeOverFrom!)) await fleet.nextEnd();
    over.abort();
  };
  if (takeOverFrom !== null) watch();
  return { signal, [Symbol.dispose]: () => over.abort() };
}

async function conflictOf(
  failed: Failed,
  { takeOverFrom: serving, sharesPorts }: ExplanationRequest,
  { folder }: ExplanationOptions["parts"],
): Promise<OwnConflict | null> {
  const { failure, alerts } = failed;
  if (failure.tag !== "died" || serving === null || sharesPorts) return null;
  const conflict = await findBindConflict(alerts, folder.socket(serving));
  return conflict && { tag: "own_conflict", conflict, failed, ending: failure.ending, serving };
}
