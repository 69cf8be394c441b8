/** Starts a generation, which takes over the listeners, and races everything that can come of it. */
import { systemReason } from "../system_reason.ts";
import { type HaproxyArguments, type InjectedFiles, startArguments } from "./arguments.ts";
import { findMasterWorker, mayPass } from "./diagnosis.ts";
import { readEnvironment } from "./environment.ts";
import type { Failure } from "./failure.ts";
import type { Fleet } from "./fleet.ts";
import type { PrivateFolder } from "./private_folder.ts";
import type { Ending, HaproxyProcess } from "./process.ts";
import { askInstance, type Instance, isListening } from "./runtime_api.ts";

export interface HandoffRequest {
  readonly generation: number;
  /** The generation that serves now; `null` at the first start. */
  readonly takeOverFrom: number | null;
  /** The source files, to tell which line of them is at fault. */
  readonly files: readonly string[];
}

export interface HandoffOptions {
  readonly haproxy: HaproxyArguments;
  readonly envFile: string | null;
  readonly userSocket: string | null;
  readonly readyTimeoutMs: number;
  readonly folder: PrivateFolder;
  readonly fleet: Fleet;
}

export type HandoffOutcome =
  | { readonly tag: "ready"; readonly pid: number; readonly durationMs: number }
  | { readonly tag: "failed"; readonly failure: Failure; readonly mayPass: boolean }
  | { readonly tag: "cancelled" };

/**
 * Starts the generation and waits until it serves or is known not to. Whatever the outcome, a process
 * that it leaves is in the fleet, and the one that served before has not been touched. After an abort
 * of `cancel` nothing more is started.
 */
export async function handoff(
  request: HandoffRequest,
  options: HandoffOptions,
  cancel: AbortSignal,
): Promise<HandoffOutcome> {
  const prepared = await prepare(request, options);
  if (prepared.tag === "failed") return prepared;
  if (cancel.aborted) return CANCELLED;
  const outcome = await start(request, { ...options, ...prepared, cancel });
  const isReload = request.takeOverFrom !== null;
  if (outcome.tag !== "failed" || !isReload || cancel.aborted) return outcome;
  const hope = await isWorthARetry(outcome.failure, { ...options, ...prepared });
  return cancel.aborted ? CANCELLED : { ...outcome, mayPass: hope };
}

const CANCELLED: HandoffOutcome = { tag: "cancelled" };

interface Prepared {
  readonly tag: "prepared";
  readonly injected: InjectedFiles;
  readonly environment: Readonly<Record<string, string>>;
  readonly takeover: string | null;
}

type Failed = Extract<HandoffOutcome, { tag: "failed" }>;
type Start = HandoffOptions & Prepared & { readonly cancel: AbortSignal };

async function prepare(
  { generation, takeOverFrom }: HandoffRequest,
  { envFile, userSocket, folder }: HandoffOptions,
): Promise<Prepared | Failed> {
  const file = await readEnvironment(envFile);
  if (file.tag === "invalid") {
    return failed({ tag: "not_prepared", reason: file.problems.join("; "), exitCode: 64 });
  }
  try {
    const injected = await folder.prepare(generation);
    const own = takeOverFrom === null ? null : folder.socket(takeOverFrom);
    const takeover = await chooseTakeover(own, userSocket);
    return { tag: "prepared", injected, environment: file.variables, takeover };
  } catch (error) {
    const reason = `cannot write to the private folder "${folder.path}": ${systemReason(error)}`;
    return { ...failed({ tag: "not_prepared", reason, exitCode: 73 }), mayPass: true };
  }
}

/** The private socket, unless nobody listens there any more and the user has named another. */
async function chooseTakeover(own: string | null, user: string | null): Promise<string | null> {
  if (own === null || user === null) return own;
  return await isListening(own) ? own : user;
}

async function start(
  { generation, files }: HandoffRequest,
  { haproxy, fleet, injected, environment, takeover, readyTimeoutMs, folder, cancel }: Start,
): Promise<HandoffOutcome> {
  const startedMs = performance.now();
  const words = startArguments(haproxy, injected, takeover);
  const spawned = fleet.spawn(generation, words, { environment, output: "inherit" });
  if (spawned.tag === "not_spawned") {
    await folder.forget(generation);
    return failed(spawned);
  }
  const { process } = spawned;
  const first = await race(process, {
    socket: folder.socket(generation),
    timeoutMs: readyTimeoutMs,
    cancel,
  });
  if (first.tag === "cancelled") return CANCELLED;
  if (first.tag !== "answered") return failed(first);
  const failure = await judge(first.instance, process.pid, files);
  const durationMs = performance.now() - startedMs;
  return failure === null ? { tag: "ready", pid: process.pid, durationMs } : failed(failure);
}

const failed = (failure: Failure): Failed => ({ tag: "failed", failure, mayPass: false });

type RaceEnd =
  | { readonly tag: "answered"; readonly instance: Instance }
  | { readonly tag: "died"; readonly ending: Ending }
  | { readonly tag: "timed_out"; readonly afterMs: number }
  | { readonly tag: "cancelled" };

async function race(
  process: HaproxyProcess,
  { socket, timeoutMs, cancel }: { socket: string; timeoutMs: number; cancel: AbortSignal },
): Promise<RaceEnd> {
  const { promise: cut, resolve: cutOff } = Promise.withResolvers<RaceEnd>();
  const onCancel = () => cutOff({ tag: "cancelled" });
  const timer = setTimeout(() => cutOff({ tag: "timed_out", afterMs: timeoutMs }), timeoutMs);
  cancel.addEventListener("abort", onCancel);
  const stop = new AbortController();
  try {
    return await Promise.race([
      cut,
      process.ended.then((ending): RaceEnd => ({ tag: "died", ending })),
      firstAnswer(socket, stop.signal).then((instance): RaceEnd => ({ tag: "answered", instance })),
    ]);
  } finally {
    stop.abort();
    clearTimeout(timer);
    cancel.removeEventListener("abort", onCancel);
  }
}

/**
 * Asks until somebody answers. HAProxy 2.4 to 3.4 enable all listeners before any thread answers, so
 * the first answer means that it serves. Never settles once `stop` has aborted.
 */
async function firstAnswer(socket: string, stop: AbortSignal): Promise<Instance> {
  const startedMs = performance.now();
  while (!stop.aborted) {
    const instance = await askInstance(socket, stop);
    if (instance !== null && !stop.aborted) return instance;
    await new Promise((resolve) => setTimeout(resolve, pauseMs(performance.now() - startedMs)));
  }
  return await new Promise(() => {});
}

/** A twentieth of the time that has passed: asking must not slow a long start on a busy machine. */
const pauseMs = (elapsedMs: number) => Math.min(50, Math.max(1, elapsedMs / 20));

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

async function isWorthARetry(
  failure: Failure,
  { haproxy, fleet, environment, readyTimeoutMs }: HandoffOptions & Prepared,
): Promise<boolean> {
  switch (failure.tag) {
    case "not_spawned":
    case "timed_out":
    case "wrong_pid":
      return true;
    case "master_worker":
    case "not_prepared":
      return false;
    case "died":
    case "no_listener":
      return await mayPass(haproxy, { fleet, environment, timeoutMs: readyTimeoutMs });
    default:
      return failure satisfies never;
  }
}
