/** The log lines about HAProxy processes that another wrapper left behind. Pure. */
import type { Leftover, Leftovers, Untouched } from "../../haproxy/leftovers/leftovers.ts";
import type { LogEntry } from "../../system/log.ts";
import type { LeftoverProcess } from "../state/events.ts";
import { info, list, MOST_LISTED, warning } from "./entry.ts";

const LEFT = "left behind by a wrapper that is gone";
const reason = "left behind";

/** What was found before the first start. */
export function describeLeftovers(
  { processes, resumed, untouched }: Leftovers,
): readonly LogEntry[] {
  const again = resumed.length === 0 ? [] : [listensAgain(resumed)];
  return [...processes.map(foundLeftover), ...again, ...describeUntouched(untouched)];
}

function listensAgain(frontends: readonly string[]): LogEntry {
  const names = list(frontends.map((name) => `"${name}"`));
  return warning(`HAProxy listens again for ${names}, paused when its wrapper was killed`, {
    reason,
  });
}

function foundLeftover({ process, generation, folder, serves }: Leftover): LogEntry {
  const next = serves
    ? "still serves: generation 1 takes over from it"
    : "cannot hand over its listeners: it is asked to drain once generation 1 serves";
  const text = `HAProxy process ${process.pid}, ${LEFT} in "${folder}", ${next}`;
  return warning(text, { generation, reason });
}

export const takenCharge = (serving: number, { generation, pid }: LeftoverProcess) =>
  info(
    `process ${pid}, ${LEFT}, drains as generation ${generation} ` +
      `now that generation ${serving} serves`,
    { generation, reason },
  );

/** A clause for when none of our own processes serves. */
export const leftoversKeepRunning = (leftovers: readonly LeftoverProcess[]) =>
  `process ${leftovers.map(({ pid }) => pid).join(", ")}, ${LEFT}, keeps running`;

export const leftoversUntouched = (leftovers: readonly LeftoverProcess[]) =>
  warning(`HAProxy ${leftoversKeepRunning(leftovers)}: it was not touched`, { reason });

export const leftoverIsGone = (generation: number) =>
  warning(
    `generation ${generation} did not start: the process it was to take over from, ${LEFT}, ` +
      `has ended; starting generation ${generation + 1} without it`,
    { generation, reason },
  );

/** Few lines, however many processes there are: anybody may have started them. */
export function describeUntouched(all: readonly Untouched[]): LogEntry[] {
  const lines = all.slice(0, MOST_LISTED).map((process) =>
    warning(
      `${subjectOf(process)}, ${LEFT} in "${process.folder}", ` +
        `may answer beside this wrapper's processes: ${reasonAndRemedy(process)}`,
      { reason: process.why },
    )
  );
  const others = all.length - lines.length;
  if (others === 0) return lines;
  const text = `${others} more HAProxy processes may answer beside this wrapper's`;
  return [...lines, warning(text, { reason })];
}

const subjectOf = ({ pid }: Untouched) => pid === null ? "a HAProxy" : `HAProxy process ${pid}`;

function reasonAndRemedy({ pid, owner, why }: Untouched): string {
  const end = pid === null ? "end it there" : `end it by "kill -USR1 ${pid}"`;
  switch (why) {
    case "other user":
      return `it is left alone because its folder belongs to user ${owner}; as that user or root, ${end}`;
    case "folder is gone":
      return `it runs as user ${owner}, and cannot be taken over from because its folder is gone; ` +
        `if nothing else needs it, ${end}`;
    case "may not be signalled":
      return `it is left alone because this user may not signal it; as root, ${end}`;
    case "other service":
      return "it is left alone because it was started with other arguments or in another directory; " +
        `start its wrapper again, or ${end}`;
    case "not seen":
      return "it cannot be seen from here, as if it ran in another container with the same directory; " +
        end;
    default:
      return why satisfies never;
  }
}
