/** Makes log entries, and writes lists in sentences. Pure. */
import type { LogEntry, LogFields } from "../../system/log.ts";

export const info = (text: string, fields: LogFields): LogEntry => ({
  level: "info",
  text,
  fields,
});

export const warning = (text: string, fields: LogFields): LogEntry => ({
  level: "warning",
  text,
  fields,
});

export const error = (text: string, fields: LogFields): LogEntry => ({
  level: "error",
  text,
  fields,
});

/** Keeps a line below 4 kB, which a pipe takes in one piece. */
export const MOST_LISTED = 5;

export function list(texts: readonly string[]): string {
  const others = texts.length - MOST_LISTED;
  const first = texts.slice(0, MOST_LISTED).join(", ");
  return others > 0 ? `${first} and ${others} more` : first;
}

export const listPaths = (paths: readonly string[]) => list(paths.map((path) => `"${path}"`));
