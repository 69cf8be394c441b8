/** The log lines about a serving process that ended by itself, and its respawns. Pure. */
import { formatDuration } from "../../text/duration.ts";
import { describeFailure, type Failure } from "../../haproxy/failure/failure.ts";
import type { ProcessEnd } from "../../haproxy/drain/fleet.ts";
import { describeEnding } from "../../haproxy/process/process.ts";
import type { LogEntry } from "../../system/log.ts";

/** `limit`: how many respawns in a minute are used up; 0: none are allowed. */
export function servingDied({ generation, ending }: ProcessEnd, limit: number): LogEntry {
  const reason = describeEnding(ending);
  const usedUp = limit === 0 ? "" : `${describeUsedUp(limit)}, `;
  return {
    level: "error",
    text: `generation ${generation} ${reason} while serving; ${usedUp}` +
      `ending all other processes, exiting with ${ending.code}`,
    fields: { generation, reason, exitCode: ending.code },
  };
}

export interface RespawningFacts {
  /** The one that takes its place. */
  readonly generation: number;
  /** Whether a reload has started it already. */
  readonly isStarted: boolean;
  /** Which of `limit` it is. */
  readonly respawn: number;
  readonly limit: number;
}

export function respawning(
  { generation, ending }: ProcessEnd,
  { generation: next, isStarted, ...counts }: RespawningFacts,
): LogEntry {
  const reason = describeEnding(ending);
  const what = isStarted
    ? `generation ${next}, already starting, takes its place`
    : `starting generation ${next} in its place`;
  return {
    level: "error",
    text: `generation ${generation} ${reason} while serving; ${what} ${describeCount(counts)}`,
    fields: { generation, reason },
  };
}

export interface FailedRespawnFacts {
  readonly generation: number;
  readonly failure: Failure;
  readonly limit: number;
}

export function respawnFailed(
  { generation, failure, pauseMs, ...counts }: FailedRespawnFacts & {
    readonly pauseMs: number;
    readonly respawn: number;
  },
): LogEntry {
  const reason = describeFailure(failure);
  const when = pauseMs > 0 ? `in ${formatDuration(pauseMs)}` : "at once";
  return {
    level: "error",
    text: `generation ${generation} did not start: ${reason}; nothing serves, ` +
      `starting generation ${generation + 1} ${when} ${describeCount(counts)}`,
    fields: { generation, reason },
  };
}

export function respawnsUsedUp(
  { generation, failure, limit, haveAllFailed, exitCode }: FailedRespawnFacts & {
    /** Whether every one of them failed. */
    readonly haveAllFailed: boolean;
    readonly exitCode: number;
  },
): LogEntry {
  const reason = describeFailure(failure);
  const why = haveAllFailed ? describeAllFailed(limit) : describeUsedUp(limit);
  return {
    level: "error",
    text: `generation ${generation} did not start: ${reason}; nothing serves, ` +
      `${why}, exiting with ${exitCode}`,
    fields: { generation, reason, exitCode },
  };
}

const describeAllFailed = (limit: number) =>
  limit === 1 ? "the only respawn failed" : `all ${limit} respawns failed`;

const describeCount = ({ respawn, limit }: { readonly respawn: number; readonly limit: number }) =>
  `(respawn ${respawn} of ${limit} in a minute)`;

const describeUsedUp = (limit: number) =>
  limit === 1 ? "1 respawn in a minute is used up" : `${limit} respawns in a minute are used up`;
