/** Scans a directory as the wrapper does, and prints how long that took: run by `scans.ts`, as the program is. */
import { createScanner, type Scanner, type ScanResult } from "../../lib/watch/scan/scan.ts";

/** All times in milliseconds. */
export interface ScanTimes {
  readonly stat: readonly number[];
  readonly firstScan: number;
  readonly pollScans: readonly number[];
  readonly changeScans: readonly number[];
  readonly firstReads: number;
  /** How many files were read in later scans, besides those that had been changed. */
  readonly needlessReads: number;
}

const TURNS = 5;

if (import.meta.main) console.log(JSON.stringify(await measure(Deno.args[0]!)));

async function measure(directory: string): Promise<ScanTimes> {
  const paths = [...Deno.readDirSync(directory)].map(({ name }) => `${directory}/${name}`);
  const reads = countReads();
  // To warm the file system for both.
  statAll(paths);
  const scanner = createScanner(
    [],
    () => Promise.resolve([{ kind: "loaded", path: directory, foundBy: "the bench" }]),
  );
  const firstScan = await timed(() => scanner.scan());
  const firstReads = reads();
  const stat: number[] = [];
  const pollScans: number[] = [];
  for (let turn = 0; turn < TURNS; turn++) {
    stat.push(await timed(() => statAll(paths)));
    pollScans.push(await timed(() => scanner.scan()));
  }
  const changeScans: number[] = [];
  for (const path of paths.slice(0, TURNS)) changeScans.push(await timeChange(scanner, path));
  const needlessReads = reads() - firstReads - TURNS;
  return { stat, firstScan, pollScans, changeScans, firstReads, needlessReads };
}

/** Replaces a file, and scans as the change detector does after the event. */
async function timeChange(scanner: Scanner, path: string): Promise<number> {
  const before = await digestOf(scanner.scan(new Set()));
  const replacement = Deno.makeTempFileSync({ dir: "/tmp" });
  Deno.writeTextFileSync(replacement, `${Deno.readTextFileSync(path)}\n`);
  Deno.renameSync(replacement, path);
  let scan: Promise<ScanResult> | undefined;
  const elapsedMs = await timed(() => scan = scanner.scan(new Set([path])));
  if (await digestOf(scan!) === before) throw new Error(`the change of "${path}" was not seen`);
  return elapsedMs;
}

async function digestOf(scan: Promise<ScanResult>): Promise<string | null> {
  const { seen } = await scan;
  return seen.tag === "taken" ? seen.fingerprint.digest : null;
}

/** Counts how often a file is read from now on, on a thread or synchronously. */
function countReads(): () => number {
  let count = 0;
  const { open, openSync } = Deno;
  Deno.open = (...args) => (count++, open(...args));
  Deno.openSync = (...args) => (count++, openSync(...args));
  return () => count;
}

function statAll(paths: readonly string[]): void {
  for (const path of paths) Deno.lstatSync(path);
}

async function timed(act: () => unknown): Promise<number> {
  const startedMs = performance.now();
  await act();
  return performance.now() - startedMs;
}
