/** From files that have settled, or an order, to a hot apply or a reload. Pure. */
import { retryDelayMs } from "../../backoff.ts";
import { targetsToApply } from "../../hot_apply/plan.ts";
import type { Target } from "../../loaded/targets.ts";
import type { Fingerprint } from "../../watch/scan/fingerprint.ts";
import * as messages from "../messages/reload_messages.ts";
import type { Decision, EventOf, Policy } from "../state/events.ts";
import type { Content, Idle, Service, StateOf } from "../state/state.ts";
import { type FileChange, isDelayed, orderOf, reloadOrDelay } from "./delay.ts";
import { newcomersOf } from "./newcomers.ts";
import { NOTHING_PENDING } from "./pending.ts";

/** The files have begun to change: puts a process on standby if a reload is likely. */
export function expectChange(
  state: Idle,
  { fingerprint, hasSameRest, atMs }: EventOf<"changing">,
  policy: Policy,
): Decision {
  const { service } = state;
  const { serving, rejected, lastGeneration } = service;
  const isKnown = [serving, rejected].some((content) => holds(content, fingerprint));
  if (isKnown || isDelayed(service, atMs, policy)) return [state, []];
  if (policy.hotApply && targetsOf(service, fingerprint, hasSameRest) !== null) return [state, []];
  return [state, [{
    name: "stand_by",
    generation: lastGeneration + 1,
    takeOverFrom: serving.number,
    files: [...fingerprint.files.keys()],
  }]];
}

/** The files have settled: hot-applies or reloads them unless they are already known. */
export function considerChange(
  state: Idle,
  { fingerprint, hasSameRest, atMs }: EventOf<"settled">,
  policy: Policy,
): Decision {
  const { serving, rejected } = state.service;
  const isRejected = holds(rejected, fingerprint);
  if (isRejected && !(state.name === "retrying" && state.isDue)) return keepRejected(state);
  if (!isRejected && holds(serving, fingerprint)) return revert(state);
  const isSame = serving.fingerprint?.digest === fingerprint.digest;
  const tag = isRejected ? "retry" : isSame ? "changed_during_read" : "change";
  const change = { fingerprint, cause: { tag }, atMs } as const;
  return hotApply(state, change, hasSameRest) ?? reloadOrDelay(state, change, policy);
}

/** A signal or a request reloads even if nothing changed. */
export function reloadNow(
  state: Idle,
  { order, fingerprint, atMs }: EventOf<"reload_requested">,
  policy: Policy,
): Decision {
  return reloadOrDelay(state, { fingerprint, cause: { tag: "order", order }, atMs }, policy);
}

/** The pause of a retry is over, but the files may be in the middle of a change. */
export function retryWhenSettled(state: StateOf<"retrying">): Decision {
  return [{ ...state, isDue: true }, [{ name: "scan_for_retry" }]];
}

/** What the rejected generation read is unknown, so the files on disk count as different content. */
export function forgetRejected(
  state: Idle,
  { generation }: EventOf<"changed_during_read">,
): Decision {
  const { service } = state;
  if (service.rejected?.generation !== generation) return [state, []];
  const rejected = { ...service.rejected, changedDuringRead: true };
  return [{ ...state, service: { ...service, rejected } }, [{ name: "scan_soon" }]];
}

/** The rejected content is still on disk, or is back after a delayed change was reverted to it. */
function keepRejected(state: Idle): Decision {
  if (state.name !== "delaying" || state.order !== null) return [state, []];
  const { service, isRetried } = state;
  if (!isRetried || service.rejected === null) {
    return [{ name: "serving", service }, [{ name: "clear_timer" }]];
  }
  const delayMs = retryDelayMs(service.rejected.failures);
  return [{ name: "retrying", service, isDue: false }, [{ name: "set_timer", delayMs }]];
}

/** The files on disk are those being served: any failure or delay is over, but an order still waits. */
function revert(state: Idle): Decision {
  if (state.name === "serving" && state.service.rejected === null) return [state, []];
  const service: Service = { ...state.service, rejected: null };
  if (orderOf(state) !== null) return [{ ...state, service }, []];
  const entry = messages.reverted(service.serving.number);
  return [{ name: "serving", service }, [{ name: "clear_timer" }, { name: "log", entry }]];
}

/** Hot-applies the change, or examines new files first; `null` if only a reload can load the change. */
function hotApply(
  state: Idle,
  change: FileChange,
  hasSameRest: boolean | undefined,
): Decision | null {
  const { service } = state;
  const { serving: { number: generation, fingerprint: before } } = service;
  const { fingerprint: after, cause } = change;
  const newcomers = newcomersOf(service, change);
  const targets = targetsOf(service, after, hasSameRest);
  if (before === null || (targets === null && newcomers.length === 0)) return null;
  const request = { changed: targets ?? [], before, after, isPart: false };
  return [
    {
      name: "hot_applying",
      service,
      attempt: { fingerprint: after, cause },
      pending: { ...NOTHING_PENDING, order: orderOf(state) },
      rejection: null,
    },
    [
      { name: "clear_timer" },
      {
        name: "hot_apply",
        generation,
        request: newcomers.length > 0 ? { ...request, newcomers } : request,
      },
    ],
  ];
}

/** What to hot-apply to bring the serving generation to `fingerprint`; `null` if that is impossible. */
function targetsOf(
  { serving }: Service,
  fingerprint: Fingerprint,
  hasSameRest: boolean | undefined,
): readonly Target[] | null {
  if (serving.changedDuringRead) return null;
  return targetsToApply(serving.targets, serving.fingerprint, fingerprint, hasSameRest);
}

/** Whether `content` is known to be what HAProxy read. */
const holds = (content: Content | null, { digest }: Fingerprint): boolean =>
  content !== null && !content.changedDuringRead && content.fingerprint?.digest === digest;
