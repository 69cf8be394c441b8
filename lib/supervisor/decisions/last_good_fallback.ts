/** Starts what served last when the files on disk do not start. Pure. */
import { retryDelayMs } from "../../backoff.ts";
import { EXIT } from "../../exit_codes.ts";
import { exitCodeOf, type Failure } from "../../haproxy/failure/failure.ts";
import * as messages from "../messages/reload_messages.ts";
import type { Decision, HandoffEnd } from "../state/events.ts";
import type { FailedStart, StateOf } from "../state/state.ts";
import { terminateAll } from "./shutdown.ts";

type Failed = Extract<HandoffEnd, { tag: "failed" }>;

/** Whether other files could help; they could not if haproxy is missing or the disk is full. */
export function mayLieInFiles(failure: Failure): boolean {
  if (failure.tag === "not_prepared") return failure.exitCode === EXIT.USAGE;
  return failure.tag !== "not_spawned";
}

/** Starts the last good set as the next generation; `null` if there is none, or if that is what failed. */
export function fallBack(state: StateOf<"starting">, outcome: Failed): Decision | null {
  const { attempt, pending: { changedDuringRead } } = state;
  const { fallback: set, failure, mayPass } = outcome;
  if (set === undefined || state.failed !== undefined) return null;
  const { number: generation, fingerprint } = attempt;
  const rejected = { generation, fingerprint, changedDuringRead, failures: 1 };
  const retryMs = mayPass ? retryDelayMs(1) : null;
  const failed: FailedStart = { attempt, failure, rejected, retryMs };
  const cause = { tag: "last_good", set } as const;
  const next = { number: generation + 1, fingerprint: null, cause };
  return [{ ...state, attempt: next, failed }, [
    { name: "log", entry: messages.fellBack(generation, { failure, lastGood: set.lastGood }) },
    { name: "discard", generation },
    { name: "start_handoff", attempt: next, takeOverFrom: null },
  ]];
}

/** The exit status is that of the start from the files on disk. */
export function giveUpFirstStart(
  { attempt, failed }: StateOf<"starting">,
  { failure, leftovers }: Failed,
): Decision {
  const exitCode = exitCodeOf(failed?.failure ?? failure);
  return terminateAll(exitCode, messages.notStarted(attempt, { failure, exitCode, leftovers }));
}
