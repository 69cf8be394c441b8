/** Finds out why a generation failed: whether the cause may pass by itself, and where `master-worker` stands. */
import { readTextFile } from "../files.ts";
import type { Fleet } from "./fleet.ts";
import { checkArguments, type HaproxyArguments } from "./arguments.ts";

export interface CheckOptions {
  readonly fleet: Fleet;
  readonly environment: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
}

/**
 * Whether the failed start may succeed later with the same files: unless `haproxy -c` reports an
 * error in the configuration itself. Its output is swallowed, since the failed start wrote the same.
 */
export async function mayPass(words: HaproxyArguments, options: CheckOptions): Promise<boolean> {
  const { fleet, environment, timeoutMs } = options;
  const spawned = fleet.spawn("check", checkArguments(words), { environment, output: "captured" });
  if (spawned.tag === "not_spawned") return true;
  const { process } = spawned;
  const timer = setTimeout(() => process.signal("SIGKILL"), timeoutMs);
  const [ending, output] = await Promise.all([process.ended, process.output]);
  clearTimeout(timer);
  const reportsError = ending.tag === "exited" && ending.code !== 0;
  return !reportsError || PASSING_ERRORS.test(output);
}

/** What HAProxy reports as an error of the configuration although the world around it is at fault. */
const PASSING_ERRORS = /could not resolve address|cannot allocate memory|too many open files/i;

/** Where in `files` the keyword `master-worker` stands, as `"/path" line 3`; `null` if nowhere. */
export async function findMasterWorker(files: Iterable<string>): Promise<string | null> {
  for (const path of files) {
    const text = await readTextFile(path).catch(() => "");
    const index = text.split("\n").findIndex((line) => /^\s*master-worker\b/.test(line));
    if (index >= 0) return `"${path}" line ${index + 1}`;
  }
  return null;
}
