/**
 * Entries whose names are not UTF-8: Deno 2.9 lists them with U+FFFD in the place of what it cannot read, so
 * that there seems to be no such file, and 2.6 leaves them out. HAProxy loads them like any other.
 */
import type { Log, LogEntry } from "../../system/log.ts";
import type { ChainEnd } from "../../system/link_chain.ts";

/** Whether a listed `name` leads to nothing because it is another one in truth. */
export const isUnnamed = (name: string, { tag }: ChainEnd): boolean =>
  tag !== "found" && name.includes(REPLACEMENT);

/** Why nothing is found at such a path. */
export const UNNAMED = "its name is not UTF-8";

const REPLACEMENT = "\ufffd";

/** Somebody who makes them in a loop must not flood the log. */
const MOST_TOLD = 10;

/** Makes the function that is given all such paths after each scan, and tells of each once. */
export function createUnnamedReport(log: Log): (paths: readonly string[]) => void {
  const told = new Set<string>();
  return (paths) => {
    for (const path of paths.filter((path) => !told.has(path))) {
      if (told.size >= MOST_TOLD) return;
      told.add(path);
      log(unnamedEntry(path));
    }
  };
}

function unnamedEntry(path: string): LogEntry {
  return {
    level: "warning",
    text: `cannot watch "${path}": ${UNNAMED}; a change there causes no reload: rename it`,
    fields: { reason: UNNAMED, changed: [path] },
  };
}
