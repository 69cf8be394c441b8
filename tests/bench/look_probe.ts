/** Scans at a directory as the wrapper does, and prints how long that took: run by `looks.ts`, as the program is. */
import { createScanner, type Scanner, type ScanResult } from "../../lib/watch/scan/scan.ts";

/** All times in milliseconds. */
export interface LookTimes {
  readonly stat: readonly number[];
  readonly firstLook: number;
  readonly pollLooks: readonly number[];
  readonly changeLooks: readonly number[];
  readonly firstReads: number;
  /** How many files were read in later looks, besides those that had been changed. */
  readonly needlessReads: number;
}

const TURNS = 5;

if (import.meta.main) console.log(JSON.stringify(await measure(Deno.args[0]!)));

async function measure(directory: string): Promise<LookTimes> {
  const paths = [...Deno.readDirSync(directory)].map(({ name }) => `${directory}/${name}`);
  const reads = countReads();
  // So that both find the file system warm.
  statAll(paths);
  const scanner = createScanner(
    [],
    () => Promise.resolve([{ kind: "loaded", path: directory, foundBy: "the bench" }]),
  );
  const firstLook = await timed(() => scanner.scan());
  const firstReads = reads();
  const stat: number[] = [];
  const pollLooks: number[] = [];
  for (let turn = 0; turn < TURNS; turn++) {
    stat.push(await timed(() => statAll(paths)));
    pollLooks.push(await timed(() => scanner.scan()));
  }
  const changeLooks: number[] = [];
  for (const path of paths.slice(0, TURNS)) changeLooks.push(await timeChange(scanner, path));
  const needlessReads = reads() - firstReads - TURNS;
  return { stat, firstLook, pollLooks, changeLooks, firstReads, needlessReads };
}

/** Replaces a file, and looks as the change detector does after the event. */
async function timeChange(scanner: Scanner, path: string): Promise<number> {
  const before = await digestOf(scanner.scan(new Set()));
  const replacement = Deno.makeTempFileSync({ dir: "/tmp" });
  Deno.writeTextFileSync(replacement, `${Deno.readTextFileSync(path)}\n`);
  Deno.renameSync(replacement, path);
  let look: Promise<ScanResult> | undefined;
  const elapsedMs = await timed(() => look = scanner.scan(new Set([path])));
  if (await digestOf(look!) === before) throw new Error(`the change of "${path}" was not seen`);
  return elapsedMs;
}

async function digestOf(look: Promise<ScanResult>): Promise<string | null> {
  const { seen } = await look;
  return seen.tag === "taken" ? seen.fingerprint.digest : null;
}

/** Counts from now on how often the library reads a file, on a thread or at once. */
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
