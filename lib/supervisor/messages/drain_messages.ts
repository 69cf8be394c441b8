/** What the supervisor says of processes that drain, one entry each. Pure. */
import { formatDuration } from "../../text/duration.ts";
import type { EndReason } from "../../haproxy/drain/draining.ts";
import type { ProcessEnd } from "../../haproxy/drain/fleet.ts";
import type { Shortage } from "../../haproxy/drain/memory_room.ts";
import { describeEnding } from "../../haproxy/process/process.ts";
import type { Slowdown } from "../../haproxy/drain/slowdown.ts";
import type { LogEntry } from "../../system/log.ts";
import { count } from "./messages.ts";

/** What was left in it is told where HAProxy told it. */
export function drained(end: ProcessEnd): LogEntry {
  const { generation, ending, drainMs, connections } = end;
  const elapsed = formatDuration(drainMs);
  const why = whyEnded(end);
  const fields = {
    generation,
    reason: end.endReason ?? describeEnding(ending),
    durationMs: Math.round(drainMs),
    ...connections === null ? {} : { connections },
  };
  if (why === null) {
    return { level: "info", text: `generation ${generation} drained in ${elapsed}`, fields };
  }
  const how = connections === null
    ? `was ended after ${elapsed}, before it had drained`
    : `ended with ${count(connections, "connection", "s")} open after ${elapsed}`;
  return { level: "warning", text: `generation ${generation} ${how}: ${why}`, fields };
}

/** Who ended it; `null` if it had drained. */
function whyEnded({ ending, drainEnd, endReason, connections }: ProcessEnd): string | null {
  const isClean = ending.tag === "exited" && ending.code === 0;
  if (isClean && !connections) return null;
  if (endReason !== null) return `${END_REASONS[endReason]}${drainEnd === "killed" ? KILLED : ""}`;
  // HAProxy does not end while the connection over which it was asked is open, but for this.
  return isClean ? "HAProxy's hard-stop-after was over" : `it ${describeEnding(ending)}`;
}

const KILLED = ", and it did not heed SIGTERM";

const END_REASONS: Readonly<Record<EndReason, string>> = {
  "shutdown-wait": "its --shutdown-wait was over",
  "max-draining": "more drained than --max-draining",
  memory: "its memory was needed",
  rejected: "it had been rejected",
  SIGTERM: "SIGTERM received",
  SIGINT: "SIGINT received",
};

export function signalRefused(pid: number, signal: string, reason: string): LogEntry {
  return {
    level: "error",
    text: `cannot send ${signal} to HAProxy's process ${pid}: ${reason}; it goes on as it is: ` +
      "run the wrapper as the user to whom HAProxy changes, or with the capability CAP_KILL",
    fields: { signal, reason },
  };
}

export function tooManyDrain(generation: number, limit: number): LogEntry {
  return {
    level: "warning",
    text: `more than ${limit} old processes drain; generation ${generation}, the oldest, is ended`,
    fields: { generation, reason: "max-draining" },
  };
}

export interface RoomFacts {
  /** The generation that is to be started. */
  readonly generation: number;
  readonly shortage: Shortage;
}

export function endedForMemory(oldest: number, { generation, shortage }: RoomFacts): LogEntry {
  return {
    level: "warning",
    text: `generation ${oldest}, the oldest that drains, is ended: ` +
      describeShortage(generation, shortage),
    fields: { generation: oldest, reason: "memory" },
  };
}

export function startsAnyway(generation: number, shortage: Shortage): LogEntry {
  return {
    level: "warning",
    text: `${describeShortage(generation, shortage)}; nothing drains that could make room, ` +
      "so it is started all the same",
    fields: { generation, reason: "memory" },
  };
}

const describeShortage = (generation: number, { needed, available, limit }: Shortage) =>
  `generation ${generation} needs about ${megabytes(needed)} MB, ` +
  `${megabytes(available)} MB of the limit of ${megabytes(limit)} MB are left`;

const megabytes = (bytes: number) => Math.round(bytes / 2 ** 20);

export function slowsServing(generation: number, { version, mendedIn }: Slowdown): LogEntry {
  return {
    level: "warning",
    text:
      `generation ${generation} still drains, and a draining HAProxy ${version} slows the one ` +
      `that serves at each new connection, unless your distribution has mended it; HAProxy ${mendedIn} ` +
      "does not: until you have that, bound the drain by --shutdown-wait, or by hard-stop-after",
    fields: { generation, reason: "slow drain" },
  };
}
