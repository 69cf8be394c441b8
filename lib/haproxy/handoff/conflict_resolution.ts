/** What follows when the new process needs a port that the serving one holds: words, or a try with that one paused. */
import { OPTIONS } from "../../settings/options.ts";
import type { BindConflict } from "../failure/bind_conflict.ts";
import type { Fleet } from "../drain/fleet.ts";
import type { HandoffOutcome } from "./outcome.ts";
import { type PauseEnd, whilePaused } from "./pause.ts";
import type { Ending } from "../process/process.ts";
import type { StatsSocket } from "../runtime/client.ts";

type Failed = Extract<HandoffOutcome, { tag: "failed" }>;

export interface OwnConflict {
  readonly conflict: BindConflict;
  readonly failed: Failed;
  readonly failedAfterMs: number;
  readonly ending: Ending;
  /** The generation that holds the port, and its socket. */
  readonly serving: number;
  readonly socket: StatsSocket;
}

/** Calls what starts the new process when all is ready for that. */
export type StartBy = (start: () => Promise<HandoffOutcome>) => Promise<HandoffOutcome>;

export interface ResolutionOptions {
  readonly pauseOnBindConflict: boolean;
  readonly generation: number;
  readonly fleet: Fleet;
  readonly readyTimeoutMs: number;
  readonly cancel: AbortSignal;
  readonly onPauseEnd: (end: PauseEnd) => void;
  /** Prepares another start. */
  readonly again: (startBy: StartBy, timeoutMs: number) => Promise<HandoffOutcome>;
}

/** What failed with the frontends paused is not tried again by itself, since each try is a pause. */
export async function resolveConflict(
  own: OwnConflict,
  options: ResolutionOptions,
): Promise<HandoffOutcome> {
  const { conflict, failed, serving, socket, failedAfterMs } = own;
  const { cancel, onPauseEnd, readyTimeoutMs } = options;
  if (!options.pauseOnBindConflict) return refused(own, `restart the wrapper, or set ${FLAG}`);
  if (conflict.obstacle !== null) {
    return refused(own, `restart the wrapper, as ${FLAG} does not help: ${conflict.obstacle}`);
  }
  const pause = { ...options, serving, socket, frontends: conflict.frontends, onEnd: onPauseEnd };
  const startBy: StartBy = async (start) =>
    await whilePaused(pause, start, (outcome) => isTaken(outcome, cancel)) ??
      refused(own, "restart the wrapper, as HAProxy does not let it be paused");
  const timeoutMs = Math.min(readyTimeoutMs, LEAST_LIMIT_MS + 2 * failedAfterMs);
  const outcome = await options.again(startBy, timeoutMs);
  if (cancel.aborted) return { tag: "cancelled" };
  return outcome.tag === "failed" ? { ...outcome, mayPass: false, alerts: failed.alerts } : outcome;
}

const FLAG = `--${OPTIONS.pauseOnBindConflict.flag}`;

/** Nobody listens meanwhile. */
const LEAST_LIMIT_MS = 1_000;

/** When it began to serve; `null` if that is not what comes of it. */
const isTaken = (outcome: HandoffOutcome, { aborted }: AbortSignal) =>
  outcome.tag === "ready" && !aborted ? outcome.durationMs : null;

const refused = ({ conflict, failed, ending, serving }: OwnConflict, remedy: string): Failed => ({
  ...failed,
  failure: { tag: "bind_conflict", ending, conflict, serving, remedy },
});
