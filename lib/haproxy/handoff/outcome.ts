/** The outcome of a handoff. */
import type { Cut } from "../../system/cut_off.ts";
import type { Failure } from "../failure/failure.ts";

export type HandoffOutcome<Learned> = Ready<Learned> | Failed | Cancelled;

export interface Ready<Learned> {
  readonly tag: "ready";
  readonly durationMs: number;
  readonly pid: number;
  /** HAProxy's own; `null` if it does not say. */
  readonly version: string | null;
  /** `null`: learning took longer than the ready timeout. */
  readonly learned: Learned | null;
}

export interface Failed {
  readonly tag: "failed";
  readonly failure: Failure;
  /** Whether the same files may work at a later try. */
  readonly mayPass: boolean;
  /** HAProxy's own messages, as far as they could be obtained. */
  readonly alerts: readonly string[];
}

export interface Cancelled {
  readonly tag: "cancelled";
}

export const CANCELLED: Cancelled = { tag: "cancelled" };

export const failed = (failure: Failure, { mayPass = false } = {}): Failed => ({
  tag: "failed",
  failure,
  mayPass,
  alerts: [],
});

/** What timed out may be faster next time. */
export const ofCut = (cut: Cut): Failed | Cancelled =>
  cut.tag === "cancelled" ? CANCELLED : failed(cut, { mayPass: true });
