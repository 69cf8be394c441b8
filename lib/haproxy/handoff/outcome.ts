/** What comes of a start, and so of a handoff. */
import type { Cut } from "../../system/cut_off.ts";
import type { Failure } from "../failure/failure.ts";

export type HandoffOutcome =
  | {
    readonly tag: "ready";
    readonly durationMs: number;
    readonly pid: number;
    /** HAProxy's own. */
    readonly version: string | null;
  }
  | {
    readonly tag: "failed";
    readonly failure: Failure;
    readonly mayPass: boolean;
    /** What HAProxy itself says of it, as far as that could be found out. */
    readonly alerts: readonly string[];
  }
  | { readonly tag: "cancelled" };

export type Failed = Extract<HandoffOutcome, { tag: "failed" }>;

export const CANCELLED = { tag: "cancelled" } as const;

export const failed = (failure: Failure): Failed => ({
  tag: "failed",
  failure,
  mayPass: false,
  alerts: [],
});

/** What took too long may be faster the next time. */
export const ofCut = (cut: Cut): Failed | typeof CANCELLED =>
  cut.tag === "cancelled" ? CANCELLED : { ...failed(cut), mayPass: true };
