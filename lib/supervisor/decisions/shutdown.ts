/** Shutdown: stop now, or announce not-ready first and then drain. Pure. */
import type { LogEntry } from "../../system/log.ts";
import { type DrainSignal, SIGNAL_NUMBERS, type StopSignal } from "../../system/signals.ts";
import * as messages from "../messages/reload_messages.ts";
import type { Action, Decision, EventOf, Policy } from "../state/events.ts";
import type { State, StateOf } from "../state/state.ts";
import { logEnd } from "./old_processes.ts";

/** With --graceful-term SIGTERM drains, for platforms that can send no other signal. */
export function stopOrLeave(
  state: State,
  { signal }: EventOf<"stop_requested">,
  policy: Policy,
): Decision {
  return signal === "SIGTERM" && policy.gracefulTerm ? leave(state, signal, policy) : stop(signal);
}

/** Announces not-ready, and drains after a delay in which load balancers notice. */
export function leave(state: State, signal: DrainSignal, { drainDelayMs }: Policy): Decision {
  if (drainDelayMs === 0 || !("service" in state)) {
    return drainAll(state, 0, messages.draining(signal));
  }
  return [{ name: "leaving", service: state.service }, [
    { name: "log", entry: messages.leaving(signal, drainDelayMs) },
    ...GIVE_UP,
    ...discardAttempt(state),
    { name: "set_timer", delayMs: drainDelayMs },
  ]];
}

/** The delay is over. */
export const drainNow = (state: StateOf<"leaving">): Decision =>
  drainAll(state, 0, messages.drainingNow());

export function drainAll(state: State, exitCode: number, entry: LogEntry): Decision {
  return [
    { name: "draining", lastServing: lastServingOf(state), exitCode },
    [{ name: "log", entry }, ...GIVE_UP, ...discardAttempt(state), { name: "drain_all" }],
  ];
}

export const stop = (signal: StopSignal): Decision =>
  terminateAll(128 + SIGNAL_NUMBERS[signal], messages.stopping(signal), signal);

export function terminateAll(
  exitCode: number,
  entry: LogEntry,
  signal: StopSignal = "SIGTERM",
): Decision {
  return [
    { name: "stopping", exitCode },
    [{ name: "log", entry }, ...GIVE_UP, { name: "terminate_all", signal }],
  ];
}

/** Ends pending work, so that nothing more is started. */
const GIVE_UP: readonly Action[] = [{ name: "cancel_handoff" }, { name: "clear_timer" }];

function lastServingOf(state: State): number | null {
  if ("service" in state) return state.service.serving.number;
  return state.name === "starting" ? state.lost?.generation.number ?? null : null;
}

/** A generation that never served has a limit of its own, even if the others have none. */
function discardAttempt(state: State): readonly Action[] {
  const isStarted = state.name === "starting" || state.name === "reloading";
  return isStarted ? [{ name: "discard", generation: state.attempt.number }] : [];
}

/** A crash of the last serving generation cuts connections, so the wrapper exits with its status. */
export function endDraining(
  state: StateOf<"draining">,
  { end }: EventOf<"process_ended">,
): Decision {
  const isCrash = end.generation === state.lastServing && end.drainEnd === "by_itself";
  const exitCode = state.exitCode === 0 && isCrash ? end.ending.code : state.exitCode;
  return [{ ...state, exitCode }, logEnd(end)];
}

/** Logs only an end that cut connections. */
export const endStopping = (
  state: StateOf<"stopping">,
  { end }: EventOf<"process_ended">,
): Decision => [state, end.connections ? logEnd(end) : []];

export const finish = ({ exitCode }: { readonly exitCode: number }): Decision => [
  { name: "ended", exitCode },
  [{ name: "log", entry: messages.ended(exitCode) }],
];
