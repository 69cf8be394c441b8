/** Finds the files that the user's sources stand for now, and the real directories in which to watch for changes. */
import { basename, dirname, join } from "@std/path";
import { isMissing, systemReason } from "../../text/system_reason.ts";
import { Directories, type Wanted, type Whole } from "../directories/directories.ts";
import { type FileState, stateOf } from "../directories/file_state.ts";
import { fixedPart, isGlob, matchesOf } from "../directories/globs.ts";
import { type ChainEnd, followLinks } from "../../system/link_chain.ts";
import { findMembers, isVisible } from "../directories/directory_entries.ts";
import type { Source } from "./sources.ts";
import { isUnnamed, UNNAMED } from "../directories/unnamed.ts";

/** One file, or `null` in place of its state where there is none. */
export interface SourceFile {
  readonly path: string;
  readonly realPath: string;
  readonly info: FileState | null;
  readonly source: Source;
  /** Only of a directory that stands for all that is in it. */
  readonly whole?: Whole;
}

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
export async function takeInventory(
  sources: readonly Source[],
  directories = new Directories(),
): Promise<Inventory> {
  const collector = new Collector(directories);
  for (const source of sources) await collector.add(source);
  return collector;
}

class Collector implements Inventory {
  readonly files: SourceFile[] = [];
  readonly unreadable: Unreadable[] = [];
  readonly unnamed: string[] = [];
  readonly directories = new Set<string>();
  readonly #entries = new Set<string>();
  /** Directories of which every visible member counts. */
  readonly #whole = new Set<string>();
  readonly #reader: Directories;

  constructor(reader: Directories) {
    this.#reader = reader;
  }

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
    else if (kind === "configuration") await this.#addConfigurations(source, end);
    else await this.#addTree(source, end);
  }

  #addSorted(found: SourceFile[]): void {
    for (const file of found.sort((a, b) => a.path < b.path ? -1 : 1)) {
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
  async #addConfigurations(source: Source, end: Found): Promise<void> {
    const { path } = source;
    const names = await this.#members(source, end, CONFIGURATIONS);
    const ends = await findMembers(end.realPath, names, this.#follow);
    this.#addSorted(ends.flatMap((end, index) => {
      const member = join(path, names[index]!);
      if (end.tag !== "found") {
        const reason = isUnnamed(names[index]!, end) ? UNNAMED : end.reason;
        this.unreadable.push({ path: member, reason });
      }
      return end.tag === "found" && end.info.isFile ? [fileOf(source, member, end)] : [];
    }));
  }

  /** Every visible file below a watched directory, unless they are too many. */
  async #addTree(source: Source, end: Found): Promise<void> {
    const known = await this.#reader.knownWhole(end.realPath, ALL_BELOW);
    if (known !== null) return this.#addWhole(source, end, known);
    const inside = new Collector(this.#reader);
    const files = await inside.#tree(source, end.realPath);
    if (files === null) {
      return this.#addWhole(source, end, await this.#reader.whole(end.realPath, ALL_BELOW));
    }
    inside.directories.forEach((one) => this.directories.add(one));
    inside.#entries.forEach((one) => this.#entries.add(one));
    inside.#whole.forEach((one) => this.#whole.add(one));
    inside.unreadable.forEach((one) => this.unreadable.push(one));
    inside.unnamed.forEach((one) => this.unnamed.push(one));
    this.#addSorted(files);
  }

  /** Linked directories are followed, each only once; `null`: there are too many. */
  async #tree(
    source: Source,
    realPath: string,
    path = source.path,
    visited = new Set<string>(),
  ): Promise<SourceFile[] | null> {
    if (visited.has(realPath)) return [];
    visited.add(realPath);
    this.#watchWhole(realPath);
    const names = await this.#names(path, realPath);
    if (names === null || !this.#reader.takeDirectory()) return null;
    const ends = await findMembers(realPath, names.sort(), this.#follow);
    const files: SourceFile[] = [];
    // One after the other: of two links to the same directory it must always be the same that counts.
    for (const [index, end] of ends.entries()) {
      const member = join(path, names[index]!);
      if (isUnnamed(names[index]!, end)) this.unnamed.push(member);
      if (end.tag !== "found") continue;
      if (end.info.isFile) files.push(fileOf(source, member, end));
      if (!end.info.isDirectory) continue;
      const below = await this.#tree(source, end.realPath, member, visited);
      if (below === null) return null;
      for (const file of below) files.push(file);
    }
    return files;
  }

  async #addGlob(source: Source): Promise<void> {
    const { path: glob } = source;
    const base = fixedPart(glob);
    const end = await this.#follow(base);
    if (end.tag === "found") {
      this.#watchWhole(end.realPath);
      const whole = await this.#hugeBase(source, { end, below: glob.slice(base.length) });
      if (whole !== null) return this.#addWhole({ ...source, path: base }, end, whole);
    }
    const paths = await this.#matches(glob);
    if (end.tag === "found" && !this.#reader.take(paths.length)) {
      const whole = await this.#reader.whole(end.realPath, ALL_BELOW);
      return this.#addWhole({ ...source, path: base }, end, whole);
    }
    for (const path of paths) {
      const match = await this.#follow(path);
      if (match.tag === "found" && match.info.isFile) this.files.push(fileOf(source, path, match));
    }
  }

  /** The directory in which a glob begins, if there is too much in it; `null`: it is not followed as a whole. */
  async #hugeBase(
    source: Source,
    { end, below }: { readonly end: Found; readonly below: string },
  ): Promise<Whole | null> {
    const levels = below.includes("**") ? Infinity : below.split("/").length;
    const wanted = levels > 1 ? ALL_BELOW : { isWanted: isVisible };
    try {
      const known = await this.#reader.knownWhole(end.realPath, wanted);
      const isHuge = known === null && await this.#reader.isHuge(end.realPath, levels);
      return isHuge ? await this.#reader.whole(end.realPath, wanted) : known;
    } catch (error) {
      if (!isMissing(error)) {
        this.unreadable.push({ path: source.path, reason: systemReason(error) });
      }
      return null;
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

  /** Those of a directory that is followed as a whole are none. */
  async #members(source: Source, end: Found, wanted: Wanted): Promise<readonly string[]> {
    this.#watchWhole(end.realPath);
    try {
      const members = await this.#reader.members(end.realPath, wanted);
      if (!("digest" in members)) return members;
      this.#addWhole(source, end, members);
    } catch (error) {
      this.unreadable.push({ path: source.path, reason: systemReason(error) });
    }
    return [];
  }

  /** `null`: there are too many. */
  async #names(path: string, realPath: string): Promise<string[] | null> {
    try {
      const names = await this.#reader.names(realPath, isVisible);
      return names !== null && this.#reader.take(names.length) ? names : null;
    } catch (error) {
      // What is watched may vanish while it is looked at.
      if (!isMissing(error)) this.unreadable.push({ path, reason: systemReason(error) });
      return [];
    }
  }

  #addWhole(source: Source, end: Found, whole: Whole): void {
    this.#watchWhole(end.realPath);
    this.files.push({ ...fileOf(source, source.path, end), whole });
  }

  #watchWhole(directory: string): void {
    this.directories.add(directory);
    this.#whole.add(directory);
  }
}

type Found = Extract<ChainEnd, { tag: "found" }>;

const CONFIGURATIONS: Wanted = { isWanted: (name) => isVisible(name) && name.endsWith(".cfg") };
const ALL_BELOW: Wanted = { isWanted: isVisible, isDeep: true };

const fileOf = (source: Source, path: string, { realPath, info }: Found): SourceFile => ({
  path,
  realPath,
  info: stateOf(info),
  source,
});
