/** Hands the listeners over to a new generation, or finds out why that failed. Read `handoff`, then `bringUp`. */
import type { Settings } from "../../settings/settings.ts";
import { cutOff } from "../../system/cut_off.ts";
import type { Log } from "../../system/log.ts";
import type { Fleet } from "../drain/fleet.ts";
import type { PrivateFolder } from "../private_folder/private_folder.ts";
import { saveServerState } from "../private_folder/server_state.ts";
import type { ExplanationRequest, OwnConflict } from "./explanation.ts";
import { serverStateLost } from "./messages.ts";
import {
  CANCELLED,
  type Cancelled,
  type Failed,
  failed,
  type HandoffOutcome,
  ofCut,
} from "./outcome.ts";
import { prepare, type Prepared } from "./preparation.ts";
import { awaitAnswer, deathOf, judge } from "./readiness.ts";
import type { Standby } from "./standby.ts";

export interface HandoffRequest<Learned> extends ExplanationRequest {
  /** Corrects the serving process's state of its servers for the new generation. */
  readonly passedState?: (state: string) => Promise<string>;
  /** Finds out what the generation has loaded, once it answers. */
  readonly learn: () => Promise<Learned>;
}

export interface HandoffParts {
  readonly settings: Pick<Settings, "pauseOnBindConflict" | "readyTimeoutMs" | "userSocket">;
  readonly folder: PrivateFolder;
  readonly fleet: Fleet;
  readonly standby: Standby;
  readonly log: Log;
}

/**
 * Prepares a generation, starts it, and waits until it serves or has failed. Whatever the outcome, each remaining
 * process is in the fleet. Unless the new generation is ready, the one that serves listens as before.
 */
export async function handoff<Learned>(
  request: HandoffRequest<Learned>,
  parts: HandoffParts,
): Promise<HandoffOutcome<Learned>> {
  const timeoutMs = parts.settings.readyTimeoutMs;
  const prepared = await prepareInTime(request, parts, timeoutMs);
  if (prepared.tag !== "prepared") return prepared;
  const startedMs = performance.now();
  const outcome = await bringUp(request, parts, { prepared, timeoutMs });
  switch (outcome.tag) {
    case "ready":
      // Now the supervisor gives the old one its SIGUSR1.
      return outcome;
    case "cancelled":
      return outcome;
    case "failed": {
      const failedAfterMs = performance.now() - startedMs;
      const { environment } = prepared;
      // Loaded on demand: most starts succeed.
      const { explain } = await import("./explanation.ts");
      const why = await explain(outcome, request, { parts, environment, failedAfterMs });
      return why.tag === "own_conflict"
        ? await startWhilePaused(why, request, { parts, failedAfterMs })
        : why;
    }
    default:
      return outcome satisfies never;
  }
}

/** The first step: the private files and the command line. */
async function prepareInTime(
  request: HandoffRequest<unknown>,
  parts: HandoffParts,
  timeoutMs: number,
): Promise<Prepared | Failed | Cancelled> {
  const { generation, cancel } = request;
  const { standby, folder, log } = parts;
  // A standby process writes the same files, and must not overwrite a saved state.
  const preparing = standby.started.then(() => prepare(request, parts));
  const prepared = await cutOff(preparing, { timeoutMs, cancel });
  if (prepared.tag === "timed_out" || prepared.tag === "cancelled") {
    const forget = () => folder.forget(generation);
    preparing.then(forget, forget);
    return ofCut(prepared);
  }
  if (prepared.tag === "failed") return prepared;
  if (prepared.stateFrom !== null) {
    // As late as possible: whatever an operator sets after this is lost.
    const lost = await saveServerState(prepared.stateFrom, folder.serverState(generation), {
      cancel,
      passed: request.passedState,
    });
    if (lost !== null && !cancel.aborted) log(serverStateLost(request, lost));
  }
  return cancel.aborted ? CANCELLED : prepared;
}

/** All other steps: starts the process, and waits until it serves or has failed. */
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
    // Start a process, or release the one on standby.
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

    // Answered: check that it is the process that was started, and that it has a listener.
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

    // Confirm: if it hangs or has begun to stop since, nothing would be left to serve.
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
    await folder.forgetServerState(generation);
  }
}

/** A failure is not retried automatically, because each attempt pauses the frontends. */
async function startWhilePaused<Learned>(
  own: OwnConflict,
  request: HandoffRequest<Learned>,
  { parts, failedAfterMs }: { readonly parts: HandoffParts; readonly failedAfterMs: number },
): Promise<HandoffOutcome<Learned>> {
  const { serving, conflict: { frontends }, failed: { alerts } } = own;
  const { generation, cancel } = request;
  // Nothing listens during this time.
  const limitMs = LEAST_LIMIT_MS + 2 * failedAfterMs;
  const timeoutMs = Math.min(parts.settings.readyTimeoutMs, limitMs);
  const prepared = await prepareInTime(request, parts, timeoutMs);
  const { refused } = await import("./explanation.ts");
  const { whilePaused } = await import("./pause.ts");
  const pause = { serving, frontends, socket: parts.folder.socket(serving), generation };
  const start = async (prepared: Prepared) =>
    await whilePaused(pause, () => bringUp(request, parts, { prepared, timeoutMs }), {
      ...parts,
      cancel,
    }) ?? refused(own, ", because HAProxy refused to pause it");
  const outcome = prepared.tag === "prepared" ? await start(prepared) : prepared;
  if (cancel.aborted) return CANCELLED;
  return outcome.tag === "failed" ? { ...outcome, mayPass: false, alerts } : outcome;
}

const LEAST_LIMIT_MS = 1_000;
