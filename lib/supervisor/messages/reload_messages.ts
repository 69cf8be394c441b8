/** The log lines about starts, reloads and the shutdown. Pure. */
import { EXIT } from "../../exit_codes.ts";
import { KILL_AFTER_MS } from "../../haproxy/drain/limits.ts";
import { describeFailure, type Failure } from "../../haproxy/failure/failure.ts";
import { describeEnding } from "../../haproxy/process/process.ts";
import type { LastGood } from "../../last_good/manifest.ts";
import type { LogEntry } from "../../system/log.ts";
import type { DrainSignal, StopSignal } from "../../system/signals.ts";
import { formatDuration } from "../../text/duration.ts";
import { abridged } from "../../watch/scan/fingerprint.ts";
import type { LeftoverProcess } from "../state/events.ts";
import type { Attempt, Cause, Generation } from "../state/state.ts";
import { counted } from "../../text/counted.ts";
import { error, info, listPaths, warning } from "./entry.ts";
import { leftoversKeepRunning } from "./leftover_messages.ts";

export interface ServesFacts {
  readonly generation: number;
  readonly durationMs: number;
  readonly cause: Cause;
  /** `null`: unknown. */
  readonly changed: readonly string[] | null;
  readonly draining: number;
}

export function serves(facts: ServesFacts): LogEntry {
  const { generation, durationMs, cause, changed, draining } = facts;
  const ready = `generation ${generation} serves, ready after ${formatDuration(durationMs)}`;
  const why = `${describeCause(cause)}${changed === null ? "" : describeChanged(changed)}`;
  const old = `${counted(draining, "old process", "old processes")} draining`;
  return info(cause.tag === "start" ? ready : `${ready}; ${why}; ${old}`, {
    generation,
    reason: describeCause(cause),
    durationMs: Math.round(durationMs),
    ...changed === null ? {} : { changed: abridged(changed) },
    draining,
  });
}

const describeChanged = (paths: readonly string[]) =>
  paths.length === 0 ? ", nothing changed" : `, changed: ${listPaths(paths)}`;

export function notStarted(
  { number: generation, cause }: Pick<Attempt, "number" | "cause">,
  { failure, exitCode, leftovers = [] }: {
    readonly failure: Failure;
    readonly exitCode: number;
    readonly leftovers?: readonly LeftoverProcess[] | undefined;
  },
): LogEntry {
  const reason = describeFailure(failure);
  const serving = leftovers.length === 0 ? "nothing serves" : leftoversKeepRunning(leftovers);
  const which = cause.tag === "last_good" ? `, ${describeCause(cause)},` : "";
  return error(
    `generation ${generation}${which} did not start: ${reason}; ${serving}, ` +
      `exiting with ${exitCode}`,
    { generation, reason, exitCode },
  );
}

export function fellBack(
  generation: number,
  { failure, lastGood }: { readonly failure: Failure; readonly lastGood: LastGood },
): LogEntry {
  const reason = describeFailure(failure);
  const { recordedMs, directory } = lastGood;
  return error(
    `generation ${generation} did not start: ${reason}; ` +
      `starting generation ${generation + 1} from what served last ` +
      `(${new Date(recordedMs).toISOString()}, recorded in "${directory}")`,
    { generation, reason },
  );
}

export interface RejectedFacts {
  readonly generation: number;
  readonly serving: Pick<Generation, "number" | "lastGood">;
  readonly failure: Failure;
  /** `null`: no retry. */
  readonly retryMs: number | null;
  /** Whether files are watched. */
  readonly watch: boolean;
  /** `null`: unknown. */
  readonly changed: readonly string[] | null;
}

export function rejected(facts: RejectedFacts): LogEntry {
  const { generation, serving, failure, retryMs, watch, changed } = facts;
  const reason = describeFailure(failure);
  const next = retryMs === null
    ? `retry ${watch ? "when a file changes" : "at the next signal"}`
    : `retry in ${formatDuration(retryMs)}`;
  const files = changed?.length ? ` (changed: ${listPaths(changed)})` : "";
  const origin = serving.lastGood === undefined ? "" : ", from what served last";
  return error(
    `generation ${generation} rejected: ${reason}${files}; ` +
      `generation ${serving.number} keeps serving${origin}; ${next}`,
    { generation, reason, ...changed === null ? {} : { changed: abridged(changed) } },
  );
}

export const notListed = (generation: number) =>
  warning(
    `generation ${generation} does not say which files it loaded, or names too many; until the ` +
      "next reload only files that the configuration names are watched, and none is hot-applied",
    { generation, reason: "no answer" },
  );

export const awaitsTables = (generation: number, waitMs: number) =>
  info(
    `reload delayed by at most ${formatDuration(waitMs)}, until generation ${generation} can ` +
      "pass its stick-tables on",
    { generation, reason: "stick-tables" },
  );

export const awaitsRenewal = (generation: number, waitMs: number) =>
  info(
    `reload delayed by at most ${formatDuration(waitMs)}, until generation ${generation} has ` +
      "obtained the certificate that it has ordered",
    { generation, reason: "certificate" },
  );

export const awaitsRenewalNoMore = (generation: number) =>
  warning(
    `reloading although generation ${generation} has not obtained its certificate yet: that ` +
      "order is lost, and the next generation places another one",
    { generation, reason: "certificate" },
  );

export const reverted = (serving: number) =>
  info(`the files are back to what generation ${serving} serves; no reload needed`, {
    generation: serving,
  });

export const stopping = (signal: StopSignal) =>
  info(
    `${signal} received: passed on to all HAProxy processes; any left after ` +
      `${formatDuration(KILL_AFTER_MS)} will be killed`,
    { signal },
  );

export const killing = (signal: StopSignal) =>
  warning(`${signal} received again: killing all remaining processes`, { signal });

const FINISHES = "HAProxy finishes its connections, then the wrapper exits";

export const draining = (signal: DrainSignal) =>
  info(`${signal} received: ${FINISHES}`, { signal });

export const leaving = (signal: DrainSignal, delayMs: number) =>
  info(
    `${signal} received: no longer ready; HAProxy serves for another ${formatDuration(delayMs)}, ` +
      "then finishes its connections",
    { signal, durationMs: delayMs },
  );

export const drainingNow = () => info(FINISHES, { reason: "drain-delay" });

/** `isLast`: no further bug will be logged. */
export const bug = (description: string, { isLast }: { readonly isLast: boolean }) =>
  error(
    `a bug in the wrapper, please report it: ${description}; HAProxy keeps running unless the ` +
      `next lines say otherwise${isLast ? "; further bugs are only counted, in bugs_total" : ""}`,
    { reason: description },
  );

export const endsForBug = (fate: string) =>
  error(`because of that bug HAProxy ${fate}, exiting with ${EXIT.SOFTWARE}`, {
    reason: "bug",
    exitCode: EXIT.SOFTWARE,
  });

export const ended = (exitCode: number) =>
  info(`all of this wrapper's HAProxy processes are gone, exiting with ${exitCode}`, { exitCode });

/** Why a generation was started, as a field and as part of a sentence. */
export function describeCause(cause: Cause): string {
  switch (cause.tag) {
    case "start":
      return "start";
    case "change":
      return "reloaded after a change";
    case "order":
      return `reloaded by ${cause.order}`;
    case "changed_during_read":
      return "reloaded because files changed during the last reload";
    case "retry":
      return "reloaded by a retry";
    case "respawn":
      return `respawned because generation ${cause.lost} ${describeEnding(cause.ending)}`;
    case "last_good":
      return "started from what served last";
    default:
      return cause satisfies never;
  }
}
