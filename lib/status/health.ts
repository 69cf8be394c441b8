/** Whether it serves, and whether it should be sent more. Pure. */
import type { State } from "../supervisor/events.ts";
import type { HealthAnswer } from "./routes.ts";

/**
 * For a liveness probe: whether a generation serves, or finishes what it has, which nobody should cut off
 * by starting the container anew.
 */
export function health(state: State): HealthAnswer {
  const isAlive = "serving" in state || (state.name === "draining" && state.lastServing !== null);
  return isAlive ? { isOk: true } : readiness(state);
}

/** For a readiness probe: whether a generation serves and goes on to do so. */
export function readiness(state: State): HealthAnswer {
  switch (state.name) {
    case "serving":
    case "holding":
    case "retrying":
    case "reloading":
    case "replacing":
      return { isOk: true };
    case "starting":
      return notReady(`generation ${state.attempt.number} is not ready yet`);
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

const notReady = (reason: string): HealthAnswer => ({ isOk: false, reason });
