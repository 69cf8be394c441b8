/** Learns what a serving generation has loaded, and whether that is what was scanned before its start. */
import { createAsk, type StatsSocket } from "../haproxy/runtime/client.ts";
import { collectGarbage } from "../system/garbage.ts";
import type { Fingerprint } from "../watch/scan/fingerprint.ts";
import type { Inventory } from "../watch/scan/inventory.ts";
import { isConfiguration, type Scanner } from "../watch/scan/scan.ts";
import { changedDuringRead } from "../watch/scan/changed_during_read.ts";
import { listLoaded } from "../haproxy/runtime/listing.ts";
import type { LoadedFiles } from "./loaded_files.ts";
import { withListTexts, withoutLists } from "./certificate_lists.ts";
import { NO_TARGETS, type Targets, withServers } from "./targets.ts";

export interface Adopted {
  /** `null`: unknown. */
  readonly fingerprint: Fingerprint | null;
  readonly changedDuringRead: boolean;
  readonly targets: Targets;
  /** Whether it was asked what it loaded, and gave no answer. */
  readonly isSilent: boolean;
}

export interface AdoptionOptions {
  /** The generation's private stats socket; `null`: do not ask it. */
  readonly socket: StatsSocket | null;
  /** Just before the generation's start, in milliseconds since 1970. */
  readonly startedMs: number;
  readonly scanner: Scanner;
  readonly loadedFiles: LoadedFiles;
  /** Called with what to watch from now on. */
  readonly onInventory: (inventory: Inventory) => void;
}

/** Adds what the generation has loaded to every later scan and to `before`, the fingerprint of its start. */
export async function adopt(
  before: Fingerprint | null,
  options: AdoptionOptions,
): Promise<Adopted> {
  const { socket, scanner, loadedFiles, startedMs } = options;
  const listed = socket === null ? null : await listLoaded(createAsk(socket));
  const isSilent = socket !== null && listed === null;
  const { sources, targets: located } = listed === null
    ? { sources: [], targets: NO_TARGETS }
    : loadedFiles.locate(listed);
  const targets = withoutLists(located);
  if (targets.byPath.size > MANY) collectGarbage();
  const scan = await scanner.scanWith(sources);
  options.onInventory(scan.inventory);
  if (before === null) return { fingerprint: null, changedDuringRead: false, targets, isSilent };
  const changed = await changedDuringRead(before, scan, startedMs);
  if (scan.seen.tag !== "taken" || changed) {
    return { fingerprint: before, changedDuringRead: changed, targets, isSilent };
  }
  const { fingerprint } = scan.seen;
  const configurations = scan.inventory.files.filter(isConfiguration).map(({ path }) => path);
  const servers = isSilent ? null : loadedFiles.servers(before);
  const isSame = servers?.paths.join("\0") === configurations.join("\0");
  return {
    fingerprint,
    changedDuringRead: false,
    targets: withServers(await withListTexts(located, fingerprint), isSame ? servers : null),
    isSilent,
  };
}

/** Reading a list that long leaves some megabytes of garbage. */
const MANY = 2_000;
