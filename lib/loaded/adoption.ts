/** Finds out what a generation that serves has loaded, and whether that is what was looked at before its start. */
import type { StatsSocket } from "../haproxy/runtime/client.ts";
import { collectGarbage } from "../system/garbage.ts";
import type { Fingerprint } from "../watch/scan/fingerprint.ts";
import type { Inventory } from "../watch/scan/inventory.ts";
import type { Scanner } from "../watch/scan/scan.ts";
import { changedDuringRead } from "../watch/scan/changed_during_read.ts";
import { createAsk } from "../haproxy/runtime/asking.ts";
import { type ListedFile, listLoaded } from "../haproxy/runtime/listing.ts";
import type { LoadedFiles } from "./loaded_files.ts";
import { NO_TARGETS, type Targets } from "./targets.ts";

export interface Adopted {
  /** What it has loaded, as far as that is known. */
  readonly fingerprint: Fingerprint | null;
  /** Whether a file was written meanwhile, so that nobody knows what was read. */
  readonly changedDuringRead: boolean;
  readonly uses: Targets;
}

export interface AdoptionOptions {
  /** The generation's private stats socket; `null`: what it says it loaded is not watched. */
  readonly socket: StatsSocket | null;
  /** Just before its start, in milliseconds since 1970. */
  readonly startedMs: number;
  readonly scanner: Scanner;
  readonly loadedFiles: LoadedFiles;
  /** Called if the generation does not say what it loaded. */
  readonly onSilence: () => void;
  /** Called with what is to be watched from now on. */
  readonly onInventory: (inventory: Inventory) => void;
}

/** From its end on, looks include what the generation has loaded, and `before` is extended by it. */
export async function adopt(
  before: Fingerprint | null,
  options: AdoptionOptions,
): Promise<Adopted> {
  const { scanner, loadedFiles, startedMs } = options;
  const listed = await listOf(options);
  const { sources, uses } = listed === null
    ? { sources: [], uses: NO_TARGETS }
    : loadedFiles.locate(listed);
  if (uses.byPath.size > MANY) collectGarbage();
  const scan = await scanner.scanWith(sources);
  options.onInventory(scan.inventory);
  if (before === null) return { fingerprint: null, changedDuringRead: false, uses };
  const changed = await changedDuringRead(before, scan, startedMs);
  const fingerprint = scan.seen.tag === "taken" && !changed ? scan.seen.fingerprint : before;
  return { fingerprint, changedDuringRead: changed, uses };
}

/** A list of so many takes some megabytes to read. */
const MANY = 2_000;

async function listOf(
  { socket, onSilence }: AdoptionOptions,
): Promise<readonly ListedFile[] | null> {
  if (socket === null) return null;
  const listed = await listLoaded(createAsk(socket));
  if (listed === null) onSilence();
  return listed;
}
