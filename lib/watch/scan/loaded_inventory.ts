/**
 * Finds the files that HAProxy loads besides its configuration, and where to watch them. Made for
 * 10,000 certificates: each directory is walked to and listed once.
 */
import { basename, dirname, join } from "@std/path";
import { isShortage, systemReason } from "../../text/system_reason.ts";
import { Directories } from "../directories/directories.ts";
import { stateOf } from "../directories/file_state.ts";
import type { Inventory, SourceFile, Unreadable } from "./inventory.ts";
import { type ChainEnd, followLinks } from "../../system/link_chain.ts";
import { findMembers, isVisible } from "../directories/directory_entries.ts";
import type { Source } from "./sources.ts";
import { isUnnamed } from "../directories/unnamed.ts";

/**
 * Finds what is there of `sources` and is not among `known` paths. What is missing is no fault, and
 * is looked for where its directory is there; only regular files count.
 */
export async function takeLoadedInventory(
  sources: readonly Source[],
  known: ReadonlySet<string>,
  directories = new Directories(),
): Promise<Inventory> {
  const collector = new Collector(known, directories);
  const byDirectory = Map.groupBy(sources, ({ path }) => dirname(path));
  for (const [directory, group] of byDirectory) await collector.addGroup(directory, group);
  return collector;
}

type Folder = Extract<ChainEnd, { readonly tag: "found" }>;

interface Wanted {
  readonly path: string;
  readonly source: Source;
}

class Collector implements Inventory {
  readonly files: SourceFile[] = [];
  readonly unreadable: Unreadable[] = [];
  readonly unnamed: string[] = [];
  readonly directories = new Set<string>();
  readonly #entries = new Set<string>();
  readonly #whole = new Set<string>();
  readonly #paths: Set<string>;
  readonly #reader: Directories;

  constructor(known: ReadonlySet<string>, reader: Directories) {
    this.#paths = new Set(known);
    this.#reader = reader;
  }

  readonly isRelevant = (path: string): boolean =>
    this.#entries.has(path) || (this.#whole.has(dirname(path)) && isVisible(basename(path)));

  readonly isEntry = (path: string): boolean => this.#entries.has(path);

  async addGroup(directory: string, sources: readonly Source[]): Promise<void> {
    const folder = await this.#open(directory);
    if (folder === null) return;
    if (!this.#reader.take(sources.length)) {
      return await this.#addMembers({ path: directory, source: sources[0]! }, folder);
    }
    const wanted = sources.flatMap((source) => [
      { path: source.path, source },
      ...source.sideFiles?.(source.path).map((path) => ({ path, source })) ?? [],
    ]);
    wanted.forEach(({ path }) => this.#entries.add(join(folder.realPath, basename(path))));
    const names = await this.#try(directory, () => this.#reader.names(folder.realPath, () => true));
    const present = names === null ? null : new Set(names);
    const found = wanted.filter(({ path }) => present?.has(basename(path)) ?? true);
    for (const one of await this.#addFiles(folder, found)) {
      const below = await this.#open(one.path);
      if (below !== null) await this.#addMembers(one, below);
    }
  }

  /** Adds the files among `wanted`, and gives the directories. */
  async #addFiles(folder: Folder, wanted: readonly Wanted[]): Promise<Wanted[]> {
    const ends = await findMembers(
      folder.realPath,
      wanted.map(({ path }) => basename(path)),
      this.#follow,
    );
    return wanted.filter(({ path, source }, index) => {
      const end = ends[index]!;
      if (isUnnamed(path, end)) this.unnamed.push(path);
      if (end.tag === "found" && end.info.isFile && !this.#paths.has(path)) {
        this.#paths.add(path);
        this.files.push({ path, realPath: end.realPath, info: stateOf(end.info), source });
      }
      return end.tag === "found" && end.info.isDirectory;
    });
  }

  /** HAProxy does not look below the directories that it loads. */
  async #addMembers({ path, source }: Wanted, folder: Folder): Promise<void> {
    const { realPath, info } = folder;
    this.#whole.add(realPath);
    const isWanted = isVisible;
    const members = await this.#try(path, () => this.#reader.members(realPath, { isWanted }));
    if (members === null) return;
    if ("digest" in members) {
      this.files.push({ path, realPath, info: stateOf(info), source, whole: members });
      return;
    }
    const names = members.toSorted();
    await this.#addFiles(folder, names.map((name) => ({ path: `${path}/${name}`, source })));
  }

  async #open(path: string): Promise<Folder | null> {
    const chain = await followLinks(path);
    const { end } = chain;
    // It may come, but a name of nothing must not make the wrapper watch "/".
    if (!chain.directories.has("/")) this.#mark(chain);
    if (end.tag !== "found" || !end.info.isDirectory) return null;
    this.#mark(chain);
    this.directories.add(end.realPath);
    return end;
  }

  /** `null` where that is not allowed; a directory that could not be opened is not an empty one. */
  async #try<Result>(path: string, read: () => Promise<Result>): Promise<Result | null> {
    try {
      return await read();
    } catch (error) {
      if (isShortage(error)) this.unreadable.push({ path, reason: systemReason(error) });
      return null;
    }
  }

  readonly #follow = async (path: string): Promise<ChainEnd> => {
    const chain = await followLinks(path);
    this.#mark(chain);
    return chain.end;
  };

  #mark({ directories, entries }: Awaited<ReturnType<typeof followLinks>>): void {
    directories.forEach((directory) => this.directories.add(directory));
    entries.forEach((entry) => this.#entries.add(entry));
  }
}
