/** Adds to the history what becomes of HAProxy processes. Pure. */
import type { ProcessEnd } from "../../haproxy/drain/fleet.ts";
import type { State } from "../../supervisor/state/state.ts";
import { type DrainHow, increment, type Role } from "./counters.ts";
import type { History, LiveProcess } from "./history.ts";

/** From now on these generations drain, unless they do already. */
export function drainProcesses(
  history: History,
  generations: readonly number[],
  nowMs: number,
): History {
  const processes = new Map(history.processes);
  for (const generation of generations) {
    const process = processes.get(generation);
    if (process?.drainingSinceMs !== null || process === undefined) continue;
    processes.set(generation, { ...process, drainingSinceMs: nowMs });
  }
  return { ...history, processes };
}

/** A process is gone: counts its exit and, unless everything was stopping, its drain. */
export function endProcess(history: History, end: ProcessEnd, before: State | null): History {
  const { generation, ending } = end;
  const role = roleOf(history.processes.get(generation));
  const processes = new Map(history.processes);
  processes.delete(generation);
  let counts = increment(history.counts, "processExits", `${role} ${ending.code}`);
  if (role === "draining" && before?.name !== "stopping") {
    counts = increment(counts, "drainsEnded", howOf(end));
    if (end.endReason !== null) counts = increment(counts, "drainsCut", end.endReason);
  }
  return { ...history, processes, counts };
}

function roleOf(process: LiveProcess | undefined): Role {
  if (process === undefined) return "new";
  return process.drainingSinceMs === null ? "serving" : "draining";
}

function howOf({ ending, drainEnd }: ProcessEnd): DrainHow {
  if (drainEnd !== "by_itself") return drainEnd;
  return ending.code === 0 ? "drained" : "crashed";
}
