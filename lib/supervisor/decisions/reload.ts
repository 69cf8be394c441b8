/** What a change on disk or a signal leads to: a reload, a change in place, or nothing. Pure. */
import { retryDelayMs } from "../../backoff.ts";
import { type Newcomer, newcomersIn } from "../../hot_apply/newcomers.ts";
import { targetsToApply, type Use } from "../../loaded/targets.ts";
import type { Fingerprint } from "../../watch/scan/fingerprint.ts";
import type { Cause, Content, Decision, EventOf, Pending, StateOf } from "../state/events.ts";
import { awaitMs, heldOrder, reloadOrHold, retryOrWait } from "./delay.ts";
import * as messages from "../messages/messages.ts";
import type { Policy } from "../state/policy.ts";
import { type Idle, idle, NOTHING_PENDING, serviceOf } from "../state/states.ts";
import { tablesWaitMs } from "./stick_tables.ts";

/** The state before anything was started, with the action that starts the first generation. */
export function firstDecision(fingerprint: Fingerprint | null): Decision {
  const attempt = { number: 1, fingerprint, cause: { tag: "start" } } as const;
  return [
    {
      ...{ name: "starting", attempt, pending: NOTHING_PENDING },
      ...{
        lost: null,
        draining: [],
        ending: [],
        lastStartMs: -Infinity,
        respawnedMs: [],
        isSlowdownTold: false,
      },
    },
    [{ name: "start_handoff", attempt, takeOverFrom: null }],
  ];
}

type Busy = StateOf<"starting" | "reloading" | "hot_applying">;

/** A reload is likely: its process is put on standby. */
export function expectChange(
  state: Idle,
  { fingerprint, atMs }: EventOf<"changing">,
  { minReloadIntervalMs, hotApply }: Policy,
): Decision {
  const { serving, rejected, lastGeneration, lastStartMs } = state;
  const known = [digestOf(serving), digestOf(rejected)];
  const isHeld = lastStartMs + minReloadIntervalMs > atMs || tablesWaitMs(serving, atMs) > 0;
  if (known.includes(fingerprint.digest) || isHeld) return [state, []];
  if (hotApply && replaceable(state, fingerprint) !== null) return [state, []];
  return [state, [{
    name: "stand_by",
    generation: lastGeneration + 1,
    takeOverFrom: serving.number,
    files: [...fingerprint.files.keys()],
  }]];
}

/** The sources have settled while no handoff runs. */
export function considerChange(
  state: Idle,
  { fingerprint, atMs }: EventOf<"settled">,
  policy: Policy,
): Decision {
  const { digest } = fingerprint;
  if (digestOf(state.rejected) === digest) {
    return considerRetry(state, { fingerprint, atMs });
  }
  if (digestOf(state.serving) === digest) return settleBack(state);
  const isSame = state.serving.fingerprint?.digest === digest;
  const cause: Cause = { tag: isSame ? "changed_during_read" : "change" };
  return startReplacing(state, { fingerprint, cause, atMs }) ??
    reloadOrHold(state, { fingerprint, cause, atMs }, policy);
}

/** What was rejected is still on disk, or again. */
function considerRetry(
  state: Idle,
  { fingerprint, atMs }: { readonly fingerprint: Fingerprint; readonly atMs: number },
): Decision {
  if (heldOrder(state) !== null) return [state, []];
  if (state.name === "delaying") return waitAgain(state);
  if (state.name === "serving" || !state.isDue) return [state, []];
  const cause: Cause = { tag: "retry" };
  return startReplacing(state, { fingerprint, cause, atMs }) ??
    retryOrWait(state, { fingerprint, cause, atMs });
}

/** The delayed change was reverted: everything is as before it. */
function waitAgain({ isRetried, ...state }: StateOf<"delaying">): Decision {
  const { rejected } = state;
  if (!isRetried || rejected === null) return [idle(state), [{ name: "clear_timer" }]];
  return [
    { ...serviceOf(state), name: "retrying", rejected, isDue: false },
    [{ name: "set_timer", delayMs: retryDelayMs(rejected.failures) }],
  ];
}

/** The pause of a retry is over; the sources may be in the middle of a change. */
export function retryWhenSettled(state: StateOf<"retrying">): Decision {
  return [{ ...state, isDue: true }, [{ name: "scan_for_retry" }]];
}

/** A signal reloads even if nothing changed. */
export function reloadNow(
  state: Idle,
  { order, fingerprint, atMs }: EventOf<"reload_requested">,
  policy: Policy,
): Decision {
  return reloadOrHold(state, { fingerprint, cause: { tag: "order", order }, atMs }, policy);
}

/** The sources settled during a handoff: notes whether they differ from what it was started with. */
export function noteSettled<S extends Busy>(
  state: S,
  event: EventOf<"settled">,
): Decision {
  return [{ ...state, pending: pendingAfter(state, event) }, []];
}

export function pendingAfter(state: Busy, { fingerprint }: EventOf<"settled">): Pending {
  const { pending } = state;
  const { attempt } = "failed" in state ? state.failed ?? state : state;
  const isChanged = fingerprint.digest !== attempt.fingerprint?.digest;
  return { ...pending, changedDuringRead: pending.changedDuringRead || isChanged };
}

export function noteRequest<S extends Busy>(
  state: S,
  { order }: EventOf<"reload_requested">,
): Decision {
  return [{ ...state, pending: { ...state.pending, order } }, []];
}

/** Nobody knows what that generation has read, so what is on disk counts as different content. */
export function forgetRejected<S extends Idle>(
  state: S,
  { generation }: EventOf<"changed_during_read">,
): Decision {
  if (state.rejected?.generation !== generation) return [state, []];
  return [{ ...state, rejected: { ...state.rejected, changedDuringRead: true } }, [{
    name: "scan_soon",
  }]];
}

interface Change {
  readonly fingerprint: Fingerprint;
  readonly cause: Cause;
  readonly atMs: number;
}

/** Changes what the serving generation loaded in place, or examines what appeared; `null` if neither can be. */
function startReplacing(state: Idle, change: Change): Decision | null {
  const { serving } = state;
  const { fingerprint, cause } = change;
  const newcomers = newcomersOf(state, change);
  const changed = newcomers.length > 0 ? [] : replaceable(state, fingerprint);
  if (changed === null || serving.fingerprint === null) return null;
  const before = serving.fingerprint;
  return [
    {
      ...serviceOf(state),
      name: "hot_applying",
      attempt: { fingerprint, cause },
      pending: { ...NOTHING_PENDING, order: heldOrder(state) },
      rejection: null,
    },
    [
      { name: "clear_timer" },
      {
        name: "hot_apply",
        generation: serving.number,
        request: {
          ...{ changed, uses: serving.uses, before, after: fingerprint, isPart: false },
          ...newcomers.length > 0 ? { newcomers } : {},
        },
      },
    ],
  ];
}

/** Files that must be whole before a reload, unless it has waited long enough. */
function newcomersOf(state: Idle, { fingerprint, cause, atMs }: Change): readonly Newcomer[] {
  const { serving, rejected } = state;
  if (cause.tag === "retry" || awaitMs(rejected, atMs) === 0) return [];
  const tried = rejected !== null && rejected.generation !== null ? rejected.fingerprint : null;
  return newcomersIn(serving.uses, { before: serving.fingerprint, after: fingerprint, tried });
}

/** What to change in place so that the serving generation has that content; `null` if that is impossible. */
function replaceable({ serving }: Idle, fingerprint: Fingerprint): readonly Use[] | null {
  return serving.changedDuringRead
    ? null
    : targetsToApply(serving.uses, serving.fingerprint, fingerprint);
}

/** What is on disk is served: any failure or wait is over. */
function settleBack(state: Idle): Decision {
  if (state.name === "serving" && state.rejected === null) return [state, []];
  if (state.name === "delaying" && state.order !== null) return [{ ...state, rejected: null }, []];
  const entry = messages.reverted(state.serving.number);
  return [idle({ ...state, rejected: null }), [{ name: "clear_timer" }, { name: "log", entry }]];
}

/** The digest that is known to have been read; `null` if none. */
function digestOf(content: Content | null): string | null {
  return content === null || content.changedDuringRead ? null : content.fingerprint?.digest ?? null;
}
