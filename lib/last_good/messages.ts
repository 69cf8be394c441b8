/** What is said of recording what serves, and of a recorded set that is of no use. Pure. */
import type { LogEntry } from "../system/log.ts";
import { formatDuration } from "../text/duration.ts";

export function recorded(
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
      `are recorded in "${path}", ${added} of them newly written`,
    fields: { generation, reason: "last-good" },
  };
}

export const incomplete = (generation: number, reason: string): LogEntry => ({
  level: "warning",
  text: `the files of generation ${generation} are not recorded: ${reason}; the set before stays`,
  fields: { generation, reason },
});

export const notWritten = (path: string, reason: string): LogEntry => ({
  level: "warning",
  text: `cannot record what serves in "${path}": ${reason}; tried again at the next change`,
  fields: { reason },
});

export const unusable = (path: string, reason: string): LogEntry => ({
  level: "error",
  text: `what is recorded in "${path}" cannot serve instead: ${reason}`,
  fields: { reason },
});
