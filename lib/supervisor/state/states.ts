/** What the states have in common, to make one from another. */
import type { Lasting, Pending, Service, StateOf } from "./events.ts";

/** A generation serves, and nothing is under way. */
export type Idle = StateOf<"serving" | "delaying" | "retrying">;

export const idle = (service: Service): StateOf<"serving"> => ({
  ...serviceOf(service),
  name: "serving",
});

/** What all states have in common in which a generation serves, without what is special to this one. */
export function serviceOf(state: Service): Service {
  const { serving, lastGeneration, rejected } = state;
  return { ...lastingOf(state), serving, lastGeneration, rejected };
}

/** What is left of it where none serves. */
export function lastingOf(state: Lasting): Lasting {
  const { draining, ending, isSlowdownTold, lastStartMs, respawnedMs } = state;
  return { draining, ending, isSlowdownTold, lastStartMs, respawnedMs };
}

export const NOTHING_PENDING: Pending = { order: null, changedDuringRead: false };
