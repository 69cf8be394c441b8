/** The supervisor's vocabulary: the states it can be in, the events that reach it, the actions it takes. */
import type { ProcessEnd } from "../haproxy/fleet.ts";
import type { HandoffOutcome } from "../haproxy/handoff.ts";
import type { LogEntry } from "../log.ts";
import type { ReloadSignal, StopSignal } from "../os_signals.ts";
import type { Fingerprint } from "../watch/fingerprint.ts";

/** A numbered start of HAProxy, and what was on disk just before; `null` if that could not be read. */
export interface Generation {
  readonly number: number;
  readonly fingerprint: Fingerprint | null;
}

export type Cause =
  | { readonly tag: "start" | "change" }
  | { readonly tag: "signal"; readonly signal: ReloadSignal }
  /** The sources moved during a handoff, so nobody knows which of their contents was loaded. */
  | { readonly tag: "moved" }
  | { readonly tag: "retry" };

export interface Attempt extends Generation {
  readonly cause: Cause;
}

/** A rejected generation. The same files are not tried again but by a retry or a signal. */
export interface Rejected {
  readonly fingerprint: Fingerprint | null;
  /** How many starts in a row failed for causes that may pass. */
  readonly failures: number;
}

/** What came up during a handoff and waits for its end. */
export interface Pending {
  readonly signal: ReloadSignal | null;
  readonly moved: boolean;
}

/** What all states have in common in which a generation serves. */
export interface Service {
  readonly serving: Generation;
  /** The generations that finish what they have, oldest first. */
  readonly draining: readonly number[];
  /** Those that have been ended because too many drained, until they are gone. */
  readonly ending: readonly number[];
  readonly lastGeneration: number;
  readonly lastStartMs: number;
  readonly rejected: Rejected | null;
}

/** Each waiting state names its deadline: who ends it if nothing else does. */
export type State =
  | {
    readonly name: "starting";
    readonly deadline: "ready timeout";
    readonly attempt: Attempt;
    readonly pending: Pending;
  }
  | { readonly name: "serving"; readonly deadline: "none" } & Service
  /** A change waits until the least time between two reloads is over. */
  | { readonly name: "holding"; readonly deadline: "timer" } & Service
  | { readonly name: "retrying"; readonly deadline: "timer" } & Service & {
    readonly rejected: Rejected;
  }
  | { readonly name: "reloading"; readonly deadline: "ready timeout" } & Service & {
    readonly attempt: Attempt;
    readonly pending: Pending;
  }
  | {
    readonly name: "draining";
    /** Where none is set there is none: then only the last connection ends it, or a signal. */
    readonly deadline: "shutdown wait";
    /** The generation that served; `null` if none did. */
    readonly lastServing: number | null;
    readonly exitCode: number;
  }
  | { readonly name: "stopping"; readonly deadline: "kill timer"; readonly exitCode: number }
  | { readonly name: "ended"; readonly exitCode: number };

/** Times are in milliseconds of a clock that never jumps. */
export type Event =
  /** The sources are about to change: this is on disk now, and has not settled. */
  | { readonly name: "changing"; readonly fingerprint: Fingerprint; readonly atMs: number }
  | { readonly name: "settled"; readonly fingerprint: Fingerprint; readonly atMs: number }
  | {
    readonly name: "reload_requested";
    readonly cause: Cause;
    readonly fingerprint: Fingerprint | null;
    readonly atMs: number;
  }
  | { readonly name: "handoff_ended"; readonly outcome: HandoffOutcome }
  | { readonly name: "process_ended"; readonly end: ProcessEnd }
  | { readonly name: "stop_requested"; readonly signal: StopSignal }
  | { readonly name: "drain_requested" }
  | { readonly name: "dump_requested" }
  | { readonly name: "timer_due" }
  | { readonly name: "fleet_empty" }
  | { readonly name: "bug"; readonly description: string };

export type Action =
  | {
    readonly name: "start_handoff";
    readonly attempt: Attempt;
    readonly takeOverFrom: number | null;
  }
  /** Starts a process ahead that waits for the handoff. */
  | {
    readonly name: "stand_by";
    readonly generation: number;
    readonly takeOverFrom: number;
    readonly files: readonly string[];
  }
  | { readonly name: "cancel_handoff" }
  | { readonly name: "drain"; readonly generation: number }
  | { readonly name: "terminate"; readonly generation: number }
  | { readonly name: "dump"; readonly generation: number }
  /** Drains what a rejected generation may have accepted, for a short time. */
  | { readonly name: "discard"; readonly generation: number }
  | { readonly name: "drain_all" }
  | { readonly name: "terminate_all"; readonly signal: StopSignal }
  | { readonly name: "kill_all" }
  | { readonly name: "look_soon" }
  | { readonly name: "look_and_reload"; readonly cause: Cause }
  /** Takes the place of a timer that is set. */
  | { readonly name: "set_timer"; readonly delayMs: number }
  | { readonly name: "clear_timer" }
  | { readonly name: "log"; readonly entry: LogEntry };

export type StateName = State["name"];
export type EventName = Event["name"];
export type StateOf<Name extends StateName> = Extract<State, { readonly name: Name }>;
export type EventOf<Name extends EventName> = Extract<Event, { readonly name: Name }>;
export type Decision = readonly [state: State, actions: readonly Action[]];
