/** Delays of a reload: for stick-tables, or the minimum interval between reloads. Pure. */
import type { Fingerprint } from "../../watch/scan/fingerprint.ts";
import * as messages from "../messages/reload_messages.ts";
import type { Action, Decision, EventOf, Policy } from "../state/events.ts";
import type { Cause, Idle, ReloadOrder, Service, Serving, StateOf } from "../state/state.ts";
import { NOTHING_PENDING } from "./pending.ts";

export interface Start {
  readonly fingerprint: Fingerprint | null;
  readonly cause: Cause;
  readonly atMs: number;
}

/** A start for files that have settled. */
export type FileChange = Start & { readonly fingerprint: Fingerprint };

/** Reloads now or later. Orders and retries wait only for stick-tables. */
export function reloadOrDelay(state: Idle, start: Start, policy: Policy): Decision {
  const { service } = state;
  const { cause, atMs } = start;
  const order = cause.tag === "order" ? cause.order : orderOf(state);
  const tablesMs = tablesWaitMs(service, atMs);
  const waitMs = order !== null || cause.tag === "retry"
    ? tablesMs
    : Math.max(tablesMs, intervalWaitMs(service, atMs, policy));
  if (waitMs <= 0) return startReload(service, start);
  const timer = { name: "set_timer", delayMs: Math.ceil(waitMs) } as const;
  if (cause.tag === "retry") return [{ name: "retrying", service, isDue: true }, [timer]];
  const awaits = waitMs === tablesMs ? "tables" : "interval";
  const wasDelayed = state.name === "delaying" && state.awaits === awaits;
  if (wasDelayed && order === null) return [state, []];
  const entry = messages.awaitsTables(service.serving.number, waitMs);
  return [
    { name: "delaying", service, awaits, order, isRetried: isRetried(state) },
    wasDelayed || awaits === "interval" ? [timer] : [timer, { name: "log", entry }],
  ];
}

/** Whether a change would be delayed at `atMs`. */
export const isDelayed = (service: Service, atMs: number, policy: Policy): boolean =>
  tablesWaitMs(service, atMs) > 0 || intervalWaitMs(service, atMs, policy) > 0;

/** An upper bound; 0 or less: no wait. */
const tablesWaitMs = ({ serving: { tablesByMs = -Infinity } }: Service, atMs: number) =>
  tablesByMs - atMs;

const intervalWaitMs = ({ past }: Service, atMs: number, { minReloadIntervalMs }: Policy) =>
  past.lastStartMs + minReloadIntervalMs - atMs;

/** The waiting order, which must not be lost. */
export const orderOf = (state: Idle): ReloadOrder | null =>
  state.name === "delaying" ? state.order : null;

const isRetried = (state: Idle): boolean =>
  state.name === "retrying" || (state.name === "delaying" && state.isRetried);

function startReload(service: Service, { fingerprint, cause, atMs }: Start): Decision {
  const number = service.lastGeneration + 1;
  const attempt = { number, fingerprint, cause };
  return [
    {
      name: "reloading",
      service: { ...service, lastGeneration: number, past: { ...service.past, lastStartMs: atMs } },
      attempt,
      pending: NOTHING_PENDING,
    },
    [
      { name: "clear_timer" },
      { name: "start_handoff", attempt, takeOverFrom: service.serving.number },
    ],
  ];
}

/** The generation can now pass its stick-tables on: what waited for that continues. */
export function resynced(state: Serving, { generation }: EventOf<"resynced">): Decision {
  const { tablesByMs, ...serving } = state.service.serving;
  if (tablesByMs === undefined || serving.number !== generation) return [state, []];
  return [{ ...state, service: { ...state.service, serving } }, afterTables(state)];
}

function afterTables(state: Serving): readonly Action[] {
  if (state.name === "delaying" && state.awaits === "tables") return endDelay(state);
  return state.name === "retrying" && state.isDue ? [{ name: "scan_for_retry" }] : [];
}

/** Scans again and reloads what it finds, unless something else delays that. */
export const endDelay = ({ order }: StateOf<"delaying">): readonly Action[] => [
  order === null ? { name: "scan_soon" } : { name: "scan_and_reload", order },
];
