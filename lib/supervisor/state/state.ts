/** The supervisor's states, and what they hold. */
import type { OldProcesses } from "../../haproxy/drain/limits.ts";
import type { ProcessEnd } from "../../haproxy/drain/fleet.ts";
import type { Failure } from "../../haproxy/failure/failure.ts";
import type { Refused } from "../../hot_apply/hot_apply.ts";
import type { LastGood } from "../../last_good/manifest.ts";
import type { RestoredSet } from "../../last_good/restore.ts";
import type { Targets } from "../../loaded/targets.ts";
import type { Shown } from "../../obtained/keeper.ts";
import type { ReloadSignal } from "../../system/signals.ts";
import type { Fingerprint } from "../../watch/scan/fingerprint.ts";

/** What was on disk when a generation read it. */
export interface Content {
  /** Taken just before the start; `null` if the files could not be read. */
  readonly fingerprint: Fingerprint | null;
  /** If so, what was read is unknown. */
  readonly changedDuringRead: boolean;
}

/** What a serving generation has loaded. */
export interface Loaded extends Content {
  /** The files of it that can be hot-applied. */
  readonly targets: Targets;
  /** When, at the latest, it can pass its stick-tables on; absent: it already can. */
  readonly tablesByMs?: number;
}

/** A start of HAProxy, numbered from 1. */
export interface Generation extends Loaded {
  readonly number: number;
  /** The set it was started from instead of the files on disk; it then has no fingerprint of these. */
  readonly lastGood?: LastGood;
  /** HAProxy's own; `null` if it does not say. */
  readonly version: string | null;
  /** When the certificates expire that it obtained itself. */
  readonly expiries?: Shown["expiries"];
  /** Until when a reload waits for a certificate that it is obtaining; absent: for none. */
  readonly renewedByMs?: number;
}

/** What requested a reload, whether files have changed or not. */
export type ReloadOrder = ReloadSignal | "POST /reload";

/** Why a generation is started. */
export type Cause =
  | { readonly tag: "start" | "change" }
  | { readonly tag: "order"; readonly order: ReloadOrder }
  /** The content is the same, but the files changed while HAProxy was reading them. */
  | { readonly tag: "changed_during_read" }
  | { readonly tag: "retry" }
  /** The serving generation ended by itself. */
  | { readonly tag: "respawn"; readonly lost: number; readonly ending: ProcessEnd["ending"] }
  /** The files on disk did not start. */
  | { readonly tag: "last_good"; readonly set: RestoredSet };

export interface Attempt {
  readonly number: number;
  readonly fingerprint: Fingerprint | null;
  readonly cause: Cause;
}

/** Content that was tried and failed; only a retry or an order tries it again. */
export interface Rejected extends Content {
  /** `null`: none was started, because the files were for a hot apply. */
  readonly generation: number | null;
  /** How many starts in a row failed for causes that may pass. */
  readonly failures: number;
  /** The files that were not hot-applied because they must not be served. */
  readonly refused?: readonly Refused[];
  /** New files are not whole: nothing was tried, and a reload waits for them, but not for long. */
  readonly awaited?: { readonly sinceMs: number };
}

/** A failed reload, and what follows. */
export interface Rejection {
  readonly rejected: Rejected;
  /** `null`: no retry. */
  readonly retryMs: number | null;
}

/** A failed start from the files on disk, which the last good set replaces. */
export interface FailedStart extends Rejection {
  readonly attempt: Attempt;
  readonly failure: Failure;
}

/** What arrives during a start or a hot apply, and waits until it ends. */
export interface Pending {
  readonly order: ReloadOrder | null;
  readonly changedDuringRead: boolean;
}

/** What remains of earlier generations. */
export interface Past {
  readonly old: OldProcesses;
  readonly lastStartMs: number;
  /** The respawns of the last minute, oldest first. */
  readonly respawnedMs: readonly number[];
}

/** What every state holds while a generation serves. */
export interface Service {
  readonly serving: Generation;
  readonly lastGeneration: number;
  readonly rejected: Rejected | null;
  readonly past: Past;
}

/** A generation that ended by itself while serving, and is being replaced. */
export interface Lost {
  readonly generation: Generation;
  readonly ending: ProcessEnd["ending"];
  /** How many replacements have failed so far. */
  readonly failures: number;
}

/** The least time between two reloads, the stick-tables, or a certificate that HAProxy is obtaining. */
export type Awaited = "interval" | "tables" | "renewal";

export type State =
  | {
    readonly name: "starting";
    readonly attempt: Attempt;
    readonly pending: Pending;
    /** `null`: this is the first start. */
    readonly lost: Lost | null;
    /** The failed start that the last good set replaces. */
    readonly failed?: FailedStart;
    readonly past: Past;
  }
  | { readonly name: "serving"; readonly service: Service }
  | {
    readonly name: "delaying";
    readonly service: Service;
    readonly awaits: Awaited;
    /** An order, which does not wait for the interval; `null`: a change is waiting. */
    readonly order: ReloadOrder | null;
    /** Whether to retry the rejected content if the change is reverted to it. */
    readonly isRetried: boolean;
  }
  | {
    readonly name: "retrying";
    readonly service: Service;
    /** The pause is over: the next settled scan starts the retry. */
    readonly isDue: boolean;
  }
  | {
    readonly name: "reloading";
    readonly service: Service;
    readonly attempt: Attempt;
    readonly pending: Pending;
  }
  | {
    readonly name: "hot_applying";
    readonly service: Service;
    readonly attempt: Omit<Attempt, "number"> & { readonly fingerprint: Fingerprint };
    readonly pending: Pending;
    /** The failed reload of which only the certificates are applied; `null`: everything is applied. */
    readonly rejection: Rejection | null;
  }
  /** Still serving, but announced as not ready, until load balancers have noticed. */
  | { readonly name: "leaving"; readonly service: Service }
  | {
    readonly name: "draining";
    /** The generation that served; `null` if none did. */
    readonly lastServing: number | null;
    readonly exitCode: number;
  }
  | { readonly name: "stopping"; readonly exitCode: number }
  | { readonly name: "ended"; readonly exitCode: number };

export type StateName = State["name"];
export type StateOf<Name extends StateName> = Extract<State, { readonly name: Name }>;

/** A generation serves. */
export type Serving = Extract<State, { readonly service: Service }>;

/** A generation serves, and no start or hot apply is running. */
export type Idle = StateOf<"serving" | "delaying" | "retrying">;

/** The generation that serves; `null` if none does. */
export const servingIn = (state: State): Generation | null =>
  "service" in state ? state.service.serving : null;
