/** Decides what the outcome of a change in place means. Pure. */
import type { HotApplyOutcome } from "../../hot_apply/hot_apply.ts";
import type { NotWhole } from "../../hot_apply/newcomers.ts";
import { targetsAfter } from "../../loaded/targets.ts";
import type {
  Action,
  Decision,
  EventOf,
  Generation,
  Pending,
  Rejected,
  Rejection,
  Service,
  StateOf,
} from "../state/events.ts";
import { awaitMs, reloadOrHold, retryOrWait, type Start } from "./delay.ts";
import * as messages from "../messages/messages.ts";
import { followUp, waitAfter } from "./handoff_result.ts";
import type { Policy } from "../state/policy.ts";
import { type Idle, idle, serviceOf } from "../state/states.ts";

/** The serving generation has the files now, or a reload must follow. */
export function endHotApply(
  state: StateOf<"hot_applying">,
  event: EventOf<"hot_apply_ended">,
  policy: Policy,
): Decision {
  const [next, actions] = goOn(state, event, policy);
  const lines = isAwaited(event.outcome)
    ? describeAwaited(state, event.outcome.awaited, event.atMs)
    : describe(event.outcome, state);
  return [next, [...lines, ...actions]];
}

function goOn(
  state: StateOf<"hot_applying">,
  { outcome, atMs }: EventOf<"hot_apply_ended">,
  policy: Policy,
): Decision {
  const { attempt, pending, rejection } = state;
  const serving = servingAfter(state, outcome);
  const service: Service = { ...serviceOf(state), serving };
  if (rejection !== null) return waitAfter(service, extend(rejection, outcome), pending);
  if (isAwaited(outcome)) return awaitNewcomers(state, atMs);
  switch (outcome.next.tag) {
    case "nothing": {
      const rejected = rejectedOf(state, outcome);
      return rejected === null
        ? [idle({ ...service, rejected }), followUp(pending, serving)]
        : waitAfter(service, { rejected, retryMs: soonest(null, outcome) }, pending);
    }
    case "look":
      return [idle(service), followUp({ ...pending, changedDuringRead: true }, serving)];
    case "reload":
      return reload(idle(service), { start: { ...attempt, atMs }, pending, policy });
    default:
      return outcome.next satisfies never;
  }
}

const isAwaited = (outcome: HotApplyOutcome): outcome is Awaiting =>
  outcome.awaited !== undefined && outcome.awaited.length > 0;

type Awaiting = HotApplyOutcome & { readonly awaited: readonly NotWhole[] };

/** Until they are whole or gone, which is another content; a retry comes when that takes too long. */
function awaitNewcomers(state: StateOf<"hot_applying">, atMs: number): Decision {
  const { attempt: { fingerprint }, pending } = state;
  const sinceMs = state.rejected?.awaited?.sinceMs ?? atMs;
  const rejected = {
    ...{ generation: null, fingerprint, changedDuringRead: false, failures: 0 },
    awaited: { sinceMs },
  };
  // It may be over while they are examined.
  const retryMs = Math.max(1, awaitMs(rejected, atMs));
  return waitAfter(serviceOf(state), { rejected, retryMs }, pending);
}

function servingAfter(
  { serving }: StateOf<"hot_applying">,
  { fingerprint, applied, unconfirmed }: HotApplyOutcome,
): Generation {
  const given = [...applied.map(({ use }) => use), ...unconfirmed];
  return { ...serving, fingerprint, uses: targetsAfter(serving.uses, given) };
}

/** The rejected reload, with what was refused beside it. */
function extend({ rejected, retryMs }: Rejection, outcome: HotApplyOutcome): Rejection {
  const { refused } = outcome;
  return {
    rejected: refused.length === 0 ? rejected : { ...rejected, refused },
    retryMs: soonest(retryMs, outcome),
  };
}

/** What was rejected is also retried when a certificate becomes valid. */
function soonest(retryMs: number | null, { fitInMs }: HotApplyOutcome): number | null {
  const waits = [retryMs, fitInMs].filter((waitMs) => waitMs !== null);
  return waits.length === 0 ? null : Math.min(...waits.map(Math.ceil), LONGEST_WAIT_MS);
}

/** Clocks can be set, and JavaScript's timers end after 24 days. */
const LONGEST_WAIT_MS = 3_600_000;

/** As where nothing could have been changed in place: a signal and a retry wait for stick-tables alone. */
function reload(
  state: Idle,
  { start, pending, policy }: {
    readonly start: Start;
    readonly pending: Pending;
    readonly policy: Policy;
  },
): Decision {
  if (pending.order !== null) return [state, followUp(pending, state.serving)];
  return start.cause.tag === "retry"
    ? retryOrWait(state, start)
    : reloadOrHold(state, start, policy);
}

function rejectedOf(
  { attempt }: StateOf<"hot_applying">,
  { refused }: HotApplyOutcome,
): Rejected | null {
  if (refused.length === 0) return null;
  const { fingerprint } = attempt;
  return { generation: null, fingerprint, changedDuringRead: false, failures: 0, refused };
}

/** One line for each wait: a file that goes on being written has another fault at every look. */
function describeAwaited(
  { rejected }: StateOf<"hot_applying">,
  files: readonly NotWhole[],
  atMs: number,
): Action[] {
  if (rejected?.awaited !== undefined) return [];
  return [{ name: "log", entry: messages.awaitsFiles(files, awaitMs(rejected, atMs)) }];
}

/** What was said already of a file that is still as unfit is not said again at every change of another. */
function describe(
  { applied, refused, next }: HotApplyOutcome,
  { serving, rejected, rejection }: StateOf<"hot_applying">,
): Action[] {
  const isReloaded = rejection === null && next.tag === "reload";
  const known = rejected?.refused ?? [];
  const news = refused.filter(({ use, reason }) =>
    !known.some((one) => one.use.path === use.path && one.reason === reason)
  );
  const entries = [
    ...messages.hotApplied(applied, serving.number),
    ...messages.refused(news, serving.number, { isReloaded }),
    ...next.tag === "reload" && next.reason !== null
      ? [(isReloaded ? messages.notReplaced : messages.notAllReplaced)(next.reason, serving.number)]
      : [],
  ];
  return entries.map((entry) => ({ name: "log", entry }));
}
