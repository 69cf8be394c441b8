/** Decides what becomes of HAProxy processes that another wrapper has left. Pure. */
import type { Action, Decision, HandoffEnd, Lasting, StateOf } from "../state/events.ts";
import { addDraining } from "./drain_limits.ts";
import * as messages from "../messages/leftover_messages.ts";
import type { Policy } from "../state/policy.ts";
import { lastingOf } from "../state/states.ts";

type Starting = StateOf<"starting">;
type Ready = Extract<HandoffEnd, { tag: "ready" }>;
type Failed = Extract<HandoffEnd, { tag: "failed" }>;

/** Our own generation serves now: what was left drains like any old process. */
export function takeCharge(
  state: Starting,
  { left = [] }: Ready,
  policy: Policy,
): { readonly lasting: Lasting; readonly actions: readonly Action[] } {
  const lasting = lastingOf(state);
  if (left.length === 0) return { lasting, actions: [] };
  const oldestFirst = left.toReversed();
  const generations = oldestFirst.map(({ generation }) => generation);
  const { draining, ending, actions } = addDraining(lasting, generations, policy);
  return {
    lasting: { ...lasting, draining, ending },
    actions: [
      { name: "take_charge", left },
      ...oldestFirst.flatMap((one): Action[] => [
        { name: "drain", generation: one.generation },
        { name: "log", entry: messages.takenCharge(state.attempt.number, one) },
      ]),
      ...actions,
    ],
  };
}

/** If what was to hand over has ended meanwhile, the failure says nothing: starts again without. `null` otherwise. */
export function startWithoutLeft(state: Starting, { isLeftGone = false }: Failed): Decision | null {
  if (!isLeftGone) return null;
  const { number: generation } = state.attempt;
  const attempt = { ...state.attempt, number: generation + 1 };
  return [{ ...state, attempt }, [
    { name: "log", entry: messages.leftIsGone(generation) },
    { name: "discard", generation },
    { name: "start_handoff", attempt, takeOverFrom: null },
  ]];
}
