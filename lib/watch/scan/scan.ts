/** Scans all sources: which files exist, what they contain, and where to watch them. */
import { collectGarbage } from "../../system/garbage.ts";
import { Directories } from "../directories/directories.ts";
import { createFingerprinter, type FingerprintOutcome } from "./fingerprint.ts";
import { Collector, type Inventory, type SourceFile } from "./inventory.ts";
import { addLoaded } from "./loaded_sources.ts";
import { refreshInventory } from "./refresh.ts";
import { addSource } from "./settings_sources.ts";
import type { Source } from "./sources.ts";

export interface ScanResult {
  readonly inventory: Inventory;
  /** What the configuration names. */
  readonly references: readonly Source[];
  readonly seen: FingerprintOutcome;
  /** In how many milliseconds to scan again even without an event; `Infinity`: never. */
  readonly dueInMs: number;
}

/** Finds what the configuration `files` name, reading them only if they may have changed. */
export type FindReferences = (files: readonly SourceFile[]) => Promise<readonly Source[]>;

export interface Scanner {
  /** Scans everything or, if nothing else can have changed, only the `touched` real paths. */
  scan(touched?: ReadonlySet<string> | null): Promise<ScanResult>;
  /** Scans everything, from now on including `listed`, which replaces the previous list. */
  scanWith(listed: readonly Source[]): Promise<ScanResult>;
  /** Lets a later scan read whole directories again, in which something may have changed without an event. */
  doubt(directories: readonly string[]): void;
}

/** Makes a scanner for `sources` and what they name. It remembers what it read, so make only one. */
export function createScanner(
  sources: readonly Source[],
  findReferences: FindReferences,
  directories = new Directories(),
): Scanner {
  const fingerprint = createFingerprinter();
  let listed: readonly Source[] = [];
  let last: ScanResult | null = null;
  let turn: Promise<unknown> = Promise.resolve();

  /** One scan at a time, so that none mixes two lists. */
  function inTurn(scan: () => Promise<ScanResult>): Promise<ScanResult> {
    const next = turn.then(scan);
    turn = next.catch(() => {});
    return next;
  }

  async function scanTouched(touched: ReadonlySet<string>): Promise<ScanResult> {
    if (last === null) return await scanAll();
    if (touched.size === 0) return last;
    const inventory = await refreshInventory(last.inventory, touched, directories);
    return inventory === null ? await scanAll() : await read(inventory, last.references);
  }

  async function scanAll(): Promise<ScanResult> {
    directories.begin();
    const collector = new Collector(directories);
    for (const source of sources) await addSource(collector, source);
    const references = await findReferences(collector.files.filter(isConfiguration));
    const paths = new Set(references.map(({ path }) => path));
    await addLoaded(collector, [...references, ...listed.filter(({ path }) => !paths.has(path))]);
    const result = await read(collector.inventory, references);
    if (collector.files.length > MANY) collectGarbage();
    return result;
  }

  async function read(
    inventory: Inventory,
    references: readonly Source[],
  ): Promise<ScanResult> {
    const seen = withUnreadable(inventory, await fingerprint(inventory.files));
    const result = { inventory, references, seen, dueInMs: directories.dueInMs };
    last = seen.tag === "taken" ? result : null;
    return result;
  }

  return {
    doubt: (paths) => paths.forEach((path) => directories.doubt(path)),
    scan: (touched = null) => inTurn(() => touched === null ? scanAll() : scanTouched(touched)),
    scanWith: (sources) =>
      inTurn(() => {
        listed = sources;
        return scanAll();
      }),
  };
}

function withUnreadable(
  { unreadable }: Inventory,
  outcome: FingerprintOutcome,
): FingerprintOutcome {
  if (unreadable.length === 0) return outcome;
  const more = outcome.tag === "unreadable" ? outcome.unreadable : [];
  return { tag: "unreadable", unreadable: [...unreadable, ...more] };
}

/** Whether a file is configuration text, which may name other files. */
export const isConfiguration = ({ source, whole }: SourceFile): boolean =>
  source.kind === "configuration" && whole === undefined;

/** So many files leave some megabytes of garbage. */
const MANY = 2_000;
