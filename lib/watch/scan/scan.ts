/** Scans at all sources: which files there are, what they hold, and where to watch them. */
import { collectGarbage } from "../../system/memory.ts";
import { Directories } from "../directories/directories.ts";
import { createFingerprinter, type Fingerprint } from "./fingerprint.ts";
import { type Inventory, type SourceFile, takeInventory, type Unreadable } from "./inventory.ts";
import { takeLoadedInventory } from "./loaded_inventory.ts";
import { refreshInventory } from "./refresh.ts";
import type { Source } from "./sources.ts";

export interface ScanResult {
  readonly inventory: Inventory;
  /** In how many milliseconds another look is due; `null`: as far as is known, none is. */
  readonly dueInMs?: number | null;
  /** How many files the configuration names. */
  readonly named?: number;
  readonly seen:
    | { readonly tag: "taken"; readonly fingerprint: Fingerprint }
    | { readonly tag: "unreadable"; readonly unreadable: readonly Unreadable[] };
}

/** What the configuration `files` name besides; asked again only when one of them may have changed. */
export type FindNamed = (files: readonly SourceFile[]) => Promise<readonly Source[]>;

export interface Scanner {
  /** Scans at everything or, if nothing else can have changed, at the `touched` real paths. */
  scan(touched?: ReadonlySet<string> | null): Promise<ScanResult>;
  /** From now on looks at `listed` too, in place of the last such list, and then as `look` does. */
  scanWith(listed: readonly Source[]): Promise<ScanResult>;
}

/** Makes what looks at `sources` and at what these name. It remembers what it read, so keep just one. */
export function createScanner(
  sources: readonly Source[],
  findNamed: FindNamed,
  directories = new Directories(),
): Scanner {
  const fingerprint = createFingerprinter();
  let listed: readonly Source[] = [];
  let last: ScanResult | null = null;
  let namedCount = 0;
  let turn: Promise<unknown> = Promise.resolve();

  /** One look after the other, so that none mixes what two lists name. */
  function inTurn(scan: () => Promise<ScanResult>): Promise<ScanResult> {
    const next = turn.then(scan);
    turn = next.catch(() => {});
    return next;
  }

  async function takeAll(): Promise<Inventory> {
    directories.begin();
    const base = await takeInventory(sources, directories);
    const named = await findNamed(configurationsIn(base));
    namedCount = named.length;
    const known = new Set(base.files.map(({ path }) => path));
    const namedPaths = new Set(named.map(({ path }) => path));
    const others = listed.filter(({ path }) => !namedPaths.has(path));
    return merge(base, await takeLoadedInventory([...named, ...others], known, directories));
  }

  async function scanNow(touched: ReadonlySet<string> | null): Promise<ScanResult> {
    const before = last;
    const isRefreshing = touched !== null && before !== null;
    if (isRefreshing && touched.size === 0) return before;
    const refreshed = isRefreshing
      ? await refreshInventory(before.inventory, touched, directories)
      : null;
    const inventory = refreshed ?? await takeAll();
    const outcome = await fingerprint(inventory.files);
    if (refreshed === null && inventory.files.length > MANY) collectGarbage();
    const unreadable = [
      ...inventory.unreadable,
      ...(outcome.tag === "unreadable" ? outcome.unreadable : []),
    ];
    const isWhole = outcome.tag === "taken" && inventory.unreadable.length === 0;
    const more = { inventory, named: namedCount, dueInMs: directories.dueInMs };
    if (isWhole) return last = { ...more, seen: outcome };
    last = null;
    return { ...more, seen: { tag: "unreadable", unreadable } };
  }

  return {
    scan: (touched = null) => inTurn(() => scanNow(touched)),
    scanWith: (sources) =>
      inTurn(() => {
        listed = sources;
        return scanNow(null);
      }),
  };
}

/** The files that may name others. */
export const configurationsIn = ({ files }: Pick<Inventory, "files">): readonly SourceFile[] =>
  files.filter(({ source, whole }) => source.kind === "configuration" && whole === undefined);

/** So many leave some megabytes of garbage. */
const MANY = 2_000;

function merge(one: Inventory, other: Inventory): Inventory {
  return {
    files: [...one.files, ...other.files],
    unreadable: [...one.unreadable, ...other.unreadable],
    unnamed: [...one.unnamed, ...other.unnamed],
    directories: one.directories.union(other.directories),
    isRelevant: (path) => one.isRelevant(path) || other.isRelevant(path),
    isEntry: (path) => one.isEntry(path) || other.isEntry(path),
  };
}
