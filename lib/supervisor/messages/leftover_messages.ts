/** What is said of HAProxy processes that another wrapper has left, one entry each. Pure. */
import type { Leftover, Leftovers, Untouched } from "../../haproxy/leftovers/leftovers.ts";
import type { LogEntry } from "../../system/log.ts";
import type { Left } from "../state/events.ts";

const LEFT = "left behind by a wrapper that is gone";

/** What was found at the start, before anything is started. */
export function describeLeftovers({ processes, untouched }: Leftovers): readonly LogEntry[] {
  return [...processes.map(foundLeft), ...describeUntouched(untouched)];
}

function foundLeft({ process, generation, folder, serves }: Leftover): LogEntry {
  const next = serves
    ? "serves still: generation 1 takes over from it"
    : "hands nothing over: it is asked to drain once generation 1 serves";
  return {
    level: "warning",
    text: `HAProxy's process ${process.pid}, ${LEFT} in "${folder}", ${next}`,
    fields: { generation, reason: "left behind" },
  };
}

export function takenCharge(serving: number, { generation, pid }: Left): LogEntry {
  return {
    level: "info",
    text: `process ${pid}, ${LEFT}, drains as generation ${generation} ` +
      `now that generation ${serving} serves`,
    fields: { generation, reason: "left behind" },
  };
}

/** As a clause, where nothing of ours serves. */
export const describeLeft = (left: readonly Left[]) =>
  `process ${left.map(({ pid }) => pid).join(", ")}, ${LEFT}, goes on`;

export function leftAlone(left: readonly Left[]): LogEntry {
  const text = `HAProxy's ${describeLeft(left)}: it was not touched`;
  return { level: "warning", text, fields: { reason: "left behind" } };
}

export function leftIsGone(generation: number): LogEntry {
  return {
    level: "warning",
    text: `generation ${generation} did not start: the process from which it was to take over, ` +
      `${LEFT}, has ended meanwhile; generation ${generation + 1} is started without`,
    fields: { generation, reason: "left behind" },
  };
}

/** A line for each of the first; anybody may have made very many. */
export function describeUntouched(all: readonly Untouched[]): LogEntry[] {
  const lines = all.slice(0, MOST_LINES).map((one): LogEntry => ({
    level: "warning",
    text: `${subjectOf(one)}, ${LEFT} in "${one.folder}", may answer beside this wrapper's: ` +
      reasonAndRemedy(one),
    fields: { reason: one.why },
  }));
  const others = all.length - lines.length;
  if (others === 0) return lines;
  const text = `${others} more processes of HAProxy may answer beside this wrapper's`;
  return [...lines, { level: "warning", text, fields: { reason: "left behind" } }];
}

const MOST_LINES = 5;

const subjectOf = ({ pid }: Untouched) => pid === null ? "a HAProxy" : `HAProxy's process ${pid}`;

function reasonAndRemedy({ pid, owner, why }: Untouched): string {
  const end = pid === null ? "end it there" : `end it by "kill -USR1 ${pid}"`;
  switch (why) {
    case "other user":
      return `its folder belongs to user ${owner}, so it is left alone; as that user or root, ${end}`;
    case "folder is gone":
      return `it runs as user ${owner}, and with its folder the way to take over from it is gone; ` +
        `if nothing else wants it, ${end}`;
    case "may not be signalled":
      return `this user may not signal it, so it is left alone; as root, ${end}`;
    case "other service":
      return "it was started with other arguments or in another directory, so it is left alone; " +
        `start its wrapper again, or ${end}`;
    case "not seen":
      return "it is not among the processes that are seen from here, as in another container " +
        `that has the same directory; ${end}`;
    default:
      return why satisfies never;
  }
}
