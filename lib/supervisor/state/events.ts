/** The events that reach the supervisor, and the actions it takes. */
import type { ProcessEnd } from "../../haproxy/drain/fleet.ts";
import type { EndReason, Shortage } from "../../haproxy/drain/limits.ts";
import type { Cancelled, Failed, Ready } from "../../haproxy/handoff/outcome.ts";
import type { HotApplyOutcome, HotApplyRequest } from "../../hot_apply/hot_apply.ts";
import type { RestoredSet } from "../../last_good/restore.ts";
import type { Settings } from "../../settings/settings.ts";
import type { LogEntry } from "../../system/log.ts";
import type { StopSignal } from "../../system/signals.ts";
import type { Fingerprint } from "../../watch/scan/fingerprint.ts";
import type { Attempt, Loaded, ReloadOrder, State } from "./state.ts";

export type HandoffEnd =
  | Cancelled
  | Failed & {
    /** The set that can serve instead, if nothing serves and there is one. */
    readonly fallback?: RestoredSet;
    readonly left?: readonly Left[];
    /** The process left behind that was to hand over is gone by now. */
    readonly isLeftGone?: boolean;
  }
  | Omit<Ready<unknown>, "learned"> & {
    readonly loaded: Loaded;
    readonly left?: readonly Left[];
  };

/** A live HAProxy process that another wrapper left behind; lists have the last one first. */
export interface Left {
  /** Not above 0. */
  readonly generation: number;
  readonly pid: number;
}

export interface Scanned {
  readonly fingerprint: Fingerprint;
  /** The digest of the configuration without its servers; absent: only HAProxy can tell. */
  readonly others?: string;
  readonly atMs: number;
}

/** Times are in milliseconds of a clock that never jumps. */
export type Event =
  /** The files have begun to change; this is on disk now, and has not settled. */
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
  /** The files changed between the scan before a handoff and its failure. */
  | { readonly name: "changed_during_read"; readonly generation: number }
  /** The process that a handoff is to start does not fit beside the others. */
  | { readonly name: "memory_short"; readonly shortage: Shortage }
  | { readonly name: "handoff_ended"; readonly outcome: HandoffEnd; readonly atMs: number }
  | { readonly name: "hot_apply_ended"; readonly outcome: HotApplyOutcome; readonly atMs: number }
  | { readonly name: "process_ended"; readonly end: ProcessEnd; readonly atMs: number }
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
 * What a bug interrupted: the decision on an event, an action, or a part on which nothing else depends.
 * `null`: nobody knows.
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
    /** How long to wait first. */
    readonly pauseMs?: number;
  }
  /** Ends that pause. */
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
  /** Ends a handoff or a hot apply. */
  | { readonly name: "cancel_handoff" }
  /** Ends a hot apply only: a start may follow. */
  | { readonly name: "cancel_hot_apply" }
  /** Starts a process that was held back because memory is short. */
  | { readonly name: "start_anyway" }
  /** From now on, processes left behind by another wrapper are drained like any old one. */
  | { readonly name: "take_charge"; readonly left: readonly Left[] }
  | { readonly name: "drain"; readonly generation: number }
  | { readonly name: "terminate"; readonly generation: number; readonly reason: EndReason }
  | { readonly name: "dump"; readonly generation: number }
  /** Drains what a rejected generation may have accepted, for a short time. */
  | { readonly name: "discard"; readonly generation: number }
  | { readonly name: "drain_all" }
  | { readonly name: "terminate_all"; readonly signal: StopSignal }
  | { readonly name: "kill_all" }
  /** Scans as soon as the files are quiet; the result comes as `settled`. */
  | { readonly name: "scan_soon" }
  /** The same, even if changes are not watched for. */
  | { readonly name: "scan_for_retry" }
  /** Scans for files that have changed since the fingerprint was taken. */
  | { readonly name: "verify"; readonly generation: number; readonly fingerprint: Fingerprint }
  /** Scans at once, and reloads whatever it finds. */
  | { readonly name: "scan_and_reload"; readonly order: ReloadOrder }
  /** Replaces a timer that is set. */
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
