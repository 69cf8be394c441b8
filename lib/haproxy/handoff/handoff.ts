/** Hands the listeners over to a new generation: prepares it, starts it, and finds out why if it does not serve. */
import { cutOff } from "../../system/cut_off.ts";
import { findBindConflict } from "../failure/bind_conflict.ts";
import { type OwnConflict, resolveConflict, type StartBy } from "./conflict_resolution.ts";
import { diagnose, type Diagnosis, type DiagnosisOptions } from "./diagnosis.ts";
import type { Failure } from "../failure/failure.ts";
import type { Fleet } from "../drain/fleet.ts";
import { CANCELLED, type Failed, type HandoffOutcome, ofCut } from "./outcome.ts";
import type { PauseEnd } from "./pause.ts";
import {
  type PreparationOptions,
  prepare,
  type Prepared,
  type StartRequest,
} from "./preparation.ts";
import { saveServerState } from "../private_folder/server_state.ts";
import type { Standby } from "./standby.ts";
import { start } from "./start.ts";

export interface HandoffOptions extends PreparationOptions {
  readonly readyTimeoutMs: number;
  readonly fleet: Fleet;
  readonly standby: Standby;
  /** Whether both the generation and that which serves share their ports, so that these do not conflict. */
  readonly sharesPorts: () => boolean;
  /** Whether frontends that hold a port which the generation needs may be paused for it. */
  readonly pauseOnBindConflict: boolean;
  readonly onPauseEnd: (end: PauseEnd) => void;
  /** Finds out more about the generation once it serves; the ready timeout cuts the wait for it off. */
  readonly learn: () => Promise<void>;
  /** Called if the state of the servers could not be given to the generation. */
  readonly onServerStateLost: (reason: string) => void;
}

/**
 * Starts the generation and waits until it serves or is known not to. Whatever the outcome, a process
 * that it leaves is in the fleet, and the one that served before has not been touched, or, where it may be paused,
 * listens again. After an abort of `cancel` nothing more is started.
 */
export async function handoff(
  request: StartRequest,
  options: HandoffOptions,
  cancel: AbortSignal,
): Promise<HandoffOutcome> {
  const begun = await begin(request, options, cancel);
  if (begun.tag !== "begun") return begun;
  const { prepared, outcome, failedAfterMs } = begun;
  if (outcome.tag !== "failed" || cancel.aborted) return outcome;
  // That explains it, and whoever starts another one without taking over must not wait.
  if (hasLostSource(request, options)) return outcome;
  const futile = futility(request, options, cancel);
  const stop = futile.signal;
  const diagnosed = { ...options, ...{ prepared, failedAfterMs, stop } };
  const diagnosis = await explain(outcome.failure, request, diagnosed);
  const failed = { ...outcome, ...diagnosis };
  const conflict = stop.aborted ? null : await conflictOf(failed, request, options);
  futile.forget();
  if (cancel.aborted) return CANCELLED;
  if (hasLostSource(request, options)) return outcome;
  if (diagnosis.mayPass) options.standby.learn(false);
  if (conflict === null) return failed;
  return await resolveConflict({ ...conflict, failed, failedAfterMs }, {
    ...{ ...options, generation: request.generation, cancel },
    again: async (startBy, timeoutMs) => {
      const limited = { ...options, readyTimeoutMs: timeoutMs };
      const again = await begin(request, limited, cancel, startBy);
      return again.tag === "begun" ? again.outcome : again;
    },
  });
}

type Begun =
  | {
    readonly tag: "begun";
    readonly outcome: HandoffOutcome;
    readonly prepared: Prepared;
    readonly failedAfterMs: number;
  }
  | Failed
  | { readonly tag: "cancelled" };

/** Prepares all and starts the generation, which `startBy` may have wait for something else. */
async function begin(
  request: StartRequest,
  options: HandoffOptions,
  cancel: AbortSignal,
  startBy: StartBy = (start) => start(),
): Promise<Begun> {
  const { readyTimeoutMs: timeoutMs } = options;
  // Both write the same files, and what is saved in one must not be written over.
  const preparing = options.standby.started.then(() => prepare(request, options));
  const prepared = await cutOff(preparing, { timeoutMs, cancel });
  if (prepared.tag === "failed") return prepared;
  if (prepared.tag !== "prepared") {
    const forget = () => options.folder.forget(request.generation);
    preparing.then(forget, forget);
    return ofCut(prepared);
  }
  if (cancel.aborted) return CANCELLED;
  // As late as can be, since what somebody sets after that is lost.
  const lost = prepared.serverState && await saveServerState(prepared.serverState, cancel);
  if (cancel.aborted) return CANCELLED;
  if (lost !== null) options.onServerStateLost(lost);
  const startedMs = performance.now();
  const outcome = await startBy(async () => {
    const outcome = await start(request, { ...options, prepared, cancel });
    await options.folder.forgetServerState(request.generation);
    return outcome;
  });
  if (outcome.tag === "ready") options.standby.learn(true);
  return { tag: "begun", outcome, prepared, failedAfterMs: performance.now() - startedMs };
}

/** Of one that died beside another. */
async function conflictOf(
  { failure, alerts }: Failed,
  { takeOverFrom: serving }: StartRequest,
  { folder, sharesPorts }: HandoffOptions,
): Promise<Pick<OwnConflict, "conflict" | "ending" | "serving" | "socket"> | null> {
  if (failure.tag !== "died" || serving === null || sharesPorts()) return null;
  const socket = folder.socket(serving);
  const conflict = await findBindConflict(alerts, socket);
  return conflict && { conflict, ending: failure.ending, serving, socket };
}

/** Whether the generation is gone that this one was to take over from. */
const hasLostSource = ({ takeOverFrom }: StartRequest, { fleet }: HandoffOptions) =>
  takeOverFrom !== null && !fleet.has(takeOverFrom);

/** Aborts when nobody waits any more to hear why a start failed: it is cancelled, or another one must not wait. */
function futility(
  request: StartRequest,
  options: HandoffOptions,
  cancel: AbortSignal,
): { readonly signal: AbortSignal; forget(): void } {
  const over = new AbortController();
  const signal = AbortSignal.any([cancel, over.signal]);
  const forget = () => over.abort();
  const lookAgain = async () => {
    while (!signal.aborted && !hasLostSource(request, options)) await options.fleet.nextEnd();
    forget();
  };
  if (request.takeOverFrom !== null) lookAgain();
  return { signal, forget };
}

/** What is known of a failure; only HAProxy can tell more of some. */
async function explain(
  failure: Failure,
  request: StartRequest,
  options: DiagnosisOptions,
): Promise<Diagnosis> {
  switch (failure.tag) {
    case "not_spawned":
    case "timed_out":
    case "wrong_pid":
    case "bug":
      return { mayPass: true, alerts: [] };
    case "master_worker":
    case "program_section":
    case "withheld_sockets":
    case "not_prepared":
    case "bind_conflict":
      return { mayPass: false, alerts: [] };
    case "died":
    case "no_listener":
      return await diagnose(request, options);
    default:
      return failure satisfies never;
  }
}
