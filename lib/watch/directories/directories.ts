/**
 * Reads directories in portions. One with too many entries is followed as a whole: a digest of names and stamps
 * shows whether anything in it has changed. Nothing is stored per entry, and the longer the directory takes to
 * read, the less often it is read.
 */
import { list as listAll, lstat, statAtOnce } from "../../system/files/files.ts";
import type { DirectoryEntry } from "../../system/directory_entries.ts";
import type { Libc } from "../../system/libc.ts";
import { collectGarbage } from "../../system/garbage.ts";
import { EntrySum } from "./entry_sum.ts";

/** A directory that is followed as a whole. */
export interface WholeDirectory {
  /** Equal for equal names and stamps, in any order. */
  readonly digest: string;
  /** How many names count. */
  readonly entries: number;
  /** When the newest of them was modified, in milliseconds since 1970. */
  readonly newestMs: number;
  /** How long it took to read. */
  readonly durationMs: number;
}

/** What counts in a directory. */
export interface Selection {
  readonly isWanted: (name: string) => boolean;
  /** Whether subdirectories count too. Links there are not followed. */
  readonly isDeep?: boolean;
}

/** How many files and directories are followed one by one; 10,000 take 60 MB of memory. */
const MOST_ENTRIES = 12_000;

/** How many files a directory counts for, because of its watch. */
const DIRECTORY_COST = 10;

/** A whole directory is left alone for a multiple of its reading time: after an event, and for the poll. */
const EVENT_PAUSE = 4;
export const POLL_PAUSE = 50;

/** Below this share of what is left, a whole directory is followed entry by entry again. */
const FEW_AGAIN = 0.8;

/** Each level being read takes a file descriptor and a buffer. */
const MOST_LEVELS = 64;

interface KnownDirectory extends Selection {
  readonly whole: WholeDirectory;
  readonly readMs: number;
  isTouched: boolean;
  isUsed: boolean;
}

/** Remembers whole directories from scan to scan, and how many more files the current one can follow. */
export class Directories {
  readonly #open: Libc["openDirectory"] | null;
  readonly #now: () => number;
  readonly #most: number;
  readonly #known = new Map<string, KnownDirectory>();
  #left: number;
  #restedMs = -Infinity;
  #rests = 0;

  /** Without `open` a directory is read in one go, whatever memory that takes. */
  constructor(
    open: Libc["openDirectory"] | null = null,
    { now = () => performance.now(), most = MOST_ENTRIES } = {},
  ) {
    this.#open = open;
    this.#now = now;
    this.#most = this.#left = most;
  }

  /** Begins a full scan, and forgets what the last one did not meet. */
  begin(): void {
    this.#left = this.#most;
    for (const [path, known] of this.#known) {
      if (!known.isUsed) this.#known.delete(path);
      known.isUsed = false;
    }
  }

  /** Whether `count` more files can be followed one by one; if so, they count from now on. */
  takeFiles(count: number): boolean {
    if (count > this.#left) return false;
    this.#left -= count;
    return true;
  }

  takeDirectory(): boolean {
    return this.takeFiles(DIRECTORY_COST);
  }

  /** The names that count in a real directory, or the directory as a whole if there are too many. */
  async members(path: string, selection: Selection): Promise<readonly string[] | WholeDirectory> {
    return await this.knownWhole(path, selection) ??
      await this.takeNames(path, selection.isWanted) ??
      await this.whole(path, selection);
  }

  /** A directory that has been followed as a whole, if it still must be. */
  async knownWhole(path: string, selection: Selection): Promise<WholeDirectory | null> {
    if (!this.#known.has(path)) return null;
    const whole = await this.whole(path, selection);
    if (whole.entries > FEW_AGAIN * this.#left) return whole;
    this.#known.delete(path);
    return null;
  }

  /** The names that count, which are followed one by one from now on; `null` if there are too many. */
  async takeNames(path: string, isWanted: (name: string) => boolean): Promise<string[] | null> {
    const names = await this.names(path, isWanted);
    return names !== null && this.takeFiles(names.length) ? names : null;
  }

  /** The names that count; `null` if there are too many to follow one by one. */
  async names(path: string, isWanted: (name: string) => boolean): Promise<string[] | null> {
    const names: string[] = [];
    for await (const portion of this.#portions(path)) {
      for (const { name } of portion) if (isWanted(name)) names.push(name);
      if (names.length > this.#left) return null;
    }
    return names;
  }

  /** Whether a real directory, down to `mostLevels`, holds too much to list. */
  async isHuge(path: string, mostLevels: number): Promise<boolean> {
    const levels = Math.min(mostLevels, MOST_LEVELS);
    let left = 3 * this.#most;
    for await (const portion of this.#entries(path, { isWanted: () => true, levels })) {
      left -= portion.length;
      if (left < 0) return true;
    }
    return false;
  }

  /** A directory as a whole: as it is now, or as last read if that was recent. */
  async whole(path: string, selection: Selection): Promise<WholeDirectory> {
    const known = this.#known.get(path);
    if (known !== undefined && this.#pauseMs(known) > 0) {
      known.isUsed = true;
      return known.whole;
    }
    const startedMs = this.#now();
    const sum = new EntrySum();
    const levels = selection.isDeep ? MOST_LEVELS : 1;
    for await (const portion of this.#entries(path, { ...selection, levels })) {
      for (const entry of portion) sum.add(entry.name, statAtOnce(entry.path));
    }
    const readMs = this.#now();
    const whole = { ...sum.value, durationMs: readMs - startedMs };
    this.#known.set(path, { ...selection, whole, readMs, isTouched: false, isUsed: true });
    return whole;
  }

  /** The same for a whole directory in which something has changed; `null` if it is not one. */
  async wholeAgain(path: string): Promise<WholeDirectory | null> {
    const known = this.#known.get(path);
    if (known === undefined) return null;
    known.isTouched = true;
    return await this.whole(path, known);
  }

  /** Lets a whole directory be read again as soon as if it had changed. */
  doubt(path: string): void {
    const known = this.#known.get(path);
    if (known !== undefined) known.isTouched = true;
  }

  /** In how many milliseconds a whole directory that has changed may be read; `Infinity`: none has. */
  get dueInMs(): number {
    const touched = [...this.#known.values()].filter(({ isTouched }) => isTouched);
    return Math.max(0, Math.min(...touched.map((known) => this.#pauseMs(known))));
  }

  #pauseMs({ whole, readMs, isTouched }: KnownDirectory): number {
    return readMs + (isTouched ? EVENT_PAUSE : POLL_PAUSE) * whole.durationMs - this.#now();
  }

  /** The entries that count in a directory and below it, by their relative names. */
  async *#entries(
    directory: string,
    { isWanted, levels, below = "" }: {
      readonly isWanted: Selection["isWanted"];
      readonly levels: number;
      readonly below?: string;
    },
  ): AsyncGenerator<readonly { readonly name: string; readonly path: string }[]> {
    for await (const portion of this.#portions(directory)) {
      const wanted = portion.filter(({ name }) => isWanted(name));
      yield wanted.map(({ name }) => ({ name: below + name, path: `${directory}/${name}` }));
      for (const { name, isDirectory } of levels > 1 ? wanted : []) {
        if (!isDirectory) continue;
        const inside = { isWanted, levels: levels - 1, below: `${below}${name}/` };
        try {
          yield* this.#entries(`${directory}/${name}`, inside);
        } catch {
          // It is gone or unreadable, which its own state shows.
        }
      }
    }
  }

  async *#portions(path: string): AsyncGenerator<readonly DirectoryEntry[]> {
    await this.#rest(path);
    const reader = this.#open?.(path) ?? null;
    // Deno's own error says whether it is unreadable or not a directory.
    if (reader === null) {
      const names = await listAll(path);
      return yield names.map((name) => ({ name, isDirectory: false }));
    }
    try {
      for (let portion = reader.next(); portion.length > 0; portion = reader.next()) {
        yield portion;
        await this.#rest(path);
      }
    } finally {
      reader.close();
    }
  }

  /**
   * Now and then asks for a file's state on a thread, which lets other work run: if a network mount hangs, so does
   * the thread, not the program. Collects garbage before it exceeds some megabytes.
   */
  async #rest(path: string): Promise<void> {
    const nowMs = this.#now();
    if (nowMs - this.#restedMs < PORTION_MS) return;
    if (++this.#rests % COLLECT_AFTER === 0) collectGarbage();
    await lstat(path).catch(() => {});
    this.#restedMs = this.#now();
  }
}

/** How long the main thread works between rests. */
const PORTION_MS = 2;
/** In rests. */
const COLLECT_AFTER = 100;
