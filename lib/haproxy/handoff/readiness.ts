/** Decides whether a process that was started serves, and if not, why. */
import { cutOff } from "../../system/cut_off.ts";
import type { Failure } from "../failure/failure.ts";
import type { HaproxyProcess } from "../process/process.ts";
import type { StatsSocket } from "../runtime/client.ts";
import { firstAnswer, type Instance } from "../runtime/instance.ts";
import { findMasterWorker } from "./diagnosis.ts";
import { type Cancelled, type Failed, failed, ofCut } from "./outcome.ts";

export interface Answered {
  readonly tag: "answered";
  readonly instance: Instance;
}

/** Asks until the process answers or dies. */
export async function awaitAnswer(
  process: HaproxyProcess,
  socket: StatsSocket,
  limits: { readonly timeoutMs: number; readonly cancel: AbortSignal },
): Promise<Answered | Failed | Cancelled> {
  const known = new AbortController();
  const end = await cutOff(
    Promise.race([
      process.ended.then((ending) => failed({ tag: "died", ending })),
      firstAnswer(socket, known.signal)
        .then((instance): Answered => ({ tag: "answered", instance })),
    ]),
    limits,
  );
  known.abort();
  return end.tag === "timed_out" || end.tag === "cancelled" ? ofCut(end) : end;
}

/** Why the process that answered does not serve; `null` if it serves. */
export async function judge(
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

/** A process may answer and die before its answer is read. */
export async function deathOf({ ended }: HaproxyProcess): Promise<Failure | null> {
  const ending = await Promise.race([ended, null]);
  return ending === null ? null : { tag: "died", ending };
}
