/** Finds the files that the user's sources stand for now, and the real directories in which to watch for changes. */
import { basename, dirname, join } from "@std/path";
import { list } from "../files.ts";
import { isMissing, systemReason } from "../system_reason.ts";
import { fixedPart, isGlob, matchesOf } from "./globs.ts";
import { type ChainEnd, followLinks } from "./link_chain.ts";
import { findMembers, isVisible } from "./members.ts";
import type { Source } from "./sources.ts";
import { isUnnamed, UNNAMED } from "./unnamed.ts";

/** One file, or `null` in place of its state where there is none. */
export interface SourceFile {
  readonly path: string;
  readonly realPath: string;
  readonly info: FileState | null;
  readonly source: Source;
}

/** What tells one state of a file from another. Kept small: there may be 10,000 of them. */
export type FileState = Pick<Deno.FileInfo, "dev" | "ino" | "size" | "mtime" | "ctime" | "nlink">;

export interface Unreadable {
  readonly path: string;
  readonly reason: string;
}

export interface Inventory {
  readonly files: readonly SourceFile[];
  readonly unreadable: readonly Unreadable[];
  /** Paths in listed directories that nobody can look at, as their names are not UTF-8. */
  readonly unnamed: readonly string[];
  /** Real paths. */
  readonly directories: ReadonlySet<string>;
  /** Whether a change of that real path, in one of the directories, may change what is served. */
  readonly isRelevant: (path: string) => boolean;
  /** Whether that real path was gone through, or looked for, on the way to a file. */
  readonly isEntry: (path: string) => boolean;
}

/** Finds everything that `sources`, which HAProxy need not have loaded, stand for at this moment. */
export async function takeInventory(sources: readonly Source[]): Promise<Inventory> {
  const collector = new Collector();
  for (const source of sources) await collector.add(source);
  return collector;
}

/** What `info` tells of a file's state. */
export function stateOf({ dev, ino, size, mtime, ctime, nlink }: Deno.FileInfo): FileState {
  return { dev, ino, size, mtime, ctime, nlink };
}

class Collector implements Inventory {
  readonly files: SourceFile[] = [];
  readonly unreadable: Unreadable[] = [];
  readonly unnamed: string[] = [];
  readonly directories = new Set<string>();
  readonly #entries = new Set<string>();
  /** Directories of which every visible member counts. */
  readonly #whole = new Set<string>();

  readonly isRelevant = (path: string): boolean =>
    this.#entries.has(path) || (this.#whole.has(dirname(path)) && isVisible(basename(path)));

  readonly isEntry = (path: string): boolean => this.#entries.has(path);

  async add(source: Source): Promise<void> {
    const { kind, path } = source;
    if (kind === "watched" && isGlob(path)) return await this.#addGlob(source);
    const end = await this.#follow(path);
    if (end.tag === "missing" && kind === "watched") {
      this.files.push({ path, realPath: path, info: null, source });
    } else if (end.tag !== "found") this.unreadable.push({ path, reason: end.reason });
    else if (end.info.isFile) this.files.push(fileOf(source, path, end));
    else if (!end.info.isDirectory) {
      this.unreadable.push({ path, reason: "neither a file nor a directory" });
    } else if (kind === "env_file") this.unreadable.push({ path, reason: "Is a directory" });
    else if (kind === "configuration") {
      await this.#addSorted(this.#configurations(source, end.realPath));
    } else await this.#addSorted(this.#tree(source, end.realPath));
  }

  async #addSorted(found: Promise<SourceFile[]>): Promise<void> {
    for (const file of (await found).sort((a, b) => a.path < b.path ? -1 : 1)) {
      this.files.push(file);
    }
  }

  readonly #follow = async (path: string): Promise<ChainEnd> => {
    const { directories, entries, end } = await followLinks(path);
    directories.forEach((directory) => this.directories.add(directory));
    entries.forEach((entry) => this.#entries.add(entry));
    return end;
  };

  /**
   * HAProxy loads the visible regular files that end in `.cfg`, in the order of their bytes, and does
   * not look further down (configuration manual, "-f" in section 3 of the management guide).
   */
  async #configurations(source: Source, realPath: string): Promise<SourceFile[]> {
    const { path } = source;
    const names = (await this.#list(realPath, source)).filter((name) => name.endsWith(".cfg"));
    const ends = await findMembers(realPath, names, this.#follow);
    return ends.flatMap((end, index) => {
      const member = join(path, names[index]!);
      if (end.tag !== "found") {
        const reason = isUnnamed(names[index]!, end) ? UNNAMED : end.reason;
        this.unreadable.push({ path: member, reason });
      }
      return end.tag === "found" && end.info.isFile ? [fileOf(source, member, end)] : [];
    });
  }

  /** Every visible file below a watched directory; linked directories are followed, each only once. */
  async #tree(
    source: Source,
    realPath: string,
    path = source.path,
    visited = new Set<string>(),
  ): Promise<SourceFile[]> {
    if (visited.has(realPath)) return [];
    visited.add(realPath);
    const names = (await this.#list(realPath, { ...source, path })).sort();
    const ends = await findMembers(realPath, names, this.#follow);
    const files: SourceFile[] = [];
    // One after the other: of two links to the same directory it must always be the same that counts.
    for (const [index, end] of ends.entries()) {
      const member = join(path, names[index]!);
      if (isUnnamed(names[index]!, end)) this.unnamed.push(member);
      if (end.tag !== "found") continue;
      if (end.info.isFile) files.push(fileOf(source, member, end));
      if (end.info.isDirectory) {
        files.push(...await this.#tree(source, end.realPath, member, visited));
      }
    }
    return files;
  }

  async #addGlob(source: Source): Promise<void> {
    const { path: glob } = source;
    const end = await this.#follow(fixedPart(glob));
    if (end.tag === "found") this.#watchWhole(end.realPath);
    for (const path of await this.#matches(glob)) {
      const match = await this.#follow(path);
      if (match.tag === "found" && match.info.isFile) this.files.push(fileOf(source, path, match));
    }
  }

  async #matches(glob: string): Promise<string[]> {
    try {
      return await matchesOf(glob);
    } catch (error) {
      this.unreadable.push({ path: glob, reason: systemReason(error) });
      return [];
    }
  }

  async #list(realPath: string, { path, kind }: Pick<Source, "path" | "kind">): Promise<string[]> {
    this.#watchWhole(realPath);
    try {
      return (await list(realPath)).filter(isVisible);
    } catch (error) {
      // What is watched may vanish while it is looked at.
      const isNoProblem = kind === "watched" && isMissing(error);
      if (!isNoProblem) this.unreadable.push({ path, reason: systemReason(error) });
      return [];
    }
  }

  #watchWhole(directory: string): void {
    this.directories.add(directory);
    this.#whole.add(directory);
  }
}

const fileOf = (
  source: Source,
  path: string,
  { realPath, info }: Extract<ChainEnd, { tag: "found" }>,
): SourceFile => ({ path, realPath, info: stateOf(info), source });
