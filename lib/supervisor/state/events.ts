/** The supervisor's events and actions. */
import type { ProcessEnd } from "../../haproxy/drain/fleet.ts";
import type { EndReason, Shortage } from "../../haproxy/drain/limits.ts";
import type { Cancelled, Failed, Ready } from "../../haproxy/handoff/outcome.ts";
import type { HotApplyOutcome, HotApplyRequest } from "../../hot_apply/hot_apply.ts";
import type { RestoredSet } from "../../last_good/restore.ts";
import type { Change, Shown } from "../../obtained/keeper.ts";
import type { Settings } from "../../settings/settings.ts";
import type { LogEntry } from "../../system/log.ts";
import type { PassedOnSignal, StopSignal } from "../../system/signals.ts";
import type { Fingerprint } from "../../watch/scan/fingerprint.ts";
import type { Attempt, Loaded, ReloadOrder, State } from "./state.ts";

export type HandoffEnd =
  | Cancelled
  | Failed & {
    /** The set that can serve instead, if nothing serves and there is one. */
    readonly fallback?: RestoredSet;
    readonly leftovers?: readonly LeftoverProcess[];
    /** Whether the leftover process that was to hand over is gone. */
    readonly isLeftoverGone?: boolean;
  }
  | Omit<Ready<unknown>, "learned"> & {
    readonly loaded: Loaded;
    readonly leftovers?: readonly LeftoverProcess[];
  };

/** A live HAProxy process that another wrapper left behind; lists have the newest first. */
export interface LeftoverProcess {
  /** Not above 0. */
  readonly generation: number;
  readonly pid: number;
}

export interface Scanned {
  readonly fingerprint: Fingerprint;
  /** Whether the configuration differs from that of what serves in nothing but servers, so that no reload is likely. */
  readonly hasSameRest?: boolean;
  readonly atMs: number;
}

/** Times are in milliseconds, on a monotonic clock. */
export type Event =
  /** The files have begun to change; `fingerprint` is what is on disk now, not settled yet. */
  | { readonly name: "changing" } & Scanned
  | { readonly name: "settled" } & Scanned
  | {
    readonly name: "reload_requested";
    readonly order: ReloadOrder;
    readonly fingerprint: Fingerprint | null;
    readonly atMs: number;
  }
  /** The generation can pass its stick-tables on. */
  | { readonly name: "resynced"; readonly generation: number }
  /** What the process shows about the certificates that it obtains itself has changed. */
  | {
    readonly name: "renewals_shown";
    readonly generation: number;
    readonly shown: Shown;
    readonly atMs: number;
  }
  /** A certificate that the generation obtained is now in its file. */
  | {
    readonly name: "certificate_saved";
    readonly generation: number;
    readonly changes: readonly Change[];
  }
  /** The files changed between the scan before a handoff and its failure. */
  | { readonly name: "changed_during_read"; readonly generation: number }
  /** There is not enough memory for the process that a handoff is about to start. */
  | { readonly name: "memory_short"; readonly shortage: Shortage }
  | { readonly name: "handoff_ended"; readonly outcome: HandoffEnd; readonly atMs: number }
  | { readonly name: "hot_apply_ended"; readonly outcome: HotApplyOutcome; readonly atMs: number }
  | { readonly name: "process_ended"; readonly end: ProcessEnd; readonly atMs: number }
  | { readonly name: "stop_requested"; readonly signal: StopSignal }
  | { readonly name: "drain_requested" }
  | { readonly name: "pass_on_requested"; readonly signal: PassedOnSignal }
  | { readonly name: "timer_due" }
  | { readonly name: "fleet_empty" }
  | {
    readonly name: "bug";
    readonly description: string;
    readonly broken: Broken;
    readonly atMs: number;
  };

/**
 * What a bug interrupted: the decision on an event, an action, or a part on which nothing else depends.
 * `null`: unknown.
 */
export type Broken =
  | Event
  | Action
  | { readonly name: "status" | "watch" | "private_folder" | "obtained" }
  | null;

export type Action =
  | {
    readonly name: "start_handoff";
    readonly attempt: Attempt;
    readonly takeOverFrom: number | null;
    /** How long to wait first. */
    readonly pauseMs?: number;
  }
  /** Ends the pause before a start. */
  | { readonly name: "hurry_handoff" }
  /** Starts a process in advance, which waits for the handoff. */
  | {
    readonly name: "stand_by";
    readonly generation: number;
    readonly takeOverFrom: number;
    readonly files: readonly string[];
  }
  /** Gives `generation` the changed content of files that it loaded. */
  | { readonly name: "hot_apply"; readonly generation: number; readonly request: HotApplyRequest }
  /** Ends a handoff or a hot apply. */
  | { readonly name: "cancel_handoff" }
  /** Ends a hot apply only: a start may follow. */
  | { readonly name: "cancel_hot_apply" }
  /** Starts the process that is delayed because memory is short. */
  | { readonly name: "start_anyway" }
  /** From now on, processes left behind by another wrapper are drained like any old process. */
  | { readonly name: "take_charge"; readonly leftovers: readonly LeftoverProcess[] }
  | { readonly name: "drain"; readonly generation: number }
  | { readonly name: "terminate"; readonly generation: number; readonly reason: EndReason }
  /** Sends a signal that means something to HAProxy alone. */
  | {
    readonly name: "pass_on";
    readonly generation: number;
    readonly signal: PassedOnSignal;
  }
  /** Drains a rejected generation for a short time, in case it has accepted connections. */
  | { readonly name: "discard"; readonly generation: number }
  | { readonly name: "drain_all" }
  | { readonly name: "terminate_all"; readonly signal: StopSignal }
  | { readonly name: "kill_all" }
  /** Scans as soon as the files are quiet; the result arrives as `settled`. */
  | { readonly name: "scan_soon" }
  /** The same, even if files are not watched. */
  | { readonly name: "scan_for_retry" }
  /** Scans for files that changed after the fingerprint was taken. */
  | { readonly name: "verify"; readonly generation: number; readonly fingerprint: Fingerprint }
  /** Scans at once, and reloads whatever it finds. */
  | { readonly name: "scan_and_reload"; readonly order: ReloadOrder }
  /** Replaces any timer that is set. */
  | { readonly name: "set_timer"; readonly delayMs: number }
  | { readonly name: "clear_timer" }
  | { readonly name: "log"; readonly entry: LogEntry };

export type EventName = Event["name"];
export type ActionOf<Name extends Action["name"]> = Extract<Action, { readonly name: Name }>;
export type EventOf<Name extends EventName> = Extract<Event, { readonly name: Name }>;

export type Decision = readonly [state: State, actions: readonly Action[]];

/** The settings that decisions depend on. */
export type Policy = Pick<
  Settings,
  | "maxDraining"
  | "respawn"
  | "minReloadIntervalMs"
  | "watch"
  | "hotApply"
  | "drainDelayMs"
  | "gracefulTerm"
>;
