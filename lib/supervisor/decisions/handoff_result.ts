/** What the end of a handoff means for the new generation, the old one, and a retry. Pure. */
import { retryDelayMs } from "../../backoff.ts";
import { slowdownBy } from "../../haproxy/drain/slowdown.ts";
import { certificatesToApply } from "../../hot_apply/plan.ts";
import { changedPaths } from "../../watch/scan/fingerprint.ts";
import { slowsServing } from "../messages/drain_messages.ts";
import * as messages from "../messages/reload_messages.ts";
import type { Action, Decision, EventOf, HandoffEnd, Policy } from "../state/events.ts";
import type {
  Generation,
  Past,
  Pending,
  Rejected,
  Rejection,
  Service,
  StateOf,
} from "../state/state.ts";
import { fallBack, giveUpFirstStart } from "./last_good_fallback.ts";
import { startWithoutLeftover, takeCharge } from "./leftovers.ts";
import { addDraining } from "./old_processes.ts";
import { followUp } from "./pending.ts";
import { respawnFailed } from "./respawn.ts";

type Ready = Extract<HandoffEnd, { tag: "ready" }>;
type Failed = Extract<HandoffEnd, { tag: "failed" }>;

/** A start during which nothing served has ended: the first, or a respawn. */
export function endStart(
  state: StateOf<"starting">,
  { outcome, atMs }: EventOf<"handoff_ended">,
  policy: Policy,
): Decision {
  const { lost } = state;
  switch (outcome.tag) {
    case "cancelled":
      return [state, []];
    case "ready":
      return beginServing(state, outcome, policy);
    case "failed":
      return startWithoutLeftover(state, outcome) ?? fallBack(state, outcome) ??
        (lost === null
          ? giveUpFirstStart(state, outcome)
          : respawnFailed({ ...state, lost }, { ...outcome, atMs }, policy));
    default:
      return outcome satisfies never;
  }
}

function beginServing(state: StateOf<"starting">, outcome: Ready, policy: Policy): Decision {
  const { attempt: { number: lastGeneration }, pending, lost, failed } = state;
  const serving = generationOf(state, outcome);
  const [past, charged] = takeCharge(state, outcome, policy);
  const service: Service = { serving, lastGeneration, rejected: null, past };
  const line = logServes(state, outcome, { changed: changedByStart(state), past });
  const [next, actions]: Decision = failed === undefined
    ? [{ name: "serving", service }, followUp(pending, serving)]
    : waitAfter(service, failed, pending);
  const warning = warnOfSlowdown(serving, lost?.generation);
  return [next, [line, ...warning, ...charged, ...actions]];
}

/** `null` if not known yet, as for a respawn. A first start changes nothing. */
function changedByStart({ attempt, lost, failed }: StateOf<"starting">): readonly string[] | null {
  if (lost === null) return failed === undefined ? [] : null;
  const { tag } = attempt.cause;
  if (tag === "respawn" || tag === "last_good") return null;
  return changedPaths(lost.generation.fingerprint, attempt.fingerprint);
}

/** A reload has ended: the new generation replaces the old one, or is discarded. */
export function endReload(
  state: StateOf<"reloading">,
  { outcome }: EventOf<"handoff_ended">,
  policy: Policy,
): Decision {
  switch (outcome.tag) {
    case "cancelled":
      return [state, []];
    case "ready":
      return replaceServing(state, outcome, policy);
    case "failed":
      return keepServing(state, outcome, policy);
    default:
      return outcome satisfies never;
  }
}

function replaceServing(state: StateOf<"reloading">, outcome: Ready, policy: Policy): Decision {
  const { service, attempt, pending } = state;
  const { serving: replaced } = service;
  const serving = generationOf(state, outcome);
  const [past, ended] = addDraining(service.past, [replaced.number], policy);
  const changed = changedPaths(replaced.fingerprint, attempt.fingerprint);
  return [
    { name: "serving", service: { ...service, serving, past, rejected: null } },
    [
      { name: "drain", generation: replaced.number },
      logServes(state, outcome, { changed, past }),
      ...warnOfSlowdown(serving, replaced),
      ...ended,
      ...followUp(pending, serving),
    ],
  ];
}

function logServes(
  { attempt: { number: generation, cause } }: StateOf<"starting" | "reloading">,
  { durationMs }: Ready,
  { changed, past }: { readonly changed: readonly string[] | null; readonly past: Past },
): Action {
  const draining = past.old.draining.length;
  const entry = messages.serves({ generation, durationMs, cause, changed, draining });
  return { name: "log", entry };
}

/** Warns when a version first serves that slows the serving process while it drains. */
function warnOfSlowdown({ version }: Generation, before?: Generation): readonly Action[] {
  const slowdown = version === before?.version ? null : slowdownBy(version);
  return slowdown === null ? [] : [{ name: "log", entry: slowsServing(slowdown) }];
}

function keepServing(
  state: StateOf<"reloading">,
  { failure, mayPass }: Failed,
  policy: Policy,
): Decision {
  const { service, attempt, pending } = state;
  const { serving } = service;
  const { number: generation, fingerprint, cause } = attempt;
  const { changedDuringRead } = pending;
  const failures = cause.tag === "retry" ? (service.rejected?.failures ?? 0) + 1 : 1;
  const rejected: Rejected = { generation, fingerprint, changedDuringRead, failures };
  const rejection: Rejection = { rejected, retryMs: mayPass ? retryDelayMs(failures) : null };
  const changed = changedPaths(serving.fingerprint, fingerprint);
  const facts = { generation, serving, failure, changed, watch: policy.watch };
  const entry = messages.rejected({ ...facts, retryMs: rejection.retryMs });
  const [next, actions] = applyCertificates(state, rejection, policy) ??
    waitAfter(service, rejection, pending);
  return [next, [{ name: "log", entry }, { name: "discard", generation }, ...actions]];
}

/** A rejected reload must not delay a renewed certificate; `null` if there is none. */
function applyCertificates(
  { service, attempt: { fingerprint: after, cause }, pending }: StateOf<"reloading">,
  rejection: Rejection,
  { hotApply }: Policy,
): Decision | null {
  const { number: generation, fingerprint: before, targets } = service.serving;
  const changed = certificatesToApply(targets, before, after);
  // A file may have changed since: before it is sent, it is compared with its last scan.
  if (!hotApply || before === null || after === null || changed.length === 0) return null;
  const attempt = { fingerprint: after, cause };
  const request = { changed, before, after, isPart: true };
  return [
    { name: "hot_applying", service, attempt, pending, rejection },
    [{ name: "hot_apply", generation, request }],
  ];
}

/** The serving generation keeps serving until something changes or a retry is due. */
export function waitAfter(
  service: Service,
  { rejected, retryMs }: Rejection,
  pending: Pending,
): Decision {
  const { generation, fingerprint } = rejected;
  const next = followUp(pending, { fingerprint, changedDuringRead: false });
  const isVerified = next.length === 0 && generation !== null && fingerprint !== null;
  const actions: readonly Action[] = isVerified
    ? [{ name: "verify", generation, fingerprint }]
    : next;
  const after = { ...service, rejected };
  if (retryMs === null) return [{ name: "serving", service: after }, actions];
  const timer = { name: "set_timer", delayMs: retryMs } as const;
  return [{ name: "retrying", service: after, isDue: false }, [...actions, timer]];
}

function generationOf(
  { attempt: { number, cause }, pending }: StateOf<"starting" | "reloading">,
  { loaded, version }: Ready,
): Generation {
  // No other generation uses the files of a last good set.
  if (cause.tag === "last_good") {
    return { ...loaded, number, version, lastGood: cause.set.lastGood };
  }
  const changedDuringRead = loaded.changedDuringRead || pending.changedDuringRead;
  return { ...loaded, number, version, changedDuringRead };
}
