/** What a scan finds: the current files of the sources, and the real directories to watch. */
import { basename, dirname } from "@std/path";
import { lstatAll } from "../../system/files/files.ts";
import { type ChainEnd, followLinks, type LinkChain } from "../../system/files/link_chain.ts";
import type { Directories, WholeDirectory } from "../directories/directories.ts";
import { type FileState, stateOf } from "../directories/file_state.ts";
import { isVisible } from "../directories/globs.ts";
import type { Source } from "./sources.ts";

export interface SourceFile {
  readonly path: string;
  readonly realPath: string;
  /** `null`: there is no such file. */
  readonly info: FileState | null;
  readonly source: Source;
  /** Only for a directory that is followed as a whole. */
  readonly whole?: WholeDirectory;
}

export interface Unreadable {
  readonly path: string;
  readonly reason: string;
}

export interface Inventory {
  readonly files: readonly SourceFile[];
  readonly unreadable: readonly Unreadable[];
  /** Paths in listed directories that cannot be followed, because their names are not UTF-8. */
  readonly unnamed: readonly string[];
  /** Real directories to watch. */
  readonly directories: ReadonlySet<string>;
  /** Real paths on the way to a file, whether they exist or not. */
  readonly entries: ReadonlySet<string>;
  /** Real directories in which every visible name counts. */
  readonly listed: ReadonlySet<string>;
}

/** Whether a change at that real path may change what is served. */
export const isRelevant = (
  { entries, listed }: Pick<Inventory, "entries" | "listed">,
  path: string,
): boolean => entries.has(path) || (listed.has(dirname(path)) && isVisible(basename(path)));

export type Found = Extract<ChainEnd, { readonly tag: "found" }>;

/** An inventory in the making. */
export class Collector implements Inventory {
  readonly files: SourceFile[] = [];
  readonly unreadable: Unreadable[] = [];
  readonly unnamed: string[] = [];
  readonly directories = new Set<string>();
  readonly entries = new Set<string>();
  readonly listed = new Set<string>();
  readonly reader: Directories;

  constructor(reader: Directories) {
    this.reader = reader;
  }

  get inventory(): Inventory {
    const { files, unreadable, unnamed, directories, entries, listed } = this;
    return { files, unreadable, unnamed, directories, entries, listed };
  }

  async follow(path: string): Promise<ChainEnd> {
    const chain = await followLinks(path);
    this.mark(chain);
    return chain.end;
  }

  /** What `names` in the real `directory` lead to, in that order. */
  async followAll(directory: string, names: readonly string[]): Promise<ChainEnd[]> {
    // For 10,000 names this is faster than @std/path's join.
    const prefix = directory === "/" ? directory : `${directory}/`;
    const paths = names.map((name) => prefix + name);
    const infos = await lstatAll(paths);
    const ends: ChainEnd[] = [];
    for (const [index, info] of infos.entries()) {
      const realPath = paths[index]!;
      // A plain file needs no walk from the root: its directory is real and watched.
      const isPlain = info !== null && !info.isSymlink;
      ends.push(isPlain ? { tag: "found", realPath, info } : await this.follow(realPath));
    }
    return ends;
  }

  addFile(source: Source, path: string, { realPath, info }: Found): void {
    this.files.push({ path, realPath, info: stateOf(info), source });
  }

  addWhole(source: Source, { realPath, info }: Found, whole: WholeDirectory): void {
    this.watchNames(realPath);
    this.files.push({ path: source.path, realPath, info: stateOf(info), source, whole });
  }

  watchNames(directory: string): void {
    this.directories.add(directory);
    this.listed.add(directory);
  }

  mark({ directories, entries }: Pick<LinkChain, "directories" | "entries">): void {
    directories.forEach((directory) => this.directories.add(directory));
    entries.forEach((entry) => this.entries.add(entry));
  }

  absorb(other: Inventory): void {
    this.mark(other);
    other.listed.forEach((directory) => this.listed.add(directory));
    other.unreadable.forEach((path) => this.unreadable.push(path));
    other.unnamed.forEach((path) => this.unnamed.push(path));
    other.files.forEach((file) => this.files.push(file));
  }
}

/** Deno 2.9 replaces what is not UTF-8 in a name by U+FFFD, and so finds no such file; 2.6 lists none. */
export const isUnnamed = (name: string, { tag }: ChainEnd): boolean =>
  tag !== "found" && name.includes("\ufffd");

export const UNNAMED = "its name is not UTF-8";
