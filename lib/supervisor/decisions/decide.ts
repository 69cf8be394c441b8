/** The supervisor's decisions: for each state, a row of the events that it handles. Pure and synchronous. */
import type { Fingerprint } from "../../watch/scan/fingerprint.ts";
import * as messages from "../messages/reload_messages.ts";
import type { Decision, Event, EventName, EventOf, Policy } from "../state/events.ts";
import type { Serving, State, StateName, StateOf } from "../state/state.ts";
import * as bugs from "./bugs.ts";
import * as change from "./change.ts";
import * as delay from "./delay.ts";
import { endReload, endStart } from "./handoff_result.ts";
import { endHotApply } from "./hot_apply_result.ts";
import * as oldProcesses from "./old_processes.ts";
import * as pending from "./pending.ts";
import * as renewals from "./renewals.ts";
import * as respawn from "./respawn.ts";
import * as shutdown from "./shutdown.ts";

/** The initial state, and the action that starts the first generation. */
export function firstDecision(fingerprint: Fingerprint | null): Decision {
  const attempt = { number: 1, fingerprint, cause: { tag: "start" } } as const;
  return [
    {
      name: "starting",
      attempt,
      pending: pending.NOTHING_PENDING,
      lost: null,
      past: { old: { draining: [], ending: [] }, lastStartMs: -Infinity, respawnedMs: [] },
    },
    [{ name: "start_handoff", attempt, takeOverFrom: null }],
  ];
}

/** The state after `event`, and the actions that follow, in order. */
export function decide(state: State, event: Event, policy: Policy): Decision {
  const row = TABLE[state.name];
  // The table's type matches each cell to its state and event, but the compiler cannot see that in a computed key.
  const cell = (row[event.name] ?? row.otherwise) as Cell<StateName, EventName>;
  return cell(state, event, policy);
}

type Cell<S extends StateName, E extends EventName> = (
  state: StateOf<S>,
  event: EventOf<E>,
  policy: Policy,
) => Decision;

/** Each row says what to do with the events that it does not name. */
type Row<S extends StateName> =
  & { readonly [E in EventName]?: Cell<S, E> }
  & { readonly otherwise: (state: State) => Decision };

const stay = (state: State): Decision => [state, []];

/** While a generation serves, whatever else happens. */
const WHILE_SERVING = {
  process_ended: (state: Serving, event: EventOf<"process_ended">, policy: Policy) =>
    event.end.generation === state.service.serving.number
      ? respawn.servingDied(state, event, policy)
      : oldProcesses.endWhileServing(state, event),
  stop_requested: shutdown.stopOrLeave,
  drain_requested: (state: State, _: EventOf<"drain_requested">, policy: Policy) =>
    shutdown.leave(state, "SIGUSR1", policy),
  resynced: delay.resynced,
  renewals_shown: renewals.renewalsShown,
  certificate_saved: renewals.certificateSaved,
  pass_on_requested: (state: Serving, { signal }: EventOf<"pass_on_requested">): Decision => [
    state,
    [{ name: "pass_on", generation: state.service.serving.number, signal }],
  ],
  bug: bugs.serveOn,
  otherwise: stay,
} as const;

/** While, in addition, no start or hot apply is running. */
const WHILE_IDLE = {
  ...WHILE_SERVING,
  settled: change.considerChange,
  changed_during_read: change.forgetRejected,
  reload_requested: change.reloadNow,
} as const;

const TABLE: { readonly [S in StateName]: Row<S> } = {
  starting: {
    settled: respawn.noteSettled,
    reload_requested: respawn.noteOrder,
    handoff_ended: endStart,
    // The handoff itself reports how its own process ended.
    process_ended: oldProcesses.endWhileStarting,
    stop_requested: WHILE_SERVING.stop_requested,
    drain_requested: WHILE_SERVING.drain_requested,
    bug: bugs.giveUpStart,
    otherwise: stay,
  },
  serving: {
    ...WHILE_IDLE,
    changing: change.expectChange,
  },
  delaying: {
    ...WHILE_IDLE,
    timer_due: delay.timeOut,
  },
  retrying: {
    ...WHILE_IDLE,
    changing: change.expectChange,
    timer_due: change.retryWhenSettled,
  },
  reloading: {
    ...WHILE_SERVING,
    settled: pending.noteSettled,
    reload_requested: pending.noteOrder,
    memory_short: oldProcesses.makeRoom,
    handoff_ended: endReload,
  },
  hot_applying: {
    ...WHILE_SERVING,
    settled: pending.noteSettled,
    reload_requested: pending.noteOrder,
    hot_apply_ended: endHotApply,
  },
  leaving: {
    ...WHILE_SERVING,
    stop_requested: (_, { signal }) => shutdown.stop(signal),
    // A second request skips the delay.
    drain_requested: shutdown.drainNow,
    timer_due: shutdown.drainNow,
  },
  draining: {
    process_ended: shutdown.endDraining,
    stop_requested: (_, { signal }) => shutdown.stop(signal),
    fleet_empty: shutdown.finish,
    bug: bugs.drainOn,
    otherwise: stay,
  },
  stopping: {
    process_ended: shutdown.endStopping,
    stop_requested: (state, { signal }) => [
      state,
      [{ name: "log", entry: messages.killing(signal) }, { name: "kill_all" }],
    ],
    fleet_empty: shutdown.finish,
    bug: bugs.stopOn,
    otherwise: stay,
  },
  ended: { otherwise: stay },
};
