/** Shutdown: stop now, or announce not-ready first and then drain. Pure. */
import type { ProcessEnd } from "../../haproxy/drain/fleet.ts";
import type { LogEntry } from "../../system/log.ts";
import { type DrainSignal, SIGNAL_NUMBERS, type StopSignal } from "../../system/signals.ts";
import { drained } from "../messages/drain_messages.ts";
import type {
  Action,
  Decision,
  EventOf,
  Lasting,
  Service,
  State,
  StateOf,
} from "../state/events.ts";
import * as messages from "../messages/messages.ts";
import type { Policy } from "../state/policy.ts";
import { serviceOf } from "../state/states.ts";

export type Serving = Extract<State, Service>;

/** With --graceful-term SIGTERM drains, for platforms that can send nothing else. */
export function stopOrLeave(
  state: State,
  { signal }: EventOf<"stop_requested">,
  policy: Policy,
): Decision {
  return signal === "SIGTERM" && policy.gracefulTerm ? leave(state, signal, policy) : stop(signal);
}

/** Drains after the delay in which load balancers notice that it is not ready. */
export function leave(state: State, signal: DrainSignal, { drainDelayMs }: Policy): Decision {
  if (drainDelayMs === 0 || !("serving" in state)) {
    return drainAll(state, 0, messages.draining(signal));
  }
  return [{ ...serviceOf(state), name: "leaving" }, [
    { name: "log", entry: messages.leaving(signal, drainDelayMs) },
    ...GIVE_UP,
    ...discardAttempt(state),
    { name: "set_timer", delayMs: drainDelayMs },
  ]];
}

/** The delay is over. */
export const drainNow = (state: StateOf<"leaving">): Decision =>
  drainAll(state, 0, messages.drainingNow());

/** Ends the pending work, so that nothing is started any more. */
const GIVE_UP: readonly Action[] = [{ name: "cancel_handoff" }, { name: "clear_timer" }];

export function stop(signal: StopSignal): Decision {
  return [
    { name: "stopping", exitCode: 128 + SIGNAL_NUMBERS[signal] },
    [{ name: "log", entry: messages.stopping(signal) }, ...GIVE_UP, {
      name: "terminate_all",
      signal,
    }],
  ];
}

export function terminateAll(exitCode: number, entry: LogEntry): Decision {
  return [
    { name: "stopping", exitCode },
    [{ name: "log", entry }, ...GIVE_UP, { name: "terminate_all", signal: "SIGTERM" }],
  ];
}

export function drainAll(state: State, exitCode: number, entry: LogEntry): Decision {
  return [
    {
      name: "draining",
      lastServing: lastServingOf(state),
      exitCode,
    },
    [{ name: "log", entry }, ...GIVE_UP, ...discardAttempt(state), { name: "drain_all" }],
  ];
}

function lastServingOf(state: State): number | null {
  if ("serving" in state) return state.serving.number;
  return state.name === "starting" ? state.lost?.generation.number ?? null : null;
}

/** A generation that never served has its own limit, even where the others have none. */
function discardAttempt(state: State): readonly Action[] {
  const isStarted = state.name === "starting" || state.name === "reloading";
  return isStarted ? [{ name: "discard", generation: state.attempt.number }] : [];
}

/** A crash of the serving generation during the last drain cut connections, so the exit status is its own. */
export function endDraining(
  state: StateOf<"draining">,
  { end }: EventOf<"process_ended">,
): Decision {
  const isCrash = end.generation === state.lastServing && end.drainEnd === "by_itself";
  const exitCode = state.exitCode === 0 && isCrash ? end.ending.code : state.exitCode;
  return [{ ...state, exitCode }, [{ name: "log", entry: drained(end) }]];
}

/** Logs one that was draining when everything was stopped. */
export function tellCut(
  state: StateOf<"stopping">,
  { end }: EventOf<"process_ended">,
): Decision {
  return [state, end.connections ? [{ name: "log", entry: drained(end) }] : []];
}

export function forgetDrained(state: Extract<State, Lasting>, end: ProcessEnd): Decision {
  const isDraining = [...state.draining, ...state.ending].includes(end.generation);
  if (!isDraining) return [state, []];
  const others = (generations: readonly number[]) =>
    generations.filter((generation) => generation !== end.generation);
  const rest = { ...state, draining: others(state.draining), ending: others(state.ending) };
  return [rest, [{ name: "log", entry: drained(end) }]];
}

export function finish({ exitCode }: { readonly exitCode: number }): Decision {
  return [{ name: "ended", exitCode }, [{ name: "log", entry: messages.ended(exitCode) }]];
}
