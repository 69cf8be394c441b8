/** Liveness and readiness. Pure. */
import { describeEnding } from "../haproxy/process/process.ts";
import type { State, StateOf } from "../supervisor/state/state.ts";

export type HealthAnswer =
  | { readonly isOk: true }
  /** `reason`: a clause. */
  | { readonly isOk: false; readonly reason: string };

/**
 * For liveness probes: whether a generation serves or drains, so that restarting the container would cut connections.
 * A lost generation counts as alive: a respawn is faster than a restart, and if it fails the wrapper exits.
 */
export function health(state: State): HealthAnswer {
  const isAlive = "service" in state || (state.name === "starting" && state.lost !== null) ||
    (state.name === "draining" && state.lastServing !== null);
  return isAlive ? { isOk: true } : readiness(state);
}

/** For readiness probes: whether a generation serves and will keep serving. */
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
      return notReady("leaving: it serves until the drain delay is over");
    case "draining":
      return notReady("draining: HAProxy finishes its connections, then the wrapper exits");
    case "stopping":
    case "ended":
      return notReady(`stopping: the wrapper exits with ${state.exitCode}`);
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
