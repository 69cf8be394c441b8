/** Turns file events and a slow poll into one message: "the sources have settled on this fingerprint". */
import { retryDelayMs } from "../backoff.ts";
import type { Log } from "../system/log.ts";
import { breathe } from "../system/threads.ts";
import { Debounce, WRITER_SILENCE_MS } from "./debounce.ts";
import { FileEvents, type Hint } from "./events/file_events.ts";
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
  /** Called with the directories that are watched from now on, before another scan. */
  readonly onWatched: (directories: readonly string[]) => void;
  readonly settleMs: number;
  /** 0: no poll. */
  readonly pollIntervalMs: number;
  /** One of our own directories, to check that events still come. */
  readonly probeDirectory: () => string | null;
  /** Whether another thread of this machine runs or waits for a core. */
  readonly areCoresWanted: () => boolean;
  /** Watched themselves: their directories give no events about them. */
  readonly mountedFiles: readonly MountedFile[];
  /** Called with what is thrown; the detector carries on. */
  readonly onBug: (error: unknown) => void;
  readonly log: Log;
}

/** Counted since the start. */
export interface DetectorCounts {
  /** How many files the last scan found. */
  readonly files: number;
  /** How many events concerned them. */
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
  /** Events show who is still writing; without them, only a file's age does. */
  #isHinted = false;
  /** The real paths that events have named since the last scan; `null`: scan everything. */
  #touched: Set<string> | null = null;
  /** How often something was heard that makes a scan due. */
  #heard = 0;
  #ahead: { readonly scan: ScanResult; readonly heard: number } | null = null;
  #dueInMs = Infinity;
  #last: Fingerprint | null = null;
  #lastUnreadable = "";

  /** Starts watching, with an immediate scan. */
  constructor(options: ChangeDetectorOptions) {
    this.#options = options;
    this.#debounce = new Debounce(options.settleMs);
    this.#report = createScanReport(options.log, options);
    this.#events = new FileEvents({
      isRelevant: (path) => this.#inventory === null || isRelevant(this.#inventory, path),
      onHint: (hint) => this.#note(hint),
      onBug: options.onBug,
      probeDirectory: options.probeDirectory,
      areCoresWanted: options.areCoresWanted,
      isAwaited: () => this.#isWoken,
      log: options.log,
    });
    this.ended = this.#run();
  }

  get counts(): DetectorCounts {
    const files = this.#inventory?.files.length ?? 0;
    return { files, events: this.#eventCount, pollFinds: this.#pollFinds };
  }

  /** Adopts the inventory of a scan that the detector did not make. */
  adapt(inventory: Inventory): void {
    this.#heard++;
    const watched = this.#inventory?.directories ?? new Set();
    this.#inventory = { ...inventory, directories: watched };
    // Only the detector's own scans change the watched directories.
    if (!inventory.directories.isSubsetOf(watched)) this.scanSoon();
  }

  /** Scans everything soon, with or without events. */
  scanSoon(): void {
    this.#heard++;
    this.#touched = null;
    this.#wake();
  }

  close(): void {
    this.#isClosed = true;
    this.#wake();
  }

  /** The watch survives a bug in a turn, so nothing is missed before the next one. */
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
    await this.#untilSettled();
    if (!this.#isClosed) await this.#scan();
  }

  #note(hint: Hint): void {
    this.#isHinted = true;
    this.#heard++;
    this.#eventCount++;
    this.#debounce.note(hint, performance.now());
    if (hint.tag === "lost") this.#touched = null;
    else this.#touched?.add(hint.path);
    if (this.#touched !== null && this.#touched.size > MOST_TOUCHED) this.#touched = null;
    this.#wake();
  }

  async #untilSettled(): Promise<void> {
    for (;;) {
      const remainingMs = this.#isClosed ? 0 : this.#debounce.remainingMs(performance.now());
      if (remainingMs <= 0) return;
      // The first hint may come late, after a scan has found the change.
      if (this.#isHinted && this.#ahead === null) await this.#scanAhead();
      else await this.#sleep(remainingMs);
    }
  }

  async #scanAhead(): Promise<void> {
    // A rename gives five events within a millisecond, after which the scan would have to be repeated.
    await breathe();
    const heard = this.#heard;
    const scan = await this.#options.scan(this.#touched);
    this.#ahead = { scan, heard };
    const { seen } = scan;
    if (seen.tag === "taken") this.#options.onChanging(seen.fingerprint);
  }

  async #scan(): Promise<void> {
    const isHinted = this.#isHinted;
    const touched = this.#touched;
    this.#isHinted = false;
    // This scan covers whatever woke the loop until now.
    this.#isWoken = false;
    this.#touched = new Set();
    const startedMs = performance.now();
    const ahead = this.#ahead;
    this.#ahead = null;
    // Without an event since, nothing has changed; if one was lost, the poll reads the files again.
    const scan = ahead?.heard === this.#heard ? ahead.scan : await this.#options.scan(touched);
    const { inventory, seen, dueInMs } = scan;
    this.#inventory = inventory;
    // A hint during the scan has already woken the loop, for another scan.
    if (!this.#debounce.isDisturbed(startedMs, performance.now())) {
      this.#debounce.reset();
      this.#reportUnreadable(seen.tag === "unreadable" ? seen.unreadable : []);
      if (seen.tag === "taken") this.#settle(seen.fingerprint, isHinted);
    }
    this.#report(scan);
    const { opened, isDue } = await this.#events.watch(this.#pathsToWatch(inventory));
    // Changes made while no watch was armed gave no event.
    if (opened.length > 0) this.#options.onWatched(opened);
    if (isDue) this.scanSoon();
    this.#dueInMs = Math.min(dueInMs, this.#events.dueInMs);
  }

  #pathsToWatch({ directories }: Inventory): ReadonlySet<string> {
    return new Set([...directories, ...this.#options.mountedFiles.map(({ realPath }) => realPath)]);
  }

  #settle(fingerprint: Fingerprint, isHinted: boolean): void {
    const last = this.#last;
    this.#last = fingerprint;
    const changed = isHinted ? [] : changedPaths(last, fingerprint) ?? [];
    // A new file may be new only to the wrapper, such as one that another generation loads.
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
        text: `cannot read ${list}; until that can be read again, only a signal reloads`,
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

  /** Sleeps until woken (`true`) or until `limitMs` is over. */
  async #sleep(limitMs: number): Promise<boolean> {
    if (!this.#isWoken) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wakeUp = resolve;
      // Deno's timers fire about 1 ms late; callers that wake too early sleep again.
      const timer = limitMs === Infinity ? undefined : setTimeout(resolve, Math.ceil(limitMs) - 1);
      await promise;
      clearTimeout(timer);
    }
    const isWoken = this.#isWoken;
    this.#isWoken = false;
    return isWoken;
  }
}

/** Files that changed so recently that somebody may still be writing. */
function youngFiles(changed: readonly string[], { files }: Fingerprint) {
  return changed
    .map((path) => ({ path, ageMs: Date.now() - (files.get(path)?.modifiedMs ?? 0) }))
    .filter(({ ageMs }) => ageMs >= 0 && ageMs < WRITER_SILENCE_MS);
}
