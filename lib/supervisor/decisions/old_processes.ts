/** Old processes drain, may be ended by a drain limit, and have their end logged. Pure. */
import type { ProcessEnd } from "../../haproxy/drain/fleet.ts";
import { limitCount, limitMemory, type OldProcesses } from "../../haproxy/drain/limits.ts";
import * as messages from "../messages/drain_messages.ts";
import type { Action, Decision, EventOf, Policy } from "../state/events.ts";
import type { Past, Serving, StateOf } from "../state/state.ts";

/** `generations`, oldest first, drain from now on; the oldest beyond `--max-draining` are ended. */
export function addDraining(
  past: Past,
  generations: readonly number[],
  { maxDraining }: Policy,
): readonly [Past, readonly Action[]] {
  const draining = [...past.old.draining, ...generations];
  const { old, ended } = limitCount({ ...past.old, draining }, maxDraining);
  const actions = ended.flatMap((generation): Action[] => [
    { name: "log", entry: messages.tooManyDrain(generation, maxDraining) },
    { name: "terminate", generation, reason: "max-draining" },
  ]);
  return [{ ...past, old }, actions];
}

/** Ends the oldest process. If there is none, the start goes ahead: an estimate is no reason to refuse a reload. */
export function makeRoom(
  state: StateOf<"reloading">,
  { shortage }: EventOf<"memory_short">,
): Decision {
  const { number: generation } = state.attempt;
  const { past } = state.service;
  const limited = limitMemory(past.old);
  if (limited === null) {
    const entry = messages.startsAnyway(generation, shortage);
    return [state, [{ name: "log", entry }, { name: "start_anyway" }]];
  }
  const service = { ...state.service, past: { ...past, old: limited.old } };
  const actions = limited.ended.flatMap((oldest): Action[] => [
    { name: "log", entry: messages.endedForMemory(oldest, { generation, shortage }) },
    { name: "terminate", generation: oldest, reason: "memory" },
  ]);
  return [{ ...state, service }, actions];
}

/** An old process has ended while `state`'s generation serves. */
export function endWhileServing(state: Serving, { end }: EventOf<"process_ended">): Decision {
  const past = pastAfter(state.service.past, end);
  return past === null
    ? [state, []]
    : [{ ...state, service: { ...state.service, past } }, logEnd(end)];
}

/** The same while nothing serves. */
export function endWhileStarting(
  state: StateOf<"starting">,
  { end }: EventOf<"process_ended">,
): Decision {
  const past = pastAfter(state.past, end);
  return past === null ? [state, []] : [{ ...state, past }, logEnd(end)];
}

export const logEnd = (end: ProcessEnd): readonly Action[] => [
  { name: "log", entry: messages.drained(end) },
];

/** `null` if it was not an old process. */
function pastAfter(past: Past, { generation }: ProcessEnd): Past | null {
  const { draining, ending } = past.old;
  if (![...draining, ...ending].includes(generation)) return null;
  const others = (all: readonly number[]) => all.filter((other) => other !== generation);
  const old: OldProcesses = { draining: others(draining), ending: others(ending) };
  return { ...past, old };
}
