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

/** The line that asks how many bytes this process has read. */
export const QUESTION = "bytes";

const TURNS = 5;

if (import.meta.main) console.log(JSON.stringify(await measure(Deno.args[0]!)));

async function measure(directory: string): Promise<ScanTimes> {
  const paths = [...Deno.readDirSync(directory)].map(({ name }) => `${directory}/${name}`);
  const sizes = paths.map((path) => Deno.lstatSync(path).size);
  const meanBytes = sizes.reduce((sum, size) => sum + size, 0) / sizes.length;
  const beforeBytes = await bytesRead();
  const reads = async () => Math.round((await bytesRead() - beforeBytes) / meanBytes);
  // To warm the file system for both.
  statAll(paths);
  const scanner = createScanner(
    [],
    () => Promise.resolve([{ kind: "loaded", path: directory, foundBy: "the bench" }]),
  );
  const firstScan = await timed(() => scanner.scan());
  const firstReads = await reads();
  const stat: number[] = [];
  const pollScans: number[] = [];
  for (let turn = 0; turn < TURNS; turn++) {
    stat.push(await timed(() => statAll(paths)));
    pollScans.push(await timed(() => scanner.scan()));
  }
  const changeScans: number[] = [];
  for (const path of paths.slice(0, TURNS)) changeScans.push(await timeChange(scanner, path));
  // Each changed file was also read by `timeChange`.
  const needlessReads = await reads() - firstReads - 2 * TURNS;
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

/** By this process, on all its threads, in whatever way: it may not see that itself, so `scans.ts` answers. */
async function bytesRead(): Promise<number> {
  console.log(QUESTION);
  const answer = new Uint8Array(100);
  const count = await Deno.stdin.read(answer);
  return Number(new TextDecoder().decode(answer.subarray(0, count ?? 0)));
}

function statAll(paths: readonly string[]): void {
  for (const path of paths) Deno.lstatSync(path);
}

async function timed(act: () => unknown): Promise<number> {
  const startedMs = performance.now();
  await act();
  return performance.now() - startedMs;
}
