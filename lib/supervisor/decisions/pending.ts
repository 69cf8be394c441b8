/** Notes what arrives during a start or a hot apply, and follows it up at the end. Pure. */
import type { Action, Decision, EventOf } from "../state/events.ts";
import type { Content, Pending, StateOf } from "../state/state.ts";

export const NOTHING_PENDING: Pending = { order: null, changedDuringRead: false };

type Busy = StateOf<"starting" | "reloading" | "hot_applying">;

export const noteSettled = (state: Busy, event: EventOf<"settled">): Decision => [
  { ...state, pending: pendingAfter(state, event) },
  [],
];

/** Notes whether the settled files differ from those that the start began with. */
export function pendingAfter(state: Busy, { fingerprint }: EventOf<"settled">): Pending {
  const { pending } = state;
  const { attempt } = state.name === "starting" ? state.failed ?? state : state;
  const isChanged = fingerprint.digest !== attempt.fingerprint?.digest;
  return { ...pending, changedDuringRead: pending.changedDuringRead || isChanged };
}

export const noteOrder = (state: Busy, { order }: EventOf<"reload_requested">): Decision => [
  { ...state, pending: { ...state.pending, order } },
  [],
];

/** Carries out an order, or scans if what was read is unknown. */
export function followUp(
  { order, changedDuringRead }: Pending,
  content: Content,
): readonly Action[] {
  if (order !== null) return [{ name: "scan_and_reload", order }];
  const isKnown = !changedDuringRead && !content.changedDuringRead && content.fingerprint !== null;
  return isKnown ? [] : [{ name: "scan_soon" }];
}
