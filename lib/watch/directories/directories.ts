/**
 * Reads directories in portions. One with too many entries to follow each is followed as a whole: a digest of
 * its names and stamps tells whether anything in it changed, nothing is kept for an entry, and how often it
 * is read is bounded by how long that takes.
 */
import { list as listAll, lstat, statAtOnce } from "../../system/files.ts";
import type { DirectoryEntry, Libc } from "../../system/libc.ts";
import { collectGarbage } from "../../system/memory.ts";
import { EntrySum } from "./entry_sum.ts";

/** A directory of which no entry is followed by itself. */
export interface Whole {
  /** Equal for equal names and stamps, in whatever order. */
  readonly digest: string;
  /** How many count. */
  readonly entries: number;
  /** When the newest of them was modified, in milliseconds since 1970. */
  readonly newestMs: number;
  /** How long it took to read. */
  readonly durationMs: number;
}

export interface Wanted {
  /** Which names count. */
  readonly isWanted: (name: string) => boolean;
  /** Whether what is in the directories below it counts, too. Links are not followed there. */
  readonly isDeep?: boolean;
}

/** So many files and directories are followed one by one; 10,000 take 60 MB of memory. */
export const MOST_ENTRIES = 12_000;

/** A directory has a watch of its own besides. */
const DIRECTORY_COST = 10;

/** A whole directory is read after so many times the time that it takes: by an event, and by the poll. */
const EVENT_PAUSE = 4;
export const POLL_PAUSE = 50;

/** A directory is followed one by one again once it has this share of the most. */
const FEW_AGAIN = 0.8;

/** Those further down are not looked at: each level that is open takes a file and a buffer. */
const MOST_LEVELS = 64;

interface Known extends Wanted {
  readonly whole: Whole;
  readonly readMs: number;
  isTouched: boolean;
  isUsed: boolean;
}

/** What is known of directories from one look to the next. */
export class Directories {
  readonly #open: Libc["openDirectory"] | null;
  readonly #now: () => number;
  readonly #most: number;
  readonly #known = new Map<string, Known>();
  #left: number;
  #restedMs = -Infinity;
  #rests = 0;

  /** Without `open` a directory is read at once, whatever memory that takes. */
  constructor(
    open: Libc["openDirectory"] | null = null,
    { now = () => performance.now(), most = MOST_ENTRIES } = {},
  ) {
    this.#open = open;
    this.#now = now;
    this.#most = this.#left = most;
  }

  /** Another look at everything begins. What the last one did not come across is forgotten. */
  begin(): void {
    this.#left = this.#most;
    for (const [path, known] of this.#known) {
      if (!known.isUsed) this.#known.delete(path);
      known.isUsed = false;
    }
  }

  /** Takes that many of the files that can be followed one by one; `false` if there are not as many. */
  take(count: number): boolean {
    if (count > this.#left) return false;
    this.#left -= count;
    return true;
  }

  takeDirectory(): boolean {
    return this.take(DIRECTORY_COST);
  }

  /** The names that count in a real directory, which are taken; or it as a whole, if they are too many. */
  async members(path: string, wanted: Wanted): Promise<readonly string[] | Whole> {
    const whole = await this.knownWhole(path, wanted);
    if (whole !== null) return whole;
    const names = await this.names(path, wanted.isWanted);
    if (names !== null && this.take(names.length)) return names;
    return await this.whole(path, wanted);
  }

  /** One that was followed as a whole and still is to be. */
  async knownWhole(path: string, wanted: Wanted): Promise<Whole | null> {
    if (!this.#known.has(path)) return null;
    const whole = await this.whole(path, wanted);
    if (whole.entries > FEW_AGAIN * this.#left) return whole;
    this.#known.delete(path);
    return null;
  }

  /** The names that count; `null` if they are more than can be followed. */
  async names(path: string, isWanted: (name: string) => boolean): Promise<string[] | null> {
    const names: string[] = [];
    for await (const portion of this.#portions(path)) {
      for (const { name } of portion) if (isWanted(name)) names.push(name);
      if (names.length > this.#left) return null;
    }
    return names;
  }

  /** Whether there is more in and below a real directory, down to so many levels, than can be listed at once. */
  async isHuge(path: string, levels: number): Promise<boolean> {
    return await this.#count(path, { levels, left: 3 * this.#most }) < 0;
  }

  /** How many of `left` are left; less than 0: none is, and that is all. */
  async #count(
    path: string,
    { levels, left }: { readonly levels: number; readonly left: number },
  ): Promise<number> {
    let rest = left;
    for await (const portion of this.#portions(path)) {
      rest -= portion.length;
      for (const { name, isDirectory } of portion) {
        if (rest < 0) return rest;
        if (!isDirectory || levels <= 1) continue;
        const below = { levels: Math.min(levels, MOST_LEVELS) - 1, left: rest };
        rest = await this.#count(`${path}/${name}`, below).catch(() => rest);
      }
    }
    return rest;
  }

  /** As it is now, or as it was when it was last read if that is not long ago. */
  async whole(path: string, wanted: Wanted): Promise<Whole> {
    const known = this.#known.get(path);
    if (known !== undefined && this.#pauseMs(known) > 0) {
      known.isUsed = true;
      return known.whole;
    }
    const startedMs = this.#now();
    const sum = new EntrySum();
    await this.#add(path, wanted, { sum, below: "", level: 0 });
    const readMs = this.#now();
    const whole = { ...sum.value, durationMs: readMs - startedMs };
    this.#known.set(path, { ...wanted, whole, readMs, isTouched: false, isUsed: true });
    return whole;
  }

  /** The same of one in which something has changed. */
  async wholeAgain(path: string): Promise<Whole | null> {
    const known = this.#known.get(path);
    if (known === undefined) return null;
    known.isTouched = true;
    return await this.whole(path, known);
  }

  /** In how many milliseconds one may be read again in which something has changed; `null`: there is none. */
  get dueInMs(): number | null {
    let dueInMs: number | null = null;
    for (const known of this.#known.values()) {
      if (known.isTouched) dueInMs = Math.min(dueInMs ?? Infinity, this.#pauseMs(known));
    }
    return dueInMs === null ? null : Math.max(0, dueInMs);
  }

  #pauseMs({ whole, readMs, isTouched }: Known): number {
    return readMs + (isTouched ? EVENT_PAUSE : POLL_PAUSE) * whole.durationMs - this.#now();
  }

  async #add(
    path: string,
    { isWanted, isDeep = false }: Wanted,
    { sum, below, level }: {
      readonly sum: EntrySum;
      readonly below: string;
      readonly level: number;
    },
  ): Promise<void> {
    try {
      for await (const portion of this.#portions(path)) {
        for (const { name, isDirectory } of portion) {
          if (!isWanted(name)) continue;
          const member = `${path}/${name}`;
          sum.add(below + name, statAtOnce(member));
          if (!isDeep || !isDirectory || level >= MOST_LEVELS) continue;
          const inside = { sum, below: `${below}${name}/`, level: level + 1 };
          await this.#add(member, { isWanted, isDeep }, inside);
        }
      }
    } catch (error) {
      // What is below may have gone meanwhile, or may not be read, which its own stamp tells.
      if (level === 0) throw error;
    }
  }

  async *#portions(path: string): AsyncGenerator<readonly DirectoryEntry[]> {
    await this.#rest(path);
    const reader = this.#open?.(path) ?? null;
    // It may not be read, or is none: that is what Deno's own error tells.
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
   * Once in a while a look on a thread, which lets others in between: where a network mount hangs, that does,
   * and not the program. Garbage is collected before it becomes more than some megabytes.
   */
  async #rest(path: string): Promise<void> {
    const nowMs = this.#now();
    if (nowMs - this.#restedMs < PORTION_MS) return;
    if (++this.#rests % COLLECT_AFTER === 0) collectGarbage();
    await lstat(path).catch(() => {});
    this.#restedMs = this.#now();
  }
}

/** How long the main thread goes on. */
const PORTION_MS = 2;
const COLLECT_AFTER = 100;
