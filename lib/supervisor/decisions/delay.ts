/** Starts a reload now, or delays it: for stick-tables, the least time between two, or files that are not whole. Pure. */
import type { Fingerprint } from "../../watch/scan/fingerprint.ts";
import type { Cause, Decision, Rejected, ReloadOrder } from "../state/events.ts";
import * as messages from "../messages/messages.ts";
import type { Policy } from "../state/policy.ts";
import { type Idle, NOTHING_PENDING, serviceOf } from "../state/states.ts";
import { tablesWaitMs } from "./stick_tables.ts";

export interface Start {
  readonly fingerprint: Fingerprint | null;
  readonly cause: Cause;
  readonly atMs: number;
}

/** Reloads, unless stick-tables or the least time between two reloads delay it. An order waits for stick-tables only. */
export function reloadOrHold(
  state: Idle,
  start: Start,
  { minReloadIntervalMs }: Policy,
): Decision {
  const { cause, atMs } = start;
  const { serving, lastStartMs } = state;
  const order = cause.tag === "order" ? cause.order : heldOrder(state);
  const tablesMs = tablesWaitMs(serving, atMs);
  const waitMs = Math.max(
    tablesMs,
    order === null ? lastStartMs + minReloadIntervalMs - atMs : -Infinity,
  );
  if (waitMs <= 0) return startReload(state, start);
  const awaits = waitMs === tablesMs ? "tables" : "interval";
  const isHeld = state.name === "delaying" && state.awaits === awaits;
  if (isHeld && order === null) return [state, []];
  const isTold = isHeld || awaits === "interval";
  return [
    {
      ...serviceOf(state),
      ...{ name: "delaying", awaits, order, isRetried: isRetried(state) },
    },
    [
      { name: "set_timer", delayMs: Math.ceil(waitMs) },
      ...isTold
        ? []
        : [{ name: "log", entry: messages.awaitsTables(serving.number, waitMs) } as const],
    ],
  ];
}

/** A retry waits for stick-tables only. */
export function retryOrWait(state: Idle, start: Start): Decision {
  const { rejected, serving } = state;
  const waitMs = tablesWaitMs(serving, start.atMs);
  if (waitMs <= 0 || rejected === null) return startReload(state, start);
  return [
    { ...serviceOf(state), name: "retrying", rejected, isDue: true },
    [{ name: "set_timer", delayMs: Math.ceil(waitMs) }],
  ];
}

/**
 * How much longer a reload waits at `atMs` for files that are not whole: 0 where that is over. It counts from
 * the first of them on, so that a file that changes for ever, or one after the other, cannot stretch it.
 */
export function awaitMs(rejected: Rejected | null, atMs: number): number {
  const sinceMs = rejected?.awaited?.sinceMs ?? atMs;
  return Math.max(0, sinceMs + AWAITED_MS - atMs);
}

/** Long enough to copy a certificate and then its key, and short enough to report a mistake soon. */
const AWAITED_MS = 5_000;

/** The order that waits, and must not be forgotten. */
export const heldOrder = (state: Idle): ReloadOrder | null =>
  state.name === "delaying" ? state.order : null;

const isRetried = (state: Idle): boolean =>
  state.name === "retrying" || (state.name === "delaying" && state.isRetried);

function startReload(state: Idle, { fingerprint, cause, atMs }: Start): Decision {
  const number = state.lastGeneration + 1;
  const attempt = { number, fingerprint, cause };
  return [
    {
      ...serviceOf(state),
      name: "reloading",
      lastGeneration: number,
      lastStartMs: atMs,
      attempt,
      pending: NOTHING_PENDING,
    },
    [
      { name: "clear_timer" },
      { name: "start_handoff", attempt, takeOverFrom: state.serving.number },
    ],
  ];
}
