/** Decides what the outcome of a handoff means: for the new generation, the old one, and a next try. Pure. */
import { retryDelayMs } from "../../backoff.ts";
import type { Failure } from "../../haproxy/failure/failure.ts";
import { certificatesToApply } from "../../loaded/targets.ts";
import { changedPaths } from "../../watch/scan/fingerprint.ts";
import type {
  Action,
  Content,
  Decision,
  EventOf,
  Generation,
  HandoffEnd,
  Pending,
  Rejected,
  Rejection,
  Service,
  StateOf,
} from "../state/events.ts";
import { fallBack, giveUpFirstStart } from "./last_good_fallback.ts";
import { addDraining, awaitDrain } from "./drain_limits.ts";
import { startWithoutLeft, takeCharge } from "./leftovers.ts";
import * as messages from "../messages/messages.ts";
import type { Policy } from "../state/policy.ts";
import { respawnFailed } from "./respawn.ts";
import { serviceOf } from "../state/states.ts";

/** A start has ended beside which nothing serves: the first, or a respawn. */
export function endStart(
  state: StateOf<"starting">,
  { outcome, atMs }: EventOf<"handoff_ended">,
  policy: Policy,
): Decision {
  const { attempt, lost } = state;
  switch (outcome.tag) {
    case "cancelled":
      return [state, []];
    case "ready": {
      const { durationMs } = outcome;
      const serving = generationOf(state, outcome);
      const { lasting, actions: charged } = takeCharge(state, outcome, policy);
      const entry = messages.serves({
        generation: attempt.number,
        durationMs,
        cause: attempt.cause,
        changed: changedByStart(state),
        draining: lasting.draining.length,
      });
      const service = { ...lasting, serving, lastGeneration: attempt.number, rejected: null };
      const [next, actions]: Decision = state.failed === undefined
        ? [{ ...service, name: "serving" }, followUp(state.pending, serving)]
        : waitAfter(service, state.failed, state.pending);
      return [next, [{ name: "log", entry }, ...charged, ...actions]];
    }
    case "failed": {
      const fallback = startWithoutLeft(state, outcome) ?? fallBack(state, outcome);
      if (fallback !== null) return fallback;
      return lost === null
        ? giveUpFirstStart(state, outcome)
        : respawnFailed({ ...state, lost }, { ...outcome, atMs }, policy);
    }
    default:
      return outcome satisfies never;
  }
}

/** `null`: not known yet, as for a respawn. A first start changes nothing. */
function changedByStart({ attempt, lost, failed }: StateOf<"starting">): readonly string[] | null {
  if (lost === null && failed === undefined) return [];
  return lost === null || attempt.cause.tag === "respawn" || attempt.cause.tag === "last_good"
    ? null
    : changedPaths(lost.generation.fingerprint, attempt.fingerprint);
}

/** A reload's handoff has ended: the new generation takes the old one's place, or is discarded. */
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

type Ready = Extract<HandoffEnd, { tag: "ready" }>;

function replaceServing(
  state: StateOf<"reloading">,
  outcome: Ready,
  policy: Policy,
): Decision {
  const { attempt, serving } = state;
  const next = generationOf(state, outcome);
  const { draining, ending, actions } = addDraining(state, [serving.number], policy);
  const rest = { serving: next, draining, ending, rejected: null };
  const service: Service = { ...serviceOf(state), ...rest };
  const entry = messages.serves({
    generation: attempt.number,
    durationMs: outcome.durationMs,
    cause: attempt.cause,
    changed: changedPaths(serving.fingerprint, attempt.fingerprint),
    draining: draining.length,
  });
  return [
    { ...service, name: "serving" },
    [
      { name: "drain", generation: serving.number },
      ...awaitDrain(state),
      { name: "log", entry },
      ...actions,
      ...followUp(state.pending, next),
    ],
  ];
}

function keepServing(
  state: StateOf<"reloading">,
  { failure, mayPass }: { readonly failure: Failure; readonly mayPass: boolean },
  policy: Policy,
): Decision {
  const { watch } = policy;
  const { attempt, serving } = state;
  const failures = attempt.cause.tag === "retry" ? (state.rejected?.failures ?? 0) + 1 : 1;
  const { number: generation, fingerprint } = attempt;
  const { changedDuringRead } = state.pending;
  const rejected: Rejected = { generation, fingerprint, changedDuringRead, failures };
  const retryMs = mayPass ? retryDelayMs(failures) : null;
  const service = serviceOf(state);
  const changed = changedPaths(serving.fingerprint, attempt.fingerprint);
  const facts = { generation, serving, failure, retryMs, changed, watch };
  const always: Action[] = [
    { name: "log", entry: messages.rejected(facts) },
    { name: "discard", generation },
  ];
  const [next, actions] = replaceCertificates(state, { rejected, retryMs }, policy) ??
    waitAfter(service, { rejected, retryMs }, state.pending);
  return [next, [...always, ...actions]];
}

/** A rejected reload must not delay a renewed certificate; `null` if there is none. */
function replaceCertificates(
  state: StateOf<"reloading">,
  rejection: Rejection,
  { hotApply }: Policy,
): Decision | null {
  const { serving, attempt: { fingerprint: after, cause }, pending } = state;
  const { fingerprint: before, uses } = serving;
  const changed = certificatesToApply(uses, before, after);
  // Each file is compared with its last scan before it is sent, so it may have changed since.
  if (!hotApply || before === null || after === null || changed.length === 0) return null;
  const attempt = { fingerprint: after, cause };
  const request = { changed, uses, before, after, isPart: true };
  return [
    {
      ...serviceOf(state),
      ...{ name: "hot_applying", attempt, pending, rejection },
    },
    [{ name: "hot_apply", generation: serving.number, request }],
  ];
}

/** The old generation keeps serving until something changes or a retry is due. */
export function waitAfter(
  service: Service,
  { rejected, retryMs }: Rejection,
  pending: Pending,
): Decision {
  const { generation, fingerprint } = rejected;
  const actions = followUp(pending, { fingerprint, changedDuringRead: false });
  const verification: readonly Action[] = actions.length > 0 || !generation || !fingerprint
    ? actions
    : [{ name: "verify", generation, fingerprint }];
  const next = { ...service, rejected };
  return retryMs === null
    ? [{ ...next, name: "serving" }, verification]
    : [{ ...next, name: "retrying", isDue: false }, [
      ...verification,
      { name: "set_timer", delayMs: retryMs },
    ]];
}

/** Changed during the read if its files were seen to change before or after its end. */
function generationOf(
  { attempt, pending }: StateOf<"starting" | "reloading">,
  { loaded, version }: Ready,
): Generation {
  const { number, cause } = attempt;
  // No other generation uses its files.
  if (cause.tag === "last_good") return { ...loaded, number, version, lastGood: cause.lastGood };
  return {
    ...loaded,
    number,
    version,
    changedDuringRead: loaded.changedDuringRead || pending.changedDuringRead,
  };
}

/** After a change: what was asked for meanwhile, or a look if it is unknown what was read. */
export function followUp(
  { order, changedDuringRead }: Pending,
  content: Content,
): readonly Action[] {
  if (order !== null) return [{ name: "scan_and_reload", order }];
  const isKnown = !changedDuringRead && !content.changedDuringRead && content.fingerprint !== null;
  return isKnown ? [] : [{ name: "scan_soon" }];
}
