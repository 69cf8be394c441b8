/** Hands the listeners over to a new generation, or finds out why that failed. */
import { OPTIONS } from "../../settings/options.ts";
import type { Settings } from "../../settings/settings.ts";
import { cutOff } from "../../system/cut_off.ts";
import type { Log } from "../../system/log.ts";
import { type BindConflict, findBindConflict } from "../failure/bind_conflict.ts";
import type { Fleet } from "../drain/fleet.ts";
import type { PrivateFolder } from "../private_folder/private_folder.ts";
import { saveServerState } from "../private_folder/server_state.ts";
import type { Ending } from "../process/process.ts";
import { diagnose } from "./diagnosis.ts";
import { serverStateLost } from "./messages.ts";
import {
  CANCELLED,
  type Cancelled,
  type Failed,
  failed,
  type HandoffOutcome,
  ofCut,
} from "./outcome.ts";
import { whilePaused } from "./pause.ts";
import { prepare, type Prepared, type StartRequest } from "./preparation.ts";
import { awaitAnswer, deathOf, judge } from "./readiness.ts";
import type { Standby } from "./standby.ts";

export interface HandoffRequest<Learned> extends StartRequest {
  /** Whether both the generation and that which serves share their ports, so that these cannot conflict. */
  readonly sharesPorts: boolean;
  /** Finds out more about the generation once it serves. */
  readonly learn: () => Promise<Learned>;
  /** After its abort nothing more is started. */
  readonly cancel: AbortSignal;
}

export interface HandoffParts {
  readonly settings: HandoffSettings;
  readonly folder: PrivateFolder;
  readonly fleet: Fleet;
  readonly standby: Standby;
  readonly log: Log;
}

export type HandoffSettings = Pick<
  Settings,
  "pauseOnBindConflict" | "readyTimeoutMs" | "shutdownWaitMs" | "userSocket"
>;

/**
 * Whatever the outcome, a process that it leaves is in the fleet, and the one that served before has not been
 * touched, or, where it may be paused, listens again. Once a generation is ready, the supervisor gives the old one
 * its SIGUSR1.
 */
export async function handoff<Learned>(
  request: HandoffRequest<Learned>,
  parts: HandoffParts,
): Promise<HandoffOutcome<Learned>> {
  const { cancel } = request;
  const { standby, settings: { readyTimeoutMs: timeoutMs } } = parts;
  const prepared = await prepareInTime(request, parts, timeoutMs);
  if (prepared.tag !== "prepared") return prepared;
  const startedMs = performance.now();
  const outcome = await bringUp(request, parts, { prepared, timeoutMs });
  if (outcome.tag !== "failed" || cancel.aborted) return outcome;

  // It failed. If what was to hand over is gone, that explains it, and whoever starts another one must not wait.
  const failedAfterMs = performance.now() - startedMs;
  using over = whenInVain(request, parts);
  const stop = over.signal;
  if (stop.aborted) return outcome;
  const { environment } = prepared;
  const facts = { environment, failedAfterMs, stop };
  const explained = needsDiagnosis(outcome)
    ? { ...outcome, ...await diagnose(request, { parts, ...facts }) }
    : outcome;
  const conflict = stop.aborted
    ? null
    : await conflictOf(explained, request, { ...parts, failedAfterMs });
  if (cancel.aborted) return CANCELLED;
  if (stop.aborted) return outcome;
  if (explained.mayPass) standby.learn(false);
  return conflict === null ? explained : await resolveConflict(conflict, request, parts);
}

/** Of other failures HAProxy can tell no more. */
const needsDiagnosis = ({ failure: { tag } }: Failed) => tag === "died" || tag === "no_listener";

/** The files of a start, and the words of its command. */
async function prepareInTime(
  request: HandoffRequest<unknown>,
  parts: HandoffParts,
  timeoutMs: number,
): Promise<Prepared | Failed | Cancelled> {
  const { generation, cancel } = request;
  const { standby, folder, log } = parts;
  // Both write the same files, and what is saved in one must not be written over.
  const preparing = standby.started.then(() => prepare(request, parts));
  const prepared = await cutOff(preparing, { timeoutMs, cancel });
  if (prepared.tag === "timed_out" || prepared.tag === "cancelled") {
    const forget = () => folder.forget(generation);
    preparing.then(forget, forget);
    return ofCut(prepared);
  }
  if (prepared.tag === "failed") return prepared;
  if (prepared.stateFrom !== null) {
    // As late as can be, since what somebody sets after that is lost.
    const lost = await saveServerState(prepared.stateFrom, folder.serverState(generation), cancel);
    if (lost !== null && !cancel.aborted) log(serverStateLost(request, lost));
  }
  return cancel.aborted ? CANCELLED : prepared;
}

/** Starts the process, and waits until it serves or is known not to. */
async function bringUp<Learned>(
  request: HandoffRequest<Learned>,
  parts: HandoffParts,
  { prepared, timeoutMs }: { readonly prepared: Prepared; readonly timeoutMs: number },
): Promise<HandoffOutcome<Learned>> {
  const { generation, files, learn, cancel } = request;
  const { folder, fleet, standby } = parts;
  const { words, environment } = prepared;
  const limits = { timeoutMs, cancel };
  const socket = folder.socket(generation);
  try {
    // Start, or let the process go that waits for this.
    const startedMs = performance.now();
    const waiting = await standby.take(prepared, generation);
    if (waiting === null && cancel.aborted) return CANCELLED;
    const spawned = waiting === null
      ? fleet.spawn(generation, words, { environment, output: "inherit" })
      : { tag: "spawned", process: waiting } as const;
    if (spawned.tag === "not_spawned") {
      await folder.forget(generation);
      return failed(spawned, { mayPass: true });
    }

    // Answered: it is the process that was started, and it has a listener.
    const { process } = spawned;
    const first = await awaitAnswer(process, socket, limits);
    if (first.tag !== "answered") return first;
    const durationMs = performance.now() - startedMs;
    const failure = await judge(first.instance, process.pid, files) ?? await deathOf(process);
    if (failure !== null) return failed(failure, { mayPass: failure.tag === "wrong_pid" });

    // Learn what it has loaded.
    const learning = learn().then((value) => ({ tag: "learned", value }) as const);
    const learned = await cutOff(learning, limits);
    if (learned.tag === "cancelled") return CANCELLED;

    // Confirm: it may have hung or begun to stop meanwhile, and then nobody would be left to serve.
    const last = await awaitAnswer(process, socket, limits);
    if (last.tag !== "answered") return last;
    const death = await deathOf(process);
    if (death !== null) return failed(death);
    standby.learn(true);
    return {
      tag: "ready",
      durationMs,
      pid: process.pid,
      version: first.instance.version,
      learned: learned.tag === "learned" ? learned.value : null,
    };
  } finally {
    // Nothing is read of it after the start.
    await folder.forgetServerState(generation);
  }
}

/** Aborts when nobody waits any more to hear why a start failed: it is cancelled, or what was to hand over is gone. */
function whenInVain(
  { takeOverFrom, cancel }: StartRequest & { readonly cancel: AbortSignal },
  { fleet }: HandoffParts,
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

interface OwnConflict {
  readonly conflict: BindConflict;
  readonly failed: Failed;
  readonly failedAfterMs: number;
  readonly ending: Ending;
  /** The generation that holds the port. */
  readonly serving: number;
}

/** Whether a process died for a port that the serving generation holds itself; `null` if not. */
async function conflictOf(
  failed: Failed,
  { takeOverFrom: serving, sharesPorts }: HandoffRequest<unknown>,
  { folder, failedAfterMs }: HandoffParts & { readonly failedAfterMs: number },
): Promise<OwnConflict | null> {
  const { failure, alerts } = failed;
  if (failure.tag !== "died" || serving === null || sharesPorts) return null;
  const conflict = await findBindConflict(alerts, folder.socket(serving));
  return conflict && { conflict, failed, failedAfterMs, ending: failure.ending, serving };
}

/**
 * Tries again with the frontends paused that hold the port, if they may be. What fails then is not tried again by
 * itself, since each try is a pause.
 */
async function resolveConflict<Learned>(
  own: OwnConflict,
  request: HandoffRequest<Learned>,
  parts: HandoffParts,
): Promise<HandoffOutcome<Learned>> {
  const { conflict, failed, serving, failedAfterMs } = own;
  const { generation, cancel } = request;
  const { settings, folder, fleet, log } = parts;
  if (!settings.pauseOnBindConflict) return refused(own, `restart the wrapper, or set ${FLAG}`);
  if (conflict.obstacle !== null) {
    return refused(own, `restart the wrapper, as ${FLAG} does not help: ${conflict.obstacle}`);
  }
  // Nobody listens meanwhile.
  const timeoutMs = Math.min(settings.readyTimeoutMs, LEAST_LIMIT_MS + 2 * failedAfterMs);
  const prepared = await prepareInTime(request, parts, timeoutMs);
  const { frontends } = conflict;
  const pause = { serving, frontends, socket: folder.socket(serving), generation };
  const outcome = prepared.tag === "prepared"
    ? await whilePaused(pause, () => bringUp(request, parts, { prepared, timeoutMs }), {
      fleet,
      log,
      cancel,
    }) ?? refused(own, "restart the wrapper, as HAProxy does not let it be paused")
    : prepared;
  if (cancel.aborted) return CANCELLED;
  return outcome.tag === "failed" ? { ...outcome, mayPass: false, alerts: failed.alerts } : outcome;
}

const FLAG = `--${OPTIONS.pauseOnBindConflict.flag}`;

const LEAST_LIMIT_MS = 1_000;

const refused = ({ conflict, failed, ending, serving }: OwnConflict, remedy: string): Failed => ({
  ...failed,
  failure: { tag: "bind_conflict", ending, conflict, serving, remedy },
});
