/** The supervisor's vocabulary: the states it can be in, the events that reach it, the actions it takes. */
import type { EndReason } from "../../haproxy/drain/draining.ts";
import type { ProcessEnd } from "../../haproxy/drain/fleet.ts";
import type { Failure } from "../../haproxy/failure/failure.ts";
import type { HandoffOutcome } from "../../haproxy/handoff/outcome.ts";
import type { Shortage } from "../../haproxy/drain/memory_room.ts";
import type { Slowdown } from "../../haproxy/drain/slowdown.ts";
import type { LastGood } from "../../last_good/manifest.ts";
import type { HotApplyOutcome, HotApplyRequest, Refused } from "../../hot_apply/hot_apply.ts";
import type { Targets } from "../../loaded/targets.ts";
import type { LogEntry } from "../../system/log.ts";
import type { ReloadSignal, StopSignal } from "../../system/signals.ts";
import type { Fingerprint } from "../../watch/scan/fingerprint.ts";

/** What was on disk when a generation read it. */
export interface Content {
  /** Taken just before the start; `null` if the sources could not be read. */
  readonly fingerprint: Fingerprint | null;
  /** Whether the sources were written meanwhile, so that nobody knows what was read. */
  readonly changedDuringRead: boolean;
}

/** What a generation that serves has loaded. */
export interface Loaded extends Content {
  /** What of it can be changed in place. */
  readonly uses: Targets;
  /** Until when, at the latest, it could not pass its stick-tables on; it can where this is not there. */
  readonly tablesByMs?: number;
}

/** A start of HAProxy, numbered from 1. */
export interface Generation extends Loaded {
  readonly number: number;
  /** Where its files come from, if not from where they belong: then it has no fingerprint of these. */
  readonly lastGood?: LastGood;
  /** HAProxy's own; `null` where it does not say. */
  readonly version: string | null;
}

/** Who asked for a reload whether or not anything has changed. */
export type ReloadOrder = ReloadSignal | "POST /reload";

export type Cause =
  | { readonly tag: "start" | "change" }
  | { readonly tag: "order"; readonly order: ReloadOrder }
  /** The content is the same, but the files changed while HAProxy read them. */
  | { readonly tag: "changed_during_read" }
  | { readonly tag: "retry" }
  /** The generation that served ended by itself. */
  | { readonly tag: "respawn"; readonly lost: number; readonly ending: ProcessEnd["ending"] }
  /** What is on disk did not start. */
  | { readonly tag: "last_good"; readonly lastGood: LastGood };

export interface Attempt {
  readonly number: number;
  readonly fingerprint: Fingerprint | null;
  readonly cause: Cause;
}

/** What was tried and not taken. The same files are not tried again but by a retry or a signal. */
export interface Rejected extends Content {
  /** `null`: none was started, since the files were to be changed in place. */
  readonly generation: number | null;
  /** How many starts in a row failed for causes that may pass. */
  readonly failures: number;
  /** What was not changed in place since it must not be served. */
  readonly refused?: readonly Refused[];
  /** What appeared and is not whole: nothing was tried, and until it is a reload waits for a while. */
  readonly awaited?: { readonly sinceMs: number };
}

/** A reload that failed, with what is to come of it. */
export interface Rejection {
  readonly rejected: Rejected;
  /** `null`: it is not tried again by itself. */
  readonly retryMs: number | null;
}

/** A start from what is on disk, after which what served last is started in its place. */
export interface FailedStart extends Rejection {
  readonly attempt: Attempt;
  readonly failure: Failure;
}

/** What came up meanwhile, and waits for the end of a handoff or of a change in place. */
export interface Pending {
  readonly order: ReloadOrder | null;
  readonly changedDuringRead: boolean;
}

/** What stays as it is while generations come and go. */
export interface Lasting {
  /** The generations that finish what they have, oldest first. */
  readonly draining: readonly number[];
  /** Those that have been ended because too many drained or memory was short, until they are gone. */
  readonly ending: readonly number[];
  /** Whether it was said that what drains slows what serves: once is enough. */
  readonly isSlowdownTold: boolean;
  /** Of the last reload. */
  readonly lastStartMs: number;
  /** When respawns were counted that are not older than a minute, oldest first. */
  readonly respawnedMs: readonly number[];
}

/** What all states have in common in which a generation serves. */
export interface Service extends Lasting {
  readonly serving: Generation;
  readonly lastGeneration: number;
  readonly rejected: Rejected | null;
}

/** A generation that served and ended by itself, in whose place another is started. */
export interface Lost {
  readonly generation: Generation;
  readonly ending: ProcessEnd["ending"];
  /** How many starts in its place have failed so far. */
  readonly failures: number;
}

export type State =
  | {
    readonly name: "starting";
    readonly attempt: Attempt;
    readonly pending: Pending;
    /** `null`: it is the first start. */
    readonly lost: Lost | null;
    /** In whose place this one is started, from what served last. */
    readonly failed?: FailedStart;
  } & Lasting
  | { readonly name: "serving" } & Service
  | { readonly name: "delaying" } & Service & {
    /** The least time between two reloads, or that the generation can pass its stick-tables on. */
    readonly awaits: "interval" | "tables";
    /** Waits for stick-tables alone, and for no change; `null`: a change waits. */
    readonly order: ReloadOrder | null;
    /** Whether what was rejected is tried again by itself, should that be on disk again. */
    readonly isRetried: boolean;
  }
  | { readonly name: "retrying" } & Service & {
    readonly rejected: Rejected;
    /** The pause is over, and the next look at settled sources starts the retry. */
    readonly isDue: boolean;
  }
  | { readonly name: "reloading" } & Service & {
    readonly attempt: Attempt;
    readonly pending: Pending;
  }
  /** Changed files are given to the generation that serves. */
  | { readonly name: "hot_applying" } & Service & {
    readonly attempt: Omit<Attempt, "number"> & { readonly fingerprint: Fingerprint };
    readonly pending: Pending;
    /** Why only the certificates are changed; `null`: all is. */
    readonly rejection: Rejection | null;
  }
  /** Serves until those who send connections have heard that it will not much longer. */
  | { readonly name: "leaving" } & Service
  | {
    readonly name: "draining";
    /** The generation that served; `null` if none did. */
    readonly lastServing: number | null;
    readonly exitCode: number;
  }
  | { readonly name: "stopping"; readonly exitCode: number }
  | { readonly name: "ended"; readonly exitCode: number };

/** With what another wrapper has left and lives, the last first. */
export type HandoffEnd =
  | Extract<HandoffOutcome, { tag: "cancelled" }>
  | Extract<HandoffOutcome, { tag: "failed" }> & {
    /** The set that can serve instead, where nothing serves and there is one. */
    readonly lastGood?: LastGood;
    readonly left?: readonly Left[];
    /** What was left and was to hand over is gone by now. */
    readonly isLeftGone?: boolean;
  }
  | Extract<HandoffOutcome, { tag: "ready" }> & {
    readonly loaded: Loaded;
    readonly left?: readonly Left[];
  };

/** A HAProxy process that another wrapper has left. */
export interface Left {
  /** Not above 0. */
  readonly generation: number;
  readonly pid: number;
}

/** Times are in milliseconds of a clock that never jumps. */
export type Event =
  /** The sources are about to change: this is on disk now, and has not settled. */
  | { readonly name: "changing"; readonly fingerprint: Fingerprint; readonly atMs: number }
  | { readonly name: "settled"; readonly fingerprint: Fingerprint; readonly atMs: number }
  | {
    readonly name: "reload_requested";
    readonly order: ReloadOrder;
    readonly fingerprint: Fingerprint | null;
    readonly atMs: number;
  }
  /** The generation can pass its stick-tables on. */
  | { readonly name: "resynced"; readonly generation: number }
  /** The sources were written between the look before a handoff and its failure. */
  | { readonly name: "changed_during_read"; readonly generation: number }
  /** What a handoff is to start does not fit beside what runs. */
  | { readonly name: "memory_short"; readonly shortage: Shortage }
  | { readonly name: "handoff_ended"; readonly outcome: HandoffEnd; readonly atMs: number }
  | { readonly name: "hot_apply_ended"; readonly outcome: HotApplyOutcome; readonly atMs: number }
  | { readonly name: "process_ended"; readonly end: ProcessEnd; readonly atMs: number }
  /** `generation` was asked to drain so long ago that others should hear of it, if it still does. */
  | { readonly name: "drain_lasts"; readonly generation: number; readonly slowdown: Slowdown }
  | { readonly name: "stop_requested"; readonly signal: StopSignal }
  | { readonly name: "drain_requested" }
  | { readonly name: "dump_requested" }
  | { readonly name: "timer_due" }
  | { readonly name: "fleet_empty" }
  | {
    readonly name: "bug";
    readonly description: string;
    readonly broken: Broken;
    readonly atMs: number;
  };

/**
 * What a bug has kept from being decided, or from being carried out to its end; or a part on which nothing
 * else depends. `null`: nobody knows.
 */
export type Broken =
  | Event
  | Action
  | { readonly name: "status" | "watch" | "private_folder" }
  | null;

export type Action =
  | {
    readonly name: "start_handoff";
    readonly attempt: Attempt;
    readonly takeOverFrom: number | null;
    /** How long it waits before that; without it not at all. */
    readonly pauseMs?: number;
  }
  /** Ends the pause before a start, if that waits still. */
  | { readonly name: "hurry_handoff" }
  /** Starts a process ahead that waits for the handoff. */
  | {
    readonly name: "stand_by";
    readonly generation: number;
    readonly takeOverFrom: number;
    readonly files: readonly string[];
  }
  /** Gives `generation` the changed content of files that it loaded. */
  | { readonly name: "hot_apply"; readonly generation: number; readonly request: HotApplyRequest }
  /** Ends a handoff, or a change in place. */
  | { readonly name: "cancel_handoff" }
  /** Ends a change in place alone: another start may follow. */
  | { readonly name: "cancel_hot_apply" }
  /** Starts what a handoff has held back since memory is short. */
  | { readonly name: "start_anyway" }
  /** From now on what another wrapper has left is drained and ended like any old process. */
  | { readonly name: "take_charge"; readonly left: readonly Left[] }
  | { readonly name: "drain"; readonly generation: number }
  /** Leads to `drain_lasts`. */
  | {
    readonly name: "await_drain";
    readonly generation: number;
    readonly slowdown: Slowdown;
    readonly delayMs: number;
  }
  | { readonly name: "terminate"; readonly generation: number; readonly reason: EndReason }
  | { readonly name: "dump"; readonly generation: number }
  /** Drains what a rejected generation may have accepted, for a short time. */
  | { readonly name: "discard"; readonly generation: number }
  | { readonly name: "drain_all" }
  | { readonly name: "terminate_all"; readonly signal: StopSignal }
  | { readonly name: "kill_all" }
  /** Scans as soon as the sources are quiet; what is seen comes as `settled`. */
  | { readonly name: "scan_soon" }
  /** The same, even if changes are not watched for. */
  | { readonly name: "scan_for_retry" }
  /** Scans whether the files have changed since the fingerprint was taken. */
  | { readonly name: "verify"; readonly generation: number; readonly fingerprint: Fingerprint }
  /** Scans at once, and reloads whatever is seen. */
  | { readonly name: "scan_and_reload"; readonly order: ReloadOrder }
  /** Takes the place of a timer that is set. */
  | { readonly name: "set_timer"; readonly delayMs: number }
  | { readonly name: "clear_timer" }
  | { readonly name: "log"; readonly entry: LogEntry };

export type StateName = State["name"];
export type EventName = Event["name"];
export type StateOf<Name extends StateName> = Extract<State, { readonly name: Name }>;
export type EventOf<Name extends EventName> = Extract<Event, { readonly name: Name }>;
export type Decision = readonly [state: State, actions: readonly Action[]];
