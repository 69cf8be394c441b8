/** The log lines about a serving process that ended by itself, and about its respawns. Pure. */
import type { ProcessEnd } from "../../haproxy/drain/fleet.ts";
import { describeFailure, type Failure } from "../../haproxy/failure/failure.ts";
import { describeEnding } from "../../haproxy/process/process.ts";
import type { LogEntry } from "../../system/log.ts";
import { formatDuration } from "../../text/duration.ts";
import { error } from "./entry.ts";

/** `limit`: how many respawns in a minute are used up; 0: none are allowed. */
export function servingDied({ generation, ending }: ProcessEnd, limit: number): LogEntry {
  const reason = describeEnding(ending);
  const usedUp = limit === 0 ? "" : `${describeUsedUp(limit)}, `;
  return error(
    `generation ${generation} ${reason} while serving; ${usedUp}ending all other processes, ` +
      `exiting with ${ending.code}`,
    { generation, reason, exitCode: ending.code },
  );
}

export interface RespawningFacts {
  /** The generation that takes its place. */
  readonly generation: number;
  /** Whether a reload has already started it. */
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
  return error(
    `generation ${generation} ${reason} while serving; ${what} ${describeCount(counts)}`,
    { generation, reason },
  );
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
  return error(
    `generation ${generation} did not start: ${reason}; nothing serves, ` +
      `starting generation ${generation + 1} ${when} ${describeCount(counts)}`,
    { generation, reason },
  );
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
  return error(
    `generation ${generation} did not start: ${reason}; nothing serves, ${why}, ` +
      `exiting with ${exitCode}`,
    { generation, reason, exitCode },
  );
}

const describeAllFailed = (limit: number) =>
  limit === 1 ? "the only respawn failed" : `all ${limit} respawns failed`;

const describeCount = ({ respawn, limit }: Pick<RespawningFacts, "respawn" | "limit">) =>
  `(respawn ${respawn} of ${limit} in a minute)`;

const describeUsedUp = (limit: number) =>
  limit === 1 ? "1 respawn in a minute is used up" : `${limit} respawns in a minute are used up`;
