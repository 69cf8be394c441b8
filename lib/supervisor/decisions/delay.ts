/** Delays of a reload: for stick-tables, a certificate, or the minimum interval between reloads. Pure. */
import type { LogEntry } from "../../system/log.ts";
import type { Fingerprint } from "../../watch/scan/fingerprint.ts";
import * as messages from "../messages/reload_messages.ts";
import type { Action, Decision, EventOf, Policy } from "../state/events.ts";
import type {
  Awaited,
  Cause,
  Idle,
  ReloadOrder,
  Service,
  Serving,
  State,
  StateOf,
} from "../state/state.ts";
import { NOTHING_PENDING } from "./pending.ts";

export interface Start {
  readonly fingerprint: Fingerprint | null;
  readonly cause: Cause;
  readonly atMs: number;
}

/** A start for files that have settled. */
export type FileChange = Start & { readonly fingerprint: Fingerprint };

/** Reloads now or later. Orders and retries do not wait for the interval. */
export function reloadOrDelay(state: Idle, start: Start, policy: Policy): Decision {
  const { service } = state;
  const { cause, atMs } = start;
  const order = cause.tag === "order" ? cause.order : orderOf(state);
  const isUrgent = order !== null || cause.tag === "retry";
  const { awaits, waitMs } = longestOf([
    { awaits: "tables", waitMs: tablesWaitMs(service, atMs) },
    {
      awaits: "renewal",
      waitMs: Math.min(renewalWaitMs(service, atMs), order === null ? Infinity : TABLES_LIMIT_MS),
    },
    { awaits: "interval", waitMs: isUrgent ? 0 : intervalWaitMs(service, atMs, policy) },
  ]);
  if (waitMs <= 0) return startReload(service, start);
  const timer = { name: "set_timer", delayMs: Math.ceil(waitMs) } as const;
  if (cause.tag === "retry") return [{ name: "retrying", service, isDue: true }, [timer]];
  const wasDelayed = state.name === "delaying" && state.awaits === awaits;
  if (wasDelayed && order === null) return [state, []];
  const delayed: State = { name: "delaying", service, awaits, order, isRetried: isRetried(state) };
  // Whatever joins an order must not make it wait longer.
  if (wasDelayed && state.order !== null) return [delayed, []];
  const entry = describeWait(awaits, service.serving.number, waitMs);
  return [
    delayed,
    wasDelayed || entry === null ? [timer] : [timer, { name: "log", entry }],
  ];
}

interface Wait {
  readonly awaits: Awaited;
  /** At most; 0 or less: none. */
  readonly waitMs: number;
}

const longestOf = (waits: readonly Wait[]): Wait =>
  waits.reduce((longest, wait) => wait.waitMs > longest.waitMs ? wait : longest);

/** HAProxy's resync takes 5 s if no peer answers; no order waits longer than this for anything. */
export const TABLES_LIMIT_MS = 8_000;

/** `null`: the user has asked for that delay. */
function describeWait(awaits: Awaited, generation: number, waitMs: number): LogEntry | null {
  switch (awaits) {
    case "tables":
      return messages.awaitsTables(generation, waitMs);
    case "renewal":
      return messages.awaitsRenewal(generation, waitMs);
    case "interval":
      return null;
    default:
      return awaits satisfies never;
  }
}

/** Whether a change would be delayed at `atMs`. */
export const isDelayed = (service: Service, atMs: number, policy: Policy): boolean =>
  tablesWaitMs(service, atMs) > 0 || renewalWaitMs(service, atMs) > 0 ||
  intervalWaitMs(service, atMs, policy) > 0;

const tablesWaitMs = ({ serving: { tablesByMs = -Infinity } }: Service, atMs: number) =>
  tablesByMs - atMs;

const renewalWaitMs = ({ serving: { renewedByMs = -Infinity } }: Service, atMs: number) =>
  renewedByMs - atMs;

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
  return [{ ...state, service: { ...state.service, serving } }, afterWait(state, "tables")];
}

/** What waited for nothing else continues. */
export function afterWait(state: Serving, awaited: Awaited): readonly Action[] {
  if (state.name === "delaying" && state.awaits === awaited) return endDelay(state);
  return state.name === "retrying" && state.isDue ? [{ name: "scan_for_retry" }] : [];
}

/** The delay has lasted as long as it may: nothing waits for that renewal again. */
export function timeOut(state: StateOf<"delaying">): Decision {
  if (state.awaits !== "renewal") return [state, endDelay(state)];
  const { service } = state;
  const serving = { ...service.serving, renewedByMs: -Infinity };
  const entry = messages.awaitsRenewalNoMore(serving.number);
  return [
    { ...state, service: { ...service, serving } },
    [{ name: "log", entry }, ...endDelay(state)],
  ];
}

/** Scans again and reloads what it finds, unless something else delays that. A retry waits even if nothing is watched. */
const endDelay = ({ order }: StateOf<"delaying">): readonly Action[] => [
  order === null ? { name: "scan_for_retry" } : { name: "scan_and_reload", order },
];
