/** Starts a generation, which takes over the listeners, and races everything that can come of it. */
import { findBindConflict } from "./bind_conflict.ts";
import { type OwnConflict, resolveConflict, type StartBy } from "./conflict_resolution.ts";
import { diagnose, type Diagnosis, type DiagnosisOptions, findMasterWorker } from "./diagnosis.ts";
import type { Failure } from "./failure.ts";
import type { Fleet } from "./fleet.ts";
import {
  type PreparationOptions,
  prepare,
  type Prepared,
  type StartRequest,
} from "./preparation.ts";
import type { PauseEnd } from "./pause.ts";
import type { Ending, HaproxyProcess } from "./process.ts";
import { firstAnswer, type Instance } from "./instance.ts";
import type { StatsSocket } from "./runtime_api.ts";
import { saveServerState } from "./server_state.ts";
import type { Standby } from "./standby.ts";

export interface HandoffOptions extends PreparationOptions {
  readonly readyTimeoutMs: number;
  readonly shutdownWaitMs: number | null;
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

export type HandoffOutcome =
  | {
    readonly tag: "ready";
    readonly durationMs: number;
    readonly pid: number;
    /** HAProxy's own. */
    readonly version: string | null;
  }
  | {
    readonly tag: "failed";
    readonly failure: Failure;
    readonly mayPass: boolean;
    /** What HAProxy itself says of it, as far as that could be found out. */
    readonly alerts: readonly string[];
  }
  | { readonly tag: "cancelled" };

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
  const controller = new AbortController();
  const { signal } = controller;
  const abort = () => controller.abort();
  cancel.addEventListener("abort", abort);
  const lookAgain = async () => {
    while (!signal.aborted && !hasLostSource(request, options)) await options.fleet.nextEnd();
    abort();
  };
  if (request.takeOverFrom !== null) lookAgain();
  const forget = () => {
    cancel.removeEventListener("abort", abort);
    abort();
  };
  return { signal, forget };
}

const CANCELLED = { tag: "cancelled" } as const;

type Failed = Extract<HandoffOutcome, { tag: "failed" }>;
type Start = HandoffOptions & { readonly prepared: Prepared; readonly cancel: AbortSignal };

async function start(
  { generation, files }: StartRequest,
  { prepared, fleet, standby, readyTimeoutMs, folder, learn, cancel }: Start,
): Promise<HandoffOutcome> {
  const startedMs = performance.now();
  const waiting = await standby.take(prepared, generation);
  if (waiting === null && cancel.aborted) return CANCELLED;
  const { words, environment } = prepared;
  const spawned = waiting === null
    ? fleet.spawn(generation, words, { environment, output: "inherit" })
    : { tag: "spawned", process: waiting } as const;
  if (spawned.tag === "not_spawned") {
    await folder.forget(generation);
    return failed(spawned);
  }
  const { process } = spawned;
  const end = race(process, folder.socket(generation));
  const first = await cutOff(end.first, { timeoutMs: readyTimeoutMs, cancel });
  end.stop();
  if (first.tag === "died") return failed(first);
  if (first.tag !== "answered") return ofCut(first);
  const durationMs = performance.now() - startedMs;
  const failure = await judge(first.instance, process.pid, files) ?? await deathOf(process);
  if (failure !== null) return failed(failure);
  const learned = await cutOff(learn(), { timeoutMs: readyTimeoutMs, cancel });
  if (learned?.tag === "cancelled") return CANCELLED;
  const last = await askAgain(process, folder.socket(generation), {
    timeoutMs: readyTimeoutMs,
    cancel,
  });
  if (last !== null) return last;
  const { version } = first.instance;
  return { tag: "ready", durationMs, pid: process.pid, version };
}

/**
 * Why the process that has answered does not serve any more; `null` if it does. It may have hung or begun
 * to stop while it was asked for more, and then there would be nobody left to serve.
 */
async function askAgain(
  process: HaproxyProcess,
  socket: StatsSocket,
  limits: { readonly timeoutMs: number; readonly cancel: AbortSignal },
): Promise<HandoffOutcome | null> {
  const end = race(process, socket);
  const last = await cutOff(end.first, limits);
  end.stop();
  if (last.tag === "timed_out" || last.tag === "cancelled") return ofCut(last);
  const death = last.tag === "died" ? last : await deathOf(process);
  return death === null ? null : failed(death);
}

const failed = (failure: Failure): Failed => ({
  tag: "failed",
  failure,
  mayPass: false,
  alerts: [],
});

type RaceEnd =
  | { readonly tag: "answered"; readonly instance: Instance }
  | { readonly tag: "died"; readonly ending: Ending };

/** Whether the process answers or dies first; `stop` ends the asking. */
function race(
  process: HaproxyProcess,
  socket: StatsSocket,
): { readonly first: Promise<RaceEnd>; stop(): void } {
  const stop = new AbortController();
  const first = Promise.race([
    process.ended.then((ending): RaceEnd => ({ tag: "died", ending })),
    firstAnswer(socket, stop.signal).then((instance): RaceEnd => ({ tag: "answered", instance })),
  ]);
  return { first, stop: () => stop.abort() };
}

export type Cut =
  | { readonly tag: "timed_out"; readonly afterMs: number }
  | { readonly tag: "cancelled" };

/** Waits for `work` no longer than `timeoutMs`, nor than `cancel` lets it. */
export async function cutOff<Result>(
  work: Promise<Result>,
  { timeoutMs, cancel }: { readonly timeoutMs: number; readonly cancel: AbortSignal },
): Promise<Result | Cut> {
  const { promise: cut, resolve } = Promise.withResolvers<Cut>();
  const onCancel = () => resolve({ tag: "cancelled" });
  const timer = setTimeout(() => resolve({ tag: "timed_out", afterMs: timeoutMs }), timeoutMs);
  cancel.addEventListener("abort", onCancel);
  try {
    return await Promise.race([work, cut]);
  } finally {
    clearTimeout(timer);
    cancel.removeEventListener("abort", onCancel);
  }
}

/** What took too long may be faster the next time. */
const ofCut = (cut: Cut): Failed | typeof CANCELLED =>
  cut.tag === "cancelled" ? CANCELLED : { ...failed(cut), mayPass: true };

/** A process may answer and be gone before anybody has heard it. */
async function deathOf({ ended }: HaproxyProcess): Promise<Failure | null> {
  const ending = await Promise.race([ended, null]);
  return ending === null ? null : { tag: "died", ending };
}

/** Why the process that answered does not serve; `null` if it does. */
async function judge(
  { pid, userListeners }: Instance,
  startedPid: number,
  files: readonly string[],
): Promise<Failure | null> {
  if (pid === startedPid) return userListeners > 0 ? null : { tag: "no_listener" };
  const line = await findMasterWorker(files);
  return line === null
    ? { tag: "wrong_pid", found: pid, started: startedPid }
    : { tag: "master_worker", line };
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
