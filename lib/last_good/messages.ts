/** What is said of keeping what serves, and of a set that is of no use. Pure. */
import { formatDuration } from "../text/duration.ts";
import type { LogEntry } from "../system/log.ts";

export function kept(
  generation: number,
  { path, files, added, servedMs }: {
    readonly path: string;
    readonly files: number;
    /** How many of them were not there yet. */
    readonly added: number;
    readonly servedMs: number;
  },
): LogEntry {
  return {
    level: "info",
    text:
      `generation ${generation} has served for ${formatDuration(servedMs)}: its ${files} files ` +
      `are kept in "${path}", ${added} of them newly written`,
    fields: { generation, reason: "last-good" },
  };
}

export function incomplete(generation: number, reason: string): LogEntry {
  return {
    level: "warning",
    text:
      `the files of generation ${generation} are not kept: ${reason}; what was kept before stays`,
    fields: { generation, reason },
  };
}

export function notWritten(path: string, reason: string): LogEntry {
  return {
    level: "warning",
    text: `cannot keep what serves in "${path}": ${reason}; tried again at the next change`,
    fields: { reason },
  };
}

export function unusable(path: string, reason: string): LogEntry {
  return {
    level: "error",
    text: `what is kept in "${path}" cannot serve instead: ${reason}`,
    fields: { reason },
  };
}
