/** Finds the files that the sources stand for now, and the real directories in which to watch for changes. */
import { basename, dirname, join, resolve } from "@std/path";
import { expand, list, lstat } from "../files.ts";
import type { Settings } from "../settings/settings.ts";
import { systemReason } from "../system_reason.ts";
import { followLinks } from "./link_chain.ts";

/**
 * What to watch. A `configuration` and an `env_file` must be there: while one is missing nothing is
 * concluded from that. Anything `watched` may come and go, and both count as changes.
 */
export interface Source {
  readonly kind: "configuration" | "env_file" | "watched";
  /** Absolute. */
  readonly path: string;
}

/** Names every source of `settings`, in the order in which HAProxy reads them. */
export function sourcesOf(
  settings: Pick<Settings, "haproxy" | "envFile" | "watchPaths">,
  workingDirectory: string,
): readonly Source[] {
  const { configurations, directory } = settings.haproxy;
  const haproxyDirectory = resolve(workingDirectory, directory ?? ".");
  const envFiles = settings.envFile === null ? [] : [settings.envFile];
  return [
    ...configurations.map((path) => source("configuration", resolve(haproxyDirectory, path))),
    ...envFiles.map((path) => source("env_file", resolve(workingDirectory, path))),
    ...settings.watchPaths.map((path) => source("watched", resolve(workingDirectory, path))),
  ];
}

/** One file, or `null` in place of its state where there is none. */
export interface SourceFile {
  readonly path: string;
  readonly info: Deno.FileInfo | null;
}

export interface Unreadable {
  readonly path: string;
  readonly reason: string;
}

export interface Inventory {
  readonly files: readonly SourceFile[];
  readonly unreadable: readonly Unreadable[];
  /** Real paths. */
  readonly directories: ReadonlySet<string>;
  /** Whether a change of that real path, in one of the directories, may change what is served. */
  readonly isRelevant: (path: string) => boolean;
}

/** Finds everything that `sources` stand for at this moment. */
export async function takeInventory(sources: readonly Source[]): Promise<Inventory> {
  const collector = new Collector();
  for (const source of sources) await collector.add(source);
  return collector;
}

const source = (kind: Source["kind"], path: string): Source => ({ kind, path });

class Collector implements Inventory {
  readonly files: SourceFile[] = [];
  readonly unreadable: Unreadable[] = [];
  readonly directories = new Set<string>();
  readonly #entries = new Set<string>();
  /** Directories of which every visible member counts. */
  readonly #whole = new Set<string>();

  readonly isRelevant = (path: string): boolean =>
    this.#entries.has(path) || (this.#whole.has(dirname(path)) && isVisible(basename(path)));

  async add({ kind, path }: Source): Promise<void> {
    if (kind === "watched" && /[*?[{]/.test(path)) return await this.#addGlob(path);
    const end = await this.#follow(path);
    if (end.tag === "missing" && kind === "watched") this.files.push({ path, info: null });
    else if (end.tag !== "found") this.unreadable.push({ path, reason: end.reason });
    else if (end.info.isFile) this.files.push({ path, info: end.info });
    else if (!end.info.isDirectory) {
      this.unreadable.push({ path, reason: "neither a file nor a directory" });
    } else if (kind === "env_file") this.unreadable.push({ path, reason: "Is a directory" });
    else if (kind === "configuration") {
      await this.#addSorted(this.#configurations(path, end.realPath));
    } else await this.#addSorted(this.#tree(path, end.realPath, new Set()));
  }

  async #addSorted(found: Promise<SourceFile[]>): Promise<void> {
    this.files.push(...(await found).sort((a, b) => a.path < b.path ? -1 : 1));
  }

  async #follow(path: string) {
    const { directories, entries, end } = await followLinks(path);
    directories.forEach((directory) => this.directories.add(directory));
    entries.forEach((entry) => this.#entries.add(entry));
    return end;
  }

  /**
   * HAProxy loads the visible regular files that end in `.cfg`, in the order of their bytes, and does
   * not look further down (configuration manual, "-f" in section 3 of the management guide).
   */
  async #configurations(path: string, realPath: string): Promise<SourceFile[]> {
    const names = (await this.#list(path, realPath)).filter((name) => name.endsWith(".cfg"));
    const found = names.map(async (name): Promise<SourceFile[]> => {
      const end = await this.#member(realPath, name);
      if (end.tag !== "found") this.unreadable.push({ path: join(path, name), reason: end.reason });
      const isLoaded = end.tag === "found" && end.info.isFile;
      return isLoaded ? [{ path: join(path, name), info: end.info }] : [];
    });
    return (await Promise.all(found)).flat();
  }

  /** Every visible file below a watched directory; linked directories are followed, each only once. */
  async #tree(path: string, realPath: string, visited: Set<string>): Promise<SourceFile[]> {
    if (visited.has(realPath)) return [];
    visited.add(realPath);
    const names = (await this.#list(path, realPath)).sort();
    const ends = await Promise.all(names.map((name) => this.#member(realPath, name)));
    const files: SourceFile[] = [];
    // One after the other: of two links to the same directory it must always be the same that counts.
    for (const [index, end] of ends.entries()) {
      const member = join(path, names[index]!);
      if (end.tag !== "found") continue;
      if (end.info.isFile) files.push({ path: member, info: end.info });
      if (end.info.isDirectory) files.push(...await this.#tree(member, end.realPath, visited));
    }
    return files;
  }

  async #addGlob(glob: string): Promise<void> {
    const base = glob.slice(0, glob.search(/[^/]*[*?[{]/));
    const end = await this.#follow(base);
    if (end.tag === "found") this.#watchWhole(end.realPath);
    const paths = await this.#expand(glob);
    for (const path of paths.filter((path) => isVisible(basename(path))).sort()) {
      const match = await this.#follow(path);
      if (match.tag === "found" && match.info.isFile) this.files.push({ path, info: match.info });
    }
  }

  async #expand(glob: string): Promise<string[]> {
    try {
      return await expand(glob);
    } catch (error) {
      this.unreadable.push({ path: glob, reason: systemReason(error) });
      return [];
    }
  }

  async #list(path: string, realPath: string): Promise<string[]> {
    this.#watchWhole(realPath);
    try {
      return (await list(realPath)).filter(isVisible);
    } catch (error) {
      this.unreadable.push({ path, reason: systemReason(error) });
      return [];
    }
  }

  /** A plain file needs no walk from the root: its directory is real and watched. */
  async #member(directory: string, name: string) {
    const realPath = join(directory, name);
    const info = await lstat(realPath).catch(() => null);
    return info === null || info.isSymlink
      ? await this.#follow(realPath)
      : { tag: "found" as const, realPath, info };
  }

  #watchWhole(directory: string): void {
    this.directories.add(directory);
    this.#whole.add(directory);
  }
}

/** Editors keep hidden and `~` copies beside a file while they write it; HAProxy skips hidden ones too. */
const isVisible = (name: string) => !name.startsWith(".") && !name.endsWith("~");
