/**
 * Finds the files that HAProxy loads besides its configuration, and where to watch them. Made for
 * 10,000 certificates: each directory is walked to and listed once.
 */
import { basename, dirname, join } from "@std/path";
import { list } from "../files.ts";
import { isShortage, systemReason } from "../system_reason.ts";
import { type Inventory, type SourceFile, stateOf, type Unreadable } from "./inventory.ts";
import { type ChainEnd, followLinks } from "./link_chain.ts";
import { findMembers, isVisible } from "./members.ts";
import type { Source } from "./sources.ts";
import { isUnnamed } from "./unnamed.ts";

/**
 * Finds what is there of `sources` and is not among `known` paths. What is missing is no fault, and
 * is looked for where its directory is there; only regular files count.
 */
export async function takeLoadedInventory(
  sources: readonly Source[],
  known: ReadonlySet<string>,
): Promise<Inventory> {
  const collector = new Collector(known);
  const byDirectory = Map.groupBy(sources, ({ path }) => dirname(path));
  for (const [directory, group] of byDirectory) await collector.addGroup(directory, group);
  return collector;
}

interface Folder {
  readonly realPath: string;
  /** `null`: it cannot be listed, although its members may be there. */
  readonly names: ReadonlySet<string> | null;
}

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

  constructor(known: ReadonlySet<string>) {
    this.#paths = new Set(known);
  }

  readonly isRelevant = (path: string): boolean =>
    this.#entries.has(path) || (this.#whole.has(dirname(path)) && isVisible(basename(path)));

  readonly isEntry = (path: string): boolean => this.#entries.has(path);

  async addGroup(directory: string, sources: readonly Source[]): Promise<void> {
    const folder = await this.#open(directory);
    if (folder === null) return;
    const wanted = sources.flatMap((source) => [
      { path: source.path, source },
      ...source.sideFiles?.(source.path).map((path) => ({ path, source })) ?? [],
    ]);
    wanted.forEach(({ path }) => this.#entries.add(join(folder.realPath, basename(path))));
    const present = wanted.filter(({ path }) => folder.names?.has(basename(path)) ?? true);
    for (const { path, source } of await this.#addFiles(folder, present)) {
      await this.#addMembers(path, source);
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
  async #addMembers(path: string, source: Source): Promise<void> {
    const folder = await this.#open(path);
    if (folder === null) return;
    this.#whole.add(folder.realPath);
    const names = [...folder.names ?? []].filter(isVisible).sort();
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
    const names = await this.#list(path, end.realPath);
    return { realPath: end.realPath, names: names === null ? null : new Set(names) };
  }

  /** `null` where that is not allowed; a directory that could not be opened is not an empty one. */
  async #list(path: string, realPath: string): Promise<string[] | null> {
    try {
      return await list(realPath);
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
