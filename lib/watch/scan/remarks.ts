/** Says what of a scan the user should know: each thing once, and few of a kind. */
import type { Log, LogEntry } from "../../system/log.ts";
import { UNNAMED } from "./inventory.ts";
import { findLimits } from "./limits.ts";
import { findReplaced, type MountedFile } from "./mounted_files.ts";
import type { ScanResult } from "./scan.ts";

export interface Remark {
  /** Equal for what need not be said again. */
  readonly key: string;
  readonly reason: string;
  readonly text: string;
  /** Paths whose change cannot be seen. */
  readonly changed?: readonly string[];
}

export interface RemarkOptions {
  readonly pollIntervalMs: number;
  readonly mountedFiles: readonly MountedFile[];
}

/** Makes the function that is given each scan, and says what is new about it. */
export function createScanReport(
  log: Log,
  { pollIntervalMs, mountedFiles }: RemarkOptions,
): (scan: ScanResult) => void {
  let told: ReadonlySet<string> = new Set();
  const left = new Map<string, number>();
  return (scan) => {
    const remarks = [
      ...findReplaced(scan.inventory, mountedFiles),
      ...findLimits(scan, pollIntervalMs),
      ...scan.inventory.unnamed.map(unnamed),
    ];
    const news = Map.groupBy(remarks.filter(({ key }) => !told.has(key)), ({ reason }) => reason);
    // What was in order for a while may be said again.
    told = new Set(remarks.map(({ key }) => key));
    for (const [reason, some] of news) {
      const most = left.get(reason) ?? MOST_TOLD;
      left.set(reason, Math.max(0, most - some.length));
      some.slice(0, most).forEach((remark) => log(entryOf(remark)));
      const others = some.length - most;
      if (most > 0 && others > 0) log(entryOf({ reason, text: describeOthers(others, reason) }));
    }
  };
}

/** Of each kind, since the start: a user who makes such files in a loop must not flood the log. */
const MOST_TOLD = 10;

const unnamed = (path: string): Remark => ({
  key: path,
  reason: UNNAMED,
  text: `cannot watch "${path}": ${UNNAMED}; a change there causes no reload: rename it`,
  changed: [path],
});

const describeOthers = (others: number, reason: string) =>
  `the same (${reason}) is true of ${others} more, which are not listed`;

const entryOf = ({ text, reason, changed }: Omit<Remark, "key">): LogEntry => ({
  level: "warning",
  text,
  fields: { reason, ...changed === undefined ? {} : { changed } },
});
