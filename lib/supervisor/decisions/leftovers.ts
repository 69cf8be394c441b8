/** What happens to HAProxy processes that another wrapper left behind. Pure. */
import * as messages from "../messages/leftover_messages.ts";
import type { Action, Decision, HandoffEnd, Policy } from "../state/events.ts";
import type { Past, StateOf } from "../state/state.ts";
import { addDraining } from "./old_processes.ts";

type Starting = StateOf<"starting">;
type Ready = Extract<HandoffEnd, { tag: "ready" }>;
type Failed = Extract<HandoffEnd, { tag: "failed" }>;

/** Our own generation serves now, so leftover processes drain like any old process. */
export function takeCharge(
  { past, attempt }: Starting,
  { leftovers = [] }: Ready,
  policy: Policy,
): readonly [Past, readonly Action[]] {
  if (leftovers.length === 0) return [past, []];
  const oldestFirst = leftovers.toReversed();
  const generations = oldestFirst.map(({ generation }) => generation);
  const [after, ended] = addDraining(past, generations, policy);
  const drained = oldestFirst.flatMap((process): Action[] => [
    { name: "drain", generation: process.generation },
    { name: "log", entry: messages.takenCharge(attempt.number, process) },
  ]);
  return [after, [{ name: "take_charge", leftovers }, ...drained, ...ended]];
}

/** Starts again without the process that was to hand over, if that has ended and so caused the failure; else `null`. */
export function startWithoutLeftover(
  state: Starting,
  { isLeftoverGone = false }: Failed,
): Decision | null {
  if (!isLeftoverGone) return null;
  const { number: generation } = state.attempt;
  const attempt = { ...state.attempt, number: generation + 1 };
  return [{ ...state, attempt }, [
    { name: "log", entry: messages.leftoverIsGone(generation) },
    { name: "discard", generation },
    { name: "start_handoff", attempt, takeOverFrom: null },
  ]];
}
