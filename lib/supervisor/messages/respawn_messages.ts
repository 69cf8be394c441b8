/** What the supervisor says when the generation that served ended by itself, one entry each. Pure. */
import { formatDuration } from "../../text/duration.ts";
import { describeFailure, type Failure } from "../../haproxy/failure/failure.ts";
import type { ProcessEnd } from "../../haproxy/drain/fleet.ts";
import { describeEnding } from "../../haproxy/process/process.ts";
import type { LogEntry } from "../../system/log.ts";

/** `limit`: how many respawns in a minute are used up; 0: there are none. */
export function servingDied({ generation, ending }: ProcessEnd, limit: number): LogEntry {
  const reason = describeEnding(ending);
  const usedUp = limit === 0 ? "" : `${describeUsedUp(limit)}, `;
  return {
    level: "error",
    text: `generation ${generation} ${reason} although it was to serve; ${usedUp}` +
      `the others are ended too, ending with ${ending.code}`,
    fields: { generation, reason, exitCode: ending.code },
  };
}

export interface RespawningFacts {
  /** The one that takes the place. */
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
    ? `generation ${next}, which is starting already, takes its place`
    : `generation ${next} is started in its place`;
  return {
    level: "error",
    text: `generation ${generation} ${reason} although it was to serve; ${what} ${
      describeCount(counts)
    }`,
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
      `generation ${generation + 1} is started ${when} ${describeCount(counts)}`,
    fields: { generation, reason },
  };
}

export function respawnsUsedUp(
  { generation, failure, limit, haveAllFailed, exitCode }: FailedRespawnFacts & {
    /** Whether none of them has led to anything. */
    readonly haveAllFailed: boolean;
    readonly exitCode: number;
  },
): LogEntry {
  const reason = describeFailure(failure);
  const why = haveAllFailed ? describeAllFailed(limit) : describeUsedUp(limit);
  return {
    level: "error",
    text: `generation ${generation} did not start: ${reason}; nothing serves, ` +
      `${why}, ending with ${exitCode}`,
    fields: { generation, reason, exitCode },
  };
}

const describeAllFailed = (limit: number) =>
  limit === 1 ? "the only respawn failed" : `all ${limit} respawns failed`;

const describeCount = ({ respawn, limit }: { readonly respawn: number; readonly limit: number }) =>
  `(respawn ${respawn} of ${limit} in a minute)`;

const describeUsedUp = (limit: number) =>
  limit === 1 ? "1 respawn in a minute is used up" : `${limit} respawns in a minute are used up`;
