/** Starts the process of a generation, and waits until it serves or is known not to. */
import { cutOff } from "../../system/cut_off.ts";
import { findMasterWorker } from "./diagnosis.ts";
import type { Failure } from "../failure/failure.ts";
import type { Fleet } from "../drain/fleet.ts";
import { CANCELLED, failed, type HandoffOutcome, ofCut } from "./outcome.ts";
import { firstAnswer, type Instance } from "../runtime/instance.ts";
import type { Prepared, StartRequest } from "./preparation.ts";
import type { PrivateFolder } from "../private_folder/private_folder.ts";
import type { Ending, HaproxyProcess } from "../process/process.ts";
import type { StatsSocket } from "../runtime/client.ts";
import type { Standby } from "./standby.ts";

export interface StartOptions {
  readonly prepared: Prepared;
  readonly fleet: Fleet;
  readonly folder: PrivateFolder;
  readonly standby: Standby;
  readonly readyTimeoutMs: number;
  /** Finds out more about the generation once it serves; the ready timeout cuts the wait for it off. */
  readonly learn: () => Promise<void>;
  readonly cancel: AbortSignal;
}

/** The process stays in the fleet whatever comes of it. */
export async function start(
  { generation, files }: StartRequest,
  { prepared, fleet, standby, readyTimeoutMs, folder, learn, cancel }: StartOptions,
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
