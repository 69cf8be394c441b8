/** The log lines about recording a set, and about a recorded set that cannot be used. Pure. */
import type { LogEntry } from "../system/log.ts";
import { counted } from "../text/counted.ts";
import { formatDuration } from "../text/duration.ts";

export function recorded(
  generation: number,
  { path, files, added, servedMs }: {
    readonly path: string;
    readonly files: number;
    /** How many of them were not recorded yet. */
    readonly added: number;
    readonly servedMs: number;
  },
): LogEntry {
  return {
    level: "info",
    text: `generation ${generation} has served for ${formatDuration(servedMs)}: recorded its ` +
      `${counted(files, "file")} in "${path}", ${added} of them newly written`,
    fields: { generation, reason: "last-good" },
  };
}

export const incomplete = (generation: number, reason: string): LogEntry => ({
  level: "warning",
  text: `the files of generation ${generation} are not recorded: ${reason}; the previous set stays`,
  fields: { generation, reason },
});

export const notWritten = (path: string, reason: string): LogEntry => ({
  level: "warning",
  text: `cannot record what serves in "${path}": ${reason}; retrying at the next change`,
  fields: { reason },
});

export const unusable = (path: string, reason: string): LogEntry => ({
  level: "error",
  text: `the set recorded in "${path}" cannot serve instead: ${reason}`,
  fields: { reason },
});
