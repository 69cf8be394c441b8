/** The supervisor's decisions: for every state a row of the events that it handles. Pure and synchronous. */
import * as bugs from "./bugs.ts";
import * as ending from "./shutdown.ts";
import type {
  Decision,
  Event,
  EventName,
  EventOf,
  State,
  StateName,
  StateOf,
} from "../state/events.ts";
import * as governing from "./drain_limits.ts";
import * as messages from "../messages/messages.ts";
import { endReload, endStart } from "./handoff_result.ts";
import type { Policy } from "../state/policy.ts";
import * as reload from "./reload.ts";
import { endHotApply } from "./hot_apply_result.ts";
import * as respawn from "./respawn.ts";
import * as tables from "./stick_tables.ts";

/** What `state` becomes by `event`, and what is to be done for it, in order. */
export function decide(state: State, event: Event, policy: Policy): Decision {
  const row = TABLE[state.name];
  // The table's type holds one cell for each pair; a computed key hides which one from the compiler.
  const cell = (row[event.name] ?? row.otherwise) as Cell<StateName, EventName>;
  return cell(state, event, policy);
}

type Cell<S extends StateName, E extends EventName> = (
  state: StateOf<S>,
  event: EventOf<E>,
  policy: Policy,
) => Decision;

/** Each row says what becomes of the events that it does not name. */
type Row<S extends StateName> =
  & { readonly [E in EventName]?: Cell<S, E> }
  & { readonly otherwise: (state: State) => Decision };

const stay = (state: State): Decision => [state, []];

/** What every state does alike in which a generation serves, whatever else goes on. */
const WHILE_SERVING = {
  process_ended: (state: Serving, event: EventOf<"process_ended">, policy: Policy) =>
    event.end.generation === state.serving.number
      ? respawn.servingDied(state, event, policy)
      : ending.forgetDrained(state, event.end),
  stop_requested: ending.stopOrLeave,
  drain_requested: (state: State, _: EventOf<"drain_requested">, policy: Policy) =>
    ending.leave(state, "SIGUSR1", policy),
  resynced: tables.resynced,
  dump_requested: (
    state: Serving,
  ): Decision => [state, [{ name: "dump", generation: state.serving.number }]],
  drain_lasts: governing.tellSlowdown,
  bug: bugs.serveOn,
  otherwise: stay,
} as const;

type Serving = ending.Serving;

const TABLE: { readonly [S in StateName]: Row<S> } = {
  starting: {
    settled: respawn.noteSettled,
    reload_requested: respawn.noteRequest,
    handoff_ended: endStart,
    // The handoff tells how its own process ended.
    process_ended: (state, { end }) => ending.forgetDrained(state, end),
    stop_requested: WHILE_SERVING.stop_requested,
    drain_requested: WHILE_SERVING.drain_requested,
    bug: bugs.giveUpStart,
    otherwise: stay,
  },
  serving: {
    ...WHILE_SERVING,
    changing: reload.expectChange,
    changed_during_read: reload.forgetRejected,
    settled: reload.considerChange,
    reload_requested: reload.reloadNow,
  },
  delaying: {
    ...WHILE_SERVING,
    changed_during_read: reload.forgetRejected,
    settled: reload.considerChange,
    reload_requested: reload.reloadNow,
    timer_due: (state) => [state, tables.goOn(state)],
    resynced: tables.resyncedWhileHeld,
  },
  retrying: {
    ...WHILE_SERVING,
    changing: reload.expectChange,
    changed_during_read: reload.forgetRejected,
    settled: reload.considerChange,
    reload_requested: reload.reloadNow,
    timer_due: reload.retryWhenSettled,
    resynced: tables.resyncedBeforeRetry,
  },
  reloading: {
    ...WHILE_SERVING,
    settled: reload.noteSettled,
    reload_requested: reload.noteRequest,
    memory_short: governing.makeRoom,
    handoff_ended: endReload,
  },
  hot_applying: {
    ...WHILE_SERVING,
    settled: reload.noteSettled,
    reload_requested: reload.noteRequest,
    hot_apply_ended: endHotApply,
  },
  leaving: {
    ...WHILE_SERVING,
    stop_requested: (_, { signal }) => ending.stop(signal),
    // A second request skips the delay.
    drain_requested: ending.drainNow,
    timer_due: ending.drainNow,
  },
  draining: {
    process_ended: ending.endDraining,
    stop_requested: (_, { signal }) => ending.stop(signal),
    fleet_empty: ending.finish,
    bug: bugs.drainOn,
    otherwise: stay,
  },
  stopping: {
    process_ended: ending.tellCut,
    stop_requested: (state, { signal }) => [
      state,
      [{ name: "log", entry: messages.killing(signal) }, { name: "kill_all" }],
    ],
    fleet_empty: ending.finish,
    bug: bugs.stopOn,
    otherwise: stay,
  },
  ended: { otherwise: stay },
};
