/** The supervisor's decisions: a table of every state and every event. Pure and synchronous. */
import type { ProcessEnd } from "../haproxy/fleet.ts";
import type { LogEntry } from "../log.ts";
import { EXIT } from "../exit_codes.ts";
import { SIGNAL_NUMBERS, type StopSignal } from "../os_signals.ts";
import type {
  Action,
  Decision,
  Event,
  EventName,
  EventOf,
  Service,
  State,
  StateName,
  StateOf,
} from "./events.ts";
import * as messages from "./messages.ts";
import { endReload, endStart } from "./outcome.ts";
import * as reload from "./reload.ts";
import { endReplacing } from "./replacing.ts";
import type { Policy } from "./reload.ts";

/** What `state` becomes by `event`, and what is to be done for it, in order. */
export function decide(state: State, event: Event, policy: Policy): Decision {
  // The table's type holds one cell for each pair; a computed key hides which one from the compiler.
  const cell = TABLE[state.name][event.name] as Cell<StateName, EventName>;
  return cell(state, event, policy);
}

type Cell<S extends StateName, E extends EventName> = (
  state: StateOf<S>,
  event: EventOf<E>,
  policy: Policy,
) => Decision;

type Row<S extends StateName> = { readonly [E in EventName]: Cell<S, E> };

const stay = (state: State): Decision => [state, []];

/** What every state does alike in which a generation serves, whatever else goes on. */
const WHILE_SERVING = {
  process_ended: (state: Serving, { end }: EventOf<"process_ended">) =>
    end.generation === state.serving.number ? servingDied(end) : forgetDrained(state, end),
  stop_requested: (_: State, { signal }: EventOf<"stop_requested">) => stop(signal),
  drain_requested: (state: State) => drainAll(state, 0, messages.draining()),
  dump_requested: (
    state: Serving,
  ): Decision => [state, [{ name: "dump", generation: state.serving.number }]],
  fleet_empty: stay,
  bug: (state: State, { description }: EventOf<"bug">) =>
    drainAll(state, EXIT.SOFTWARE, messages.bug(description, "is asked to drain")),
} as const;

type Serving = Extract<State, Service>;

const TABLE: { readonly [S in StateName]: Row<S> } = {
  starting: {
    changing: stay,
    moved: stay,
    settled: reload.noteSettled,
    reload_requested: reload.noteRequest,
    handoff_ended: endStart,
    replaced: stay,
    // The handoff tells how its process ended.
    process_ended: stay,
    stop_requested: WHILE_SERVING.stop_requested,
    drain_requested: WHILE_SERVING.drain_requested,
    dump_requested: stay,
    timer_due: stay,
    fleet_empty: stay,
    bug: WHILE_SERVING.bug,
  },
  serving: {
    ...WHILE_SERVING,
    changing: reload.expectChange,
    moved: reload.forgetRejected,
    settled: reload.considerChange,
    reload_requested: reload.reloadNow,
    handoff_ended: stay,
    replaced: stay,
    timer_due: stay,
  },
  holding: {
    ...WHILE_SERVING,
    changing: stay,
    moved: reload.forgetRejected,
    settled: reload.considerChange,
    reload_requested: reload.reloadNow,
    handoff_ended: stay,
    replaced: stay,
    timer_due: (state) => [state, [{ name: "look_soon" }]],
  },
  retrying: {
    ...WHILE_SERVING,
    changing: reload.expectChange,
    moved: reload.forgetRejected,
    settled: reload.considerChange,
    reload_requested: reload.reloadNow,
    handoff_ended: stay,
    replaced: stay,
    timer_due: reload.retryWhenSettled,
  },
  reloading: {
    ...WHILE_SERVING,
    changing: stay,
    moved: stay,
    settled: reload.noteSettled,
    reload_requested: reload.noteRequest,
    handoff_ended: endReload,
    replaced: stay,
    timer_due: stay,
  },
  replacing: {
    ...WHILE_SERVING,
    changing: stay,
    moved: stay,
    settled: reload.noteSettled,
    reload_requested: reload.noteRequest,
    handoff_ended: stay,
    replaced: endReplacing,
    timer_due: stay,
  },
  draining: {
    changing: stay,
    moved: stay,
    settled: stay,
    reload_requested: stay,
    handoff_ended: stay,
    replaced: stay,
    process_ended: endDraining,
    stop_requested: (_, { signal }) => stop(signal),
    drain_requested: stay,
    dump_requested: stay,
    timer_due: stay,
    fleet_empty: finish,
    bug: (_, { description }) =>
      terminateAll(EXIT.SOFTWARE, messages.bug(description, "is terminated")),
  },
  stopping: {
    changing: stay,
    moved: stay,
    settled: stay,
    reload_requested: stay,
    handoff_ended: stay,
    replaced: stay,
    process_ended: stay,
    stop_requested: (state, { signal }) => [
      state,
      [{ name: "log", entry: messages.killing(signal) }, { name: "kill_all" }],
    ],
    drain_requested: stay,
    dump_requested: stay,
    timer_due: stay,
    fleet_empty: finish,
    bug: (state, { description }) => [
      { ...state, exitCode: EXIT.SOFTWARE },
      [{ name: "log", entry: messages.bug(description, "is killed") }, { name: "kill_all" }],
    ],
  },
  ended: {
    changing: stay,
    moved: stay,
    settled: stay,
    reload_requested: stay,
    handoff_ended: stay,
    replaced: stay,
    process_ended: stay,
    stop_requested: stay,
    drain_requested: stay,
    dump_requested: stay,
    timer_due: stay,
    fleet_empty: stay,
    bug: stay,
  },
};

/** Ends the pending work, so that nothing is started any more. */
const GIVE_UP: readonly Action[] = [{ name: "cancel_handoff" }, { name: "clear_timer" }];

function stop(signal: StopSignal): Decision {
  return [
    { name: "stopping", deadline: "kill timer", exitCode: 128 + SIGNAL_NUMBERS[signal] },
    [{ name: "log", entry: messages.stopping(signal) }, ...GIVE_UP, {
      name: "terminate_all",
      signal,
    }],
  ];
}

function terminateAll(exitCode: number, entry: LogEntry): Decision {
  return [
    { name: "stopping", deadline: "kill timer", exitCode },
    [{ name: "log", entry }, ...GIVE_UP, { name: "terminate_all", signal: "SIGTERM" }],
  ];
}

function servingDied(end: ProcessEnd): Decision {
  return terminateAll(end.ending.code, messages.servingDied(end));
}

function drainAll(state: State, exitCode: number, entry: LogEntry): Decision {
  return [
    {
      name: "draining",
      deadline: "shutdown wait",
      lastServing: "serving" in state ? state.serving.number : null,
      exitCode,
    },
    [{ name: "log", entry }, ...GIVE_UP, ...discardAttempt(state), { name: "drain_all" }],
  ];
}

/** A generation that never served has a limit of its own, also where the others have none. */
function discardAttempt(state: State): readonly Action[] {
  const isStarted = state.name === "starting" || state.name === "reloading";
  return isStarted ? [{ name: "discard", generation: state.attempt.number }] : [];
}

/** A crash of the generation that served, in its last drain, has cut connections: that is no good end. */
function endDraining(
  state: StateOf<"draining">,
  { end }: EventOf<"process_ended">,
): Decision {
  const isCrash = end.generation === state.lastServing && end.drainEnd === "by_itself";
  const exitCode = state.exitCode === 0 && isCrash ? end.ending.code : state.exitCode;
  return [{ ...state, exitCode }, [{ name: "log", entry: messages.drained(end) }]];
}

function forgetDrained(state: Serving, end: ProcessEnd): Decision {
  const isDraining = [...state.draining, ...state.ending].includes(end.generation);
  if (!isDraining) return stay(state);
  const others = (generations: readonly number[]) =>
    generations.filter((generation) => generation !== end.generation);
  const rest = { ...state, draining: others(state.draining), ending: others(state.ending) };
  return [rest, [{ name: "log", entry: messages.drained(end) }]];
}

function finish({ exitCode }: { readonly exitCode: number }): Decision {
  return [{ name: "ended", exitCode }, [{ name: "log", entry: messages.ended(exitCode) }]];
}
