/** The log lines about draining processes. Pure. */
import type { ProcessEnd } from "../../haproxy/drain/fleet.ts";
import type { EndReason, Shortage } from "../../haproxy/drain/limits.ts";
import type { Slowdown } from "../../haproxy/drain/slowdown.ts";
import { describeEnding } from "../../haproxy/process/process.ts";
import type { LogEntry } from "../../system/log.ts";
import { formatDuration } from "../../text/duration.ts";
import { counted } from "../../text/counted.ts";
import { error, info, warning } from "./entry.ts";

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
  if (why === null) return info(`generation ${generation} drained in ${elapsed}`, fields);
  const how = connections === null
    ? `was ended after ${elapsed}, before it had drained`
    : `ended with ${counted(connections, "connection")} open after ${elapsed}`;
  return warning(`generation ${generation} ${how}: ${why}`, fields);
}

/** `null` if it had drained. */
function whyEnded({ ending, drainEnd, endReason, connections }: ProcessEnd): string | null {
  const isClean = ending.tag === "exited" && ending.code === 0;
  if (isClean && !connections) return null;
  if (endReason !== null) return `${END_REASONS[endReason]}${drainEnd === "killed" ? KILLED : ""}`;
  // Nothing else makes HAProxy exit while the gauge's connection is open.
  return isClean ? "HAProxy's hard-stop-after had expired" : `it ${describeEnding(ending)}`;
}

const KILLED = ", and it ignored SIGTERM";

const END_REASONS: Readonly<Record<EndReason, string>> = {
  "shutdown-wait": "its --shutdown-wait had expired",
  "max-draining": "more processes drained than --max-draining allows",
  memory: "its memory was needed",
  rejected: "it had been rejected",
  SIGTERM: "SIGTERM received",
  SIGINT: "SIGINT received",
};

export const signalRefused = (pid: number, signal: string, reason: string) =>
  error(
    `cannot send ${signal} to HAProxy process ${pid}: ${reason}; it keeps running: ` +
      "run the wrapper as the user that HAProxy switches to, or with the capability CAP_KILL",
    { signal, reason },
  );

export const tooManyDrain = (generation: number, limit: number) =>
  warning(
    `ending generation ${generation}, the oldest of more than ${limit} draining processes ` +
      "(--max-draining)",
    { generation, reason: "max-draining" },
  );

export interface RoomFacts {
  /** The generation that is about to start. */
  readonly generation: number;
  readonly shortage: Shortage;
}

export const endedForMemory = (oldest: number, { generation, shortage }: RoomFacts) =>
  warning(
    `ending generation ${oldest}, the oldest draining process: ${describe(generation, shortage)}`,
    { generation: oldest, reason: "memory" },
  );

export const startsAnyway = (generation: number, shortage: Shortage) =>
  warning(
    `${describe(generation, shortage)}; no draining process can make room, so it starts anyway`,
    { generation, reason: "memory" },
  );

const describe = (generation: number, { needed, available, limit }: Shortage) =>
  `generation ${generation} needs about ${megabytes(needed)} MB, ` +
  `but only ${megabytes(available)} MB of the limit of ${megabytes(limit)} MB are left`;

const megabytes = (bytes: number) => Math.round(bytes / 2 ** 20);

export const slowsServing = ({ version, fixedIn }: Slowdown) =>
  warning(
    `while it drains, HAProxy ${version} slows the serving process at each new connection, ` +
      `unless your distribution has patched it: upgrade to ${fixedIn} or newer, and until then limit ` +
      "drains by --shutdown-wait or hard-stop-after",
    { reason: "slow drain" },
  );
