/** What the end of a hot apply means: the serving generation has the files, or a reload follows. Pure. */
import type { HotApplyOutcome } from "../../hot_apply/hot_apply.ts";
import { targetsAfter, withMembers } from "../../hot_apply/plan.ts";
import * as messages from "../messages/hot_apply_messages.ts";
import type { Action, Decision, EventOf, Policy } from "../state/events.ts";
import type { Generation, Rejected, Rejection, Service, StateOf } from "../state/state.ts";
import { reloadOrDelay } from "./delay.ts";
import { waitAfter } from "./handoff_result.ts";
import { awaitNewcomers, NONE_STARTED } from "./newcomers.ts";
import { followUp } from "./pending.ts";

type HotApplying = StateOf<"hot_applying">;

export function endHotApply(
  state: HotApplying,
  event: EventOf<"hot_apply_ended">,
  policy: Policy,
): Decision {
  const { awaited = [] } = event.outcome;
  if (awaited.length > 0) return awaitNewcomers(state, awaited, event.atMs);
  const [next, actions] = follow(state, event, policy);
  return [next, [...describe(event.outcome, state), ...actions]];
}

function follow(
  state: HotApplying,
  { outcome, atMs }: EventOf<"hot_apply_ended">,
  policy: Policy,
): Decision {
  const { attempt, pending, rejection } = state;
  const serving = servingAfter(state, outcome);
  const service: Service = { ...state.service, serving };
  if (rejection !== null) return waitAfter(service, extend(rejection, outcome), pending);
  switch (outcome.next.tag) {
    case "nothing": {
      const rejected = rejectedOf(state, outcome);
      return rejected === null
        ? [{ name: "serving", service: { ...service, rejected } }, followUp(pending, serving)]
        : waitAfter(service, { rejected, retryMs: soonest(null, outcome) }, pending);
    }
    case "scan":
      return [
        { name: "serving", service },
        followUp({ ...pending, changedDuringRead: true }, serving),
      ];
    case "reload":
      return pending.order === null
        ? reloadOrDelay({ name: "serving", service }, { ...attempt, atMs }, policy)
        : [{ name: "serving", service }, followUp(pending, serving)];
    default:
      return outcome.next satisfies never;
  }
}

function servingAfter(
  { service: { serving } }: HotApplying,
  { fingerprint, applied, unconfirmed }: HotApplyOutcome,
): Generation {
  const given = applied.map(({ target }) => target);
  const targets = withMembers(targetsAfter(serving.targets, given, unconfirmed), applied);
  return { ...serving, fingerprint, targets };
}

/** The rejected reload, with the certificates that were refused. */
function extend({ rejected, retryMs }: Rejection, outcome: HotApplyOutcome): Rejection {
  const { refused } = outcome;
  return {
    rejected: refused.length === 0 ? rejected : { ...rejected, refused },
    retryMs: soonest(retryMs, outcome),
  };
}

/** A certificate that is not valid yet is tried again when it becomes valid. */
function soonest(retryMs: number | null, { fitInMs }: HotApplyOutcome): number | null {
  const waits = [retryMs, fitInMs].filter((waitMs) => waitMs !== null);
  return waits.length === 0 ? null : Math.min(...waits.map(Math.ceil), LONGEST_WAIT_MS);
}

/** Clocks can be set, and JavaScript's timers overflow after 24 days. */
const LONGEST_WAIT_MS = 3_600_000;

function rejectedOf(
  { attempt: { fingerprint } }: HotApplying,
  { refused }: HotApplyOutcome,
): Rejected | null {
  return refused.length === 0 ? null : { ...NONE_STARTED, fingerprint, refused };
}

/** A file already refused for the same reason is not logged again when another file changes. */
function describe(
  { applied, refused, next }: HotApplyOutcome,
  { service: { serving, rejected }, rejection }: HotApplying,
): Action[] {
  const { number } = serving;
  const isReloaded = rejection === null && next.tag === "reload";
  const known = rejected?.refused ?? [];
  const news = refused.filter(({ target, reason }) =>
    !known.some((before) => before.target.path === target.path && before.reason === reason)
  );
  const notApplied = isReloaded ? messages.notApplied : messages.notAllApplied;
  const entries = [
    ...messages.hotApplied(applied, number),
    ...messages.refused(news, number, { isReloaded }),
    ...next.tag === "reload" && next.reason !== null ? [notApplied(next.reason, number)] : [],
  ];
  return entries.map((entry) => ({ name: "log", entry }));
}
