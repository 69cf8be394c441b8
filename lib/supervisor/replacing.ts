/** Decides what the outcome of a change in place means. Pure. */
import type { ReplaceOutcome } from "../loaded/replace.ts";
import { usesAfter } from "../loaded/uses.ts";
import type { Action, Decision, EventOf, Pending, Rejected, Service, StateOf } from "./events.ts";
import * as messages from "./messages.ts";
import { followUp, waitAfter } from "./outcome.ts";
import {
  type Idle,
  idle,
  type Policy,
  reloadOrHold,
  serviceOf,
  type Start,
  startReload,
} from "./reload.ts";

/** The files have been given to the generation that serves, or a reload has to do it. */
export function endReplacing(
  state: StateOf<"replacing">,
  { outcome, atMs }: EventOf<"replaced">,
  policy: Policy,
): Decision {
  const { attempt, pending } = state;
  const serving = {
    ...state.serving,
    fingerprint: outcome.fingerprint,
    uses: usesAfter(state.serving.uses, [
      ...outcome.replaced.map(({ use }) => use),
      ...outcome.unconfirmed,
    ]),
  };
  const service: Service = { ...serviceOf(state), serving };
  const logs = describe(outcome, state);
  if (state.rejection !== null) {
    const rejection = { ...state.rejection, retryMs: soonest(state.rejection.retryMs, outcome) };
    const [next, actions] = waitAfter(service, rejection, pending);
    return [next, [...logs, ...actions]];
  }
  switch (outcome.next.tag) {
    case "nothing":
      return keep({ ...service, rejected: rejectedOf(state, outcome) }, outcome, [
        ...logs,
        ...followUp(pending, serving),
      ]);
    case "look":
      return [idle(service), [...logs, ...followUp({ ...pending, moved: true }, serving)]];
    case "reload": {
      const start = { ...attempt, atMs };
      const [next, actions] = reload(idle(service), { start, pending, policy });
      return [next, [...logs, ...actions]];
    }
    default:
      return outcome.next satisfies never;
  }
}

/** The reload is tried again when a certificate becomes valid, too. */
function soonest(retryMs: number | null, { fitInMs }: ReplaceOutcome): number | null {
  const waits = [retryMs, fitInMs].filter((waitMs) => waitMs !== null);
  return waits.length === 0 ? null : Math.min(...waits.map(Math.ceil), LONGEST_WAIT_MS);
}

/** As where nothing could have been changed in place: a signal and a retry wait for nothing. */
function reload(
  state: Idle,
  { start, pending, policy }: {
    readonly start: Start;
    readonly pending: Pending;
    readonly policy: Policy;
  },
): Decision {
  if (pending.signal !== null) return [state, followUp(pending, state.serving)];
  return start.cause.tag === "retry"
    ? startReload(state, start)
    : reloadOrHold(state, start, policy);
}

/** A certificate that becomes valid later is tried again then. */
function keep(service: Service, { fitInMs }: ReplaceOutcome, actions: readonly Action[]): Decision {
  const { rejected } = service;
  if (fitInMs === null || rejected === null) return [idle(service), actions];
  return [
    { ...service, name: "retrying", deadline: "timer", rejected, isDue: false },
    [...actions, { name: "set_timer", delayMs: Math.min(Math.ceil(fitInMs), LONGEST_WAIT_MS) }],
  ];
}

/** Clocks are set, and timers of JavaScript end after 24 days. */
const LONGEST_WAIT_MS = 3_600_000;

function rejectedOf(
  { attempt }: StateOf<"replacing">,
  { refused }: ReplaceOutcome,
): Rejected | null {
  if (refused.length === 0) return null;
  const { fingerprint } = attempt;
  return { generation: null, fingerprint, moved: false, failures: 0, refused };
}

/** What was said already of a file that is still as unfit is not said again at every change of another. */
function describe(
  { replaced, refused, next }: ReplaceOutcome,
  { serving, rejected, rejection }: StateOf<"replacing">,
): Action[] {
  const isReloaded = rejection === null && next.tag === "reload";
  const known = rejected?.refused ?? [];
  const news = refused.filter(({ use, reason }) =>
    !known.some((one) => one.use.path === use.path && one.reason === reason)
  );
  const entries = [
    ...messages.replaced(replaced, serving.number),
    ...messages.refused(news, serving.number, { isReloaded }),
    ...next.tag === "reload" && next.reason !== null
      ? [(isReloaded ? messages.notReplaced : messages.notAllReplaced)(next.reason, serving.number)]
      : [],
  ];
  return entries.map((entry) => ({ name: "log", entry }));
}
