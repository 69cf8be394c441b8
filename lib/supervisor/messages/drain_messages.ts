/** The log lines about processes that drain. Pure. */
import { formatDuration } from "../../text/duration.ts";
import type { EndReason, Shortage } from "../../haproxy/drain/limits.ts";
import type { ProcessEnd } from "../../haproxy/drain/fleet.ts";
import { describeEnding } from "../../haproxy/process/process.ts";
import type { Slowdown } from "../../haproxy/drain/slowdown.ts";
import type { LogEntry } from "../../system/log.ts";
import { count } from "./messages.ts";

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

/** `null`: it had drained. */
function whyEnded({ ending, drainEnd, endReason, connections }: ProcessEnd): string | null {
  const isClean = ending.tag === "exited" && ending.code === 0;
  if (isClean && !connections) return null;
  if (endReason !== null) return `${END_REASONS[endReason]}${drainEnd === "killed" ? KILLED : ""}`;
  // Only this makes HAProxy exit while the connection over which it is asked is open.
  return isClean ? "HAProxy's hard-stop-after was over" : `it ${describeEnding(ending)}`;
}

const KILLED = ", and it ignored SIGTERM";

const END_REASONS: Readonly<Record<EndReason, string>> = {
  "shutdown-wait": "its --shutdown-wait was over",
  "max-draining": "more processes drained than --max-draining allows",
  memory: "its memory was needed",
  rejected: "it had been rejected",
  SIGTERM: "SIGTERM received",
  SIGINT: "SIGINT received",
};

export function signalRefused(pid: number, signal: string, reason: string): LogEntry {
  return {
    level: "error",
    text: `cannot send ${signal} to HAProxy process ${pid}: ${reason}; it keeps running: ` +
      "run the wrapper as the user that HAProxy switches to, or with the capability CAP_KILL",
    fields: { signal, reason },
  };
}

export function tooManyDrain(generation: number, limit: number): LogEntry {
  return {
    level: "warning",
    text: `ending generation ${generation}, the oldest of more than ${limit} old processes that ` +
      "drain (--max-draining)",
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
    text: `ending generation ${oldest}, the oldest that drains: ` +
      describeShortage(generation, shortage),
    fields: { generation: oldest, reason: "memory" },
  };
}

export function startsAnyway(generation: number, shortage: Shortage): LogEntry {
  return {
    level: "warning",
    text: `${describeShortage(generation, shortage)}; no draining process can make room, ` +
      "so it starts anyway",
    fields: { generation, reason: "memory" },
  };
}

const describeShortage = (generation: number, { needed, available, limit }: Shortage) =>
  `generation ${generation} needs about ${megabytes(needed)} MB, ` +
  `only ${megabytes(available)} MB of the limit of ${megabytes(limit)} MB are left`;

const megabytes = (bytes: number) => Math.round(bytes / 2 ** 20);

export function slowsServing({ version, mendedIn }: Slowdown): LogEntry {
  return {
    level: "warning",
    text: `while it drains, HAProxy ${version} slows the serving process at each new connection, ` +
      `unless your distribution has patched it; fixed in ${mendedIn}: until you upgrade, limit the ` +
      "drain by --shutdown-wait or hard-stop-after",
    fields: { reason: "slow drain" },
  };
}
