/** Liveness and readiness. Pure. */
import { describeEnding } from "../haproxy/process/process.ts";
import type { State, StateOf } from "../supervisor/state/state.ts";
import type { HealthAnswer } from "./routes.ts";

/**
 * For a liveness probe: whether a generation serves or drains, which a restart of the container would cut off.
 * A lost generation is respawned sooner than a restart would do it, or the wrapper exits by itself.
 */
export function health(state: State): HealthAnswer {
  const isAlive = "service" in state || (state.name === "starting" && state.lost !== null) ||
    (state.name === "draining" && state.lastServing !== null);
  return isAlive ? { isOk: true } : readiness(state);
}

/** For a readiness probe: whether a generation serves and will go on serving. */
export function readiness(state: State): HealthAnswer {
  switch (state.name) {
    case "serving":
    case "delaying":
    case "retrying":
    case "reloading":
    case "hot_applying":
      return { isOk: true };
    case "starting":
      return notReady(describeStart(state));
    case "leaving":
      return notReady("leaving: it serves on only until the drain delay is over");
    case "draining":
      return notReady("draining: HAProxy finishes its connections, then the wrapper ends");
    case "stopping":
    case "ended":
      return notReady(`stopping: the wrapper ends with ${state.exitCode}`);
    default:
      return state satisfies never;
  }
}

function describeStart({ attempt, lost }: StateOf<"starting">): string {
  const notYet = `generation ${attempt.number} is not ready yet`;
  if (lost === null) return notYet;
  return `${notYet}, generation ${lost.generation.number} ${describeEnding(lost.ending)}`;
}

const notReady = (reason: string): HealthAnswer => ({ isOk: false, reason });
