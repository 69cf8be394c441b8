/** Turns file events and a slow poll into one statement: "the sources have settled on this fingerprint". */
import { retryDelayMs } from "../backoff.ts";
import type { Log } from "../system/log.ts";
import { Debounce, WRITER_SILENCE_MS } from "./debounce.ts";
import { createFileEvents, type FileEvents, type Hint } from "./events/file_events.ts";
import { changedPaths, type Fingerprint } from "./scan/fingerprint.ts";
import { type Inventory, isRelevant, type Unreadable } from "./scan/inventory.ts";
import type { MountedFile } from "./scan/mounted_files.ts";
import { createScanReport } from "./scan/remarks.ts";
import type { Scanner, ScanResult } from "./scan/scan.ts";

export interface ChangeDetectorOptions {
  readonly scan: Scanner["scan"];
  /** Called at the first hint of a change, with what is on disk before the sources have settled. */
  readonly onChanging: (fingerprint: Fingerprint) => void;
  /** Called after each scan of settled sources, changed or not. */
  readonly onSettled: (fingerprint: Fingerprint) => void;
  readonly settleMs: number;
  /** 0: no poll. */
  readonly pollIntervalMs: number;
  /** A directory of the program's own, to see whether events still come. */
  readonly probeDirectory: () => string | null;
  /** These are watched themselves: their directories show no event of what happens to them. */
  readonly mountedFiles: readonly MountedFile[];
  /** Called with what is thrown; the detector goes on. */
  readonly onBug: (error: unknown) => void;
  readonly log: Log;
}

/** Counted since the start. */
export interface DetectorCounts {
  /** How many files the last scan found. */
  readonly files: number;
  /** How many events were about them. */
  readonly events: number;
  /** How many changes came without an event. */
  readonly pollFinds: number;
}

/** For more paths a scan of everything takes no longer. */
const MOST_TOUCHED = 1_000;

export class ChangeDetector {
  /** Resolves when the detector has ended; never rejects. */
  readonly ended: Promise<void>;
  readonly #options: ChangeDetectorOptions;
  readonly #debounce: Debounce;
  readonly #events: FileEvents;
  readonly #report: (scan: ScanResult) => void;
  #inventory: Inventory | null = null;
  #eventCount = 0;
  #pollFinds = 0;
  #isClosed = false;
  #isWoken = true;
  #wakeUp: () => void = () => {};
  /** Events tell who is still writing; without one, only a file's age does. */
  #isHinted = false;
  /** The real paths that events named since the last scan; `null`: scan everything. */
  #touched: Set<string> | null = null;
  #dueInMs = Infinity;
  #last: Fingerprint | null = null;
  #lastUnreadable = "";

  /** Starts to watch, with a scan at once. */
  constructor(options: ChangeDetectorOptions) {
    this.#options = options;
    this.#debounce = new Debounce(options.settleMs);
    this.#report = createScanReport(options.log, options);
    this.#events = createFileEvents({
      isRelevant: (path) => this.#inventory === null || isRelevant(this.#inventory, path),
      onHint: (hint) => this.#note(hint),
      onBug: options.onBug,
      probeDirectory: options.probeDirectory,
      log: options.log,
    });
    this.ended = this.#run();
  }

  get counts(): DetectorCounts {
    const files = this.#inventory?.files.length ?? 0;
    return { files, events: this.#eventCount, pollFinds: this.#pollFinds };
  }

  /** Takes note of an inventory from a scan that somebody else made. */
  adapt(inventory: Inventory): void {
    const watched = this.#inventory?.directories ?? new Set();
    this.#inventory = { ...inventory, directories: watched };
    // Only a scan of its own, whose end it knows, watches other directories.
    if (!inventory.directories.isSubsetOf(watched)) this.scanSoon();
  }

  /** Scans everything soon, whatever the file system says. */
  scanSoon(): void {
    this.#touched = null;
    this.#wake();
  }

  close(): void {
    this.#isClosed = true;
    this.#wake();
  }

  /** The armed watch outlives a bug in a turn, so nothing is missed before the next one. */
  async #run(): Promise<void> {
    for (let failures = 0; !this.#isClosed;) {
      try {
        await this.#turn();
        failures = 0;
      } catch (error) {
        this.#options.onBug(error);
        const endMs = performance.now() + retryDelayMs(++failures);
        await this.#sleepWhile((nowMs) => endMs - nowMs);
        this.scanSoon();
      }
    }
    await this.#events.close();
  }

  async #turn(): Promise<void> {
    const isWoken = await this.#sleep(
      Math.min(this.#options.pollIntervalMs || Infinity, this.#dueInMs),
    );
    if (!isWoken) this.#touched = null;
    const remainingMs = (nowMs: number) => this.#debounce.remainingMs(nowMs);
    if (this.#isHinted && remainingMs(performance.now()) > 0) await this.#scanAhead();
    await this.#sleepWhile(remainingMs);
    if (!this.#isClosed) await this.#scan();
  }

  #note(hint: Hint): void {
    this.#isHinted = true;
    this.#eventCount++;
    this.#debounce.note(hint, performance.now());
    if (hint.tag === "lost") this.#touched = null;
    else this.#touched?.add(hint.path);
    if (this.#touched !== null && this.#touched.size > MOST_TOUCHED) this.#touched = null;
    this.#wake();
  }

  async #scanAhead(): Promise<void> {
    const { seen } = await this.#options.scan(this.#touched);
    if (seen.tag === "taken") this.#options.onChanging(seen.fingerprint);
  }

  async #scan(): Promise<void> {
    const isHinted = this.#isHinted;
    const touched = this.#touched;
    this.#isHinted = false;
    // This scan answers whatever woke the loop until now.
    this.#isWoken = false;
    this.#touched = new Set();
    const startedMs = performance.now();
    const scan = await this.#options.scan(touched);
    const { inventory, seen, dueInMs } = scan;
    this.#dueInMs = dueInMs;
    this.#inventory = inventory;
    // A hint that came during the scan has woken the loop already, for another scan.
    if (!this.#debounce.isDisturbed(startedMs, performance.now())) {
      this.#debounce.reset();
      this.#reportUnreadable(seen.tag === "unreadable" ? seen.unreadable : []);
      if (seen.tag === "taken") this.#settle(seen.fingerprint, isHinted);
    }
    this.#report(scan);
    // Changes made while no watch was armed gave no event.
    if (await this.#events.watch(this.#pathsToWatch(inventory))) this.scanSoon();
  }

  /** One path that is gone would keep all others from being watched. */
  #pathsToWatch({ directories, files }: Inventory): ReadonlySet<string> {
    if (this.#options.mountedFiles.length === 0) return directories;
    const present = new Set(files.filter(({ info }) => info !== null).map(({ path }) => path));
    const mounted = this.#options.mountedFiles.filter(({ path }) => present.has(path));
    return new Set([...directories, ...mounted.map(({ realPath }) => realPath)]);
  }

  #settle(fingerprint: Fingerprint, isHinted: boolean): void {
    const last = this.#last;
    this.#last = fingerprint;
    const changed = isHinted ? [] : changedPaths(last, fingerprint) ?? [];
    // A file that is new may be new to the wrapper alone, such as one that another generation loads.
    if (changed.some((path) => last?.files.has(path))) this.#pollFinds++;
    const young = youngFiles(changed, fingerprint);
    if (young.length === 0) return this.#options.onSettled(fingerprint);
    for (const { path, ageMs } of young) {
      this.#debounce.note({ tag: "writing", path }, performance.now() - ageMs);
    }
    this.scanSoon();
  }

  #reportUnreadable(unreadable: readonly Unreadable[]): void {
    const list = unreadable.map(({ path, reason }) => `"${path}": ${reason}`).join(", ");
    if (list === this.#lastUnreadable) return;
    this.#lastUnreadable = list;
    this.#options.log(
      list === "" ? { level: "info", text: "all sources can be read again", fields: {} } : {
        level: "warning",
        text: `cannot read ${list}; nothing is reloaded until that can be read again`,
        fields: { reason: list },
      },
    );
  }

  #wake(): void {
    this.#isWoken = true;
    this.#wakeUp();
  }

  async #sleepWhile(remainingMs: (nowMs: number) => number): Promise<void> {
    for (;;) {
      const waitMs = this.#isClosed ? 0 : remainingMs(performance.now());
      if (waitMs <= 0) return;
      await this.#sleep(waitMs);
    }
  }

  /** Sleeps until it is woken, which `true` tells, or `limitMs` is over. */
  async #sleep(limitMs: number): Promise<boolean> {
    if (!this.#isWoken) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wakeUp = resolve;
      // Deno's timers fire about 1 ms late; a sleeper that has to wait longer sleeps again.
      const timer = limitMs === Infinity ? undefined : setTimeout(resolve, Math.ceil(limitMs) - 1);
      await promise;
      clearTimeout(timer);
    }
    const isWoken = this.#isWoken;
    this.#isWoken = false;
    return isWoken;
  }
}

/** Files that changed without an event, and so recently that somebody may still be writing. */
function youngFiles(changed: readonly string[], { files }: Fingerprint) {
  return changed
    .map((path) => ({ path, ageMs: Date.now() - (files.get(path)?.modifiedMs ?? 0) }))
    .filter(({ ageMs }) => ageMs >= 0 && ageMs < WRITER_SILENCE_MS);
}
