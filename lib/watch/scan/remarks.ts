/** Logs what the user should know about a scan: each thing once, and few of each kind. */
import type { Log, LogEntry } from "../../system/log.ts";
import { UNNAMED } from "./inventory.ts";
import { findLimits } from "./limits.ts";
import { findReplaced, type MountedFile } from "./mounted_files.ts";
import type { ScanResult } from "./scan.ts";

export interface Remark {
  /** Equal for what need not be repeated. */
  readonly key: string;
  readonly reason: string;
  readonly text: string;
  /** Paths whose changes cannot be seen. */
  readonly changed?: readonly string[];
}

export interface RemarkOptions {
  readonly pollIntervalMs: number;
  readonly mountedFiles: readonly MountedFile[];
}

/** Makes a function that takes each scan and logs what is new. */
export function createScanReport(
  log: Log,
  { pollIntervalMs, mountedFiles }: RemarkOptions,
): (scan: ScanResult) => void {
  let known: ReadonlySet<string> = new Set();
  const left = new Map<string, number>();
  return (scan) => {
    const remarks = [
      ...findReplaced(scan.inventory, mountedFiles),
      ...findLimits(scan, pollIntervalMs),
      ...scan.inventory.unnamed.map(unnamed),
    ];
    const fresh = Map.groupBy(remarks.filter(({ key }) => !known.has(key)), ({ reason }) => reason);
    // What recurs after it was resolved may be logged again.
    known = new Set(remarks.map(({ key }) => key));
    for (const [reason, group] of fresh) {
      const most = left.get(reason) ?? MOST_LOGGED;
      left.set(reason, Math.max(0, most - group.length));
      group.slice(0, most).forEach((remark) => log(entryOf(remark)));
      const others = group.length - most;
      if (most > 0 && others > 0) log(entryOf({ reason, text: describeOthers(others, reason) }));
    }
  };
}

/** Of each kind, since the start: whoever makes such files in a loop must not flood the log. */
const MOST_LOGGED = 10;

const unnamed = (path: string): Remark => ({
  key: path,
  reason: UNNAMED,
  text: `cannot watch "${path}": ${UNNAMED}; changes there cause no reload: rename it`,
  changed: [path],
});

const describeOthers = (others: number, reason: string) =>
  `${others} more like this (${reason}), not listed`;

const entryOf = ({ text, reason, changed }: Omit<Remark, "key">): LogEntry => ({
  level: "warning",
  text,
  fields: { reason, ...changed === undefined ? {} : { changed } },
});
