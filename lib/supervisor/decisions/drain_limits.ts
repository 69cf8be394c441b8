/** Limits what old processes cost the serving one: memory, and time. Pure. */
import { slowdownBy } from "../../haproxy/drain/slowdown.ts";
import type { Action, Decision, EventOf, Lasting, StateOf } from "../state/events.ts";
import type { Serving } from "./shutdown.ts";
import * as messages from "../messages/drain_messages.ts";
import type { Policy } from "../state/policy.ts";

/** `generations` drain from now on, oldest first; of all that do, the oldest are ended that are too many. */
export function addDraining(
  state: Lasting,
  generations: readonly number[],
  { maxDraining }: Policy,
): Pick<Lasting, "draining" | "ending"> & { readonly actions: readonly Action[] } {
  const all = [...state.draining, ...generations];
  const surplus = all.slice(0, Math.max(0, all.length - maxDraining));
  return {
    draining: all.slice(surplus.length),
    ending: [...state.ending, ...surplus],
    actions: surplus.flatMap((generation): Action[] => [
      { name: "log", entry: messages.tooManyDrain(generation, maxDraining) },
      { name: "terminate", generation, reason: "max-draining" },
    ]),
  };
}

/**
 * The next generation does not fit beside the running ones: the oldest draining one makes room. One that is
 * already being ended is waited for first. An estimate is no reason to refuse a reload.
 */
export function makeRoom(
  state: StateOf<"reloading">,
  { shortage }: EventOf<"memory_short">,
): Decision {
  const [oldest, ...draining] = state.draining;
  const generation = state.attempt.number;
  if (state.ending.length > 0) return [state, []];
  if (oldest === undefined) {
    const entry = messages.startsAnyway(generation, shortage);
    return [state, [{ name: "log", entry }, { name: "start_anyway" }]];
  }
  return [{ ...state, draining, ending: [oldest] }, [
    { name: "log", entry: messages.endedForMemory(oldest, { generation, shortage }) },
    { name: "terminate", generation: oldest, reason: "memory" },
  ]];
}

/** Most drains are over by then. */
const SLOWDOWN_AFTER_MS = 10_000;

/** What is to be done when what served drains, and slows from now on what serves. */
export function awaitDrain({ serving, isSlowdownTold }: Serving): readonly Action[] {
  const slowdown = isSlowdownTold ? null : slowdownBy(serving.version);
  if (slowdown === null) return [];
  const { number: generation } = serving;
  return [{ name: "await_drain", generation, slowdown, delayMs: SLOWDOWN_AFTER_MS }];
}

/** Unless it was told before, or the generation is gone. */
export function tellSlowdown<S extends Serving>(
  state: S,
  { generation, slowdown }: EventOf<"drain_lasts">,
): Decision {
  if (state.isSlowdownTold || !state.draining.includes(generation)) return [state, []];
  const entry = messages.slowsServing(generation, slowdown);
  return [{ ...state, isSlowdownTold: true }, [{ name: "log", entry }]];
}
