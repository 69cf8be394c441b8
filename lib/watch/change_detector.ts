/** Turns hints and a slow poll into one statement: "the sources have settled on this fingerprint". */
import { retryDelayMs } from "../backoff.ts";
import type { Log } from "../system/log.ts";
import { createFileEvents, type FileEvents, type Hint } from "./events/file_events.ts";
import { changedPaths, type Fingerprint } from "./scan/fingerprint.ts";
import { createLimitReport } from "./scan/limits.ts";
import type { Scanner, ScanResult } from "./scan/scan.ts";
import { createReplacementReport, type MountedFile } from "./scan/mounted_files.ts";
import { Debounce, WRITER_SILENCE_MS } from "./debounce.ts";
import type { Inventory, Unreadable } from "./scan/inventory.ts";
import { createUnnamedReport } from "./directories/unnamed.ts";

export interface ChangeDetectorOptions {
  readonly scan: Scanner["scan"];
  /** Called when a hint came, with what is on disk then, while the sources have yet to settle. */
  readonly onChanging: (fingerprint: Fingerprint) => void;
  /** Called after each scan at settled sources, changed or not. */
  readonly onSettled: (fingerprint: Fingerprint) => void;
  readonly settleMs: number;
  /** 0: no poll. */
  readonly pollIntervalMs: number;
  /** A directory of the program's own, to see whether events still come. */
  readonly probeDirectory: () => string | null;
  /** Watched themselves: what happens to them gives no event in the directory where they are mounted. */
  readonly mountedFiles: readonly MountedFile[];
  /** Told what is thrown; the watch goes on all the same. */
  readonly onBug: (error: unknown) => void;
  readonly log: Log;
}

export interface ChangeDetector {
  /** Settles with the end of the detector; never rejects. */
  readonly ended: Promise<void>;
  /** Asks for a scan soon, whatever the file system says. */
  scanSoon(): void;
  /** Takes note of what a scan that somebody else took has found to be watched. */
  adapt(inventory: Inventory): void;
  readonly counts: DetectorCounts;
  close(): void;
}

/** What has been seen since the start. */
export interface DetectorCounts {
  /** How many files the last scan was at. */
  readonly files: number;
  /** How many events of the file system were about them. */
  readonly events: number;
  /** How many changes no event told. */
  readonly pollFinds: number;
}

/** Starts to watch, with a scan at once. */
export function detectChanges(options: ChangeDetectorOptions): ChangeDetector {
  const detector = new Detector(options);
  return {
    ended: detector.run(),
    scanSoon: () => detector.scanSoon(),
    adapt: (inventory) => detector.adapt(inventory),
    get counts() {
      return { ...detector.counts };
    },
    close: () => detector.close(),
  };
}

/** A scan at everything takes no longer then. */
const MOST_TOUCHED = 1_000;

class Detector {
  readonly counts = { files: 0, events: 0, pollFinds: 0 };
  readonly #options: ChangeDetectorOptions;
  readonly #quiet: Debounce;
  readonly #events: FileEvents;
  readonly #reportUnnamed: (paths: readonly string[]) => void;
  readonly #reportReplaced: (files: ScanResult["inventory"]["files"]) => void;
  readonly #reportLimits: (scan: ScanResult) => void;
  #isRelevant: (path: string) => boolean = () => true;
  #isClosed = false;
  #isWoken = true;
  /** File events tell who still writes; without one, only a file's age does. */
  #isHinted = false;
  /** The real paths of which events came since the last scan; `null`: scan at everything. */
  #touched: Set<string> | null = null;
  #directories: ReadonlySet<string> = new Set();
  /** When a directory that changed may be read again, after the last scan. */
  #dueInMs: number | null = null;
  #resolveSleep: (() => void) | null = null;
  #endRest: () => void = () => {};
  #last: Fingerprint | null = null;
  #lastUnreadable = "";

  constructor(options: ChangeDetectorOptions) {
    this.#options = options;
    this.#quiet = new Debounce(options);
    this.#reportUnnamed = createUnnamedReport(options.log);
    this.#reportReplaced = createReplacementReport(options.mountedFiles, options.log);
    this.#reportLimits = createLimitReport(options.log, options);
    this.#events = createFileEvents({
      isRelevant: (path) => this.#isRelevant(path),
      onHint: (hint) => this.#note(hint),
      onBug: options.onBug,
      probeDirectory: options.probeDirectory,
      log: options.log,
    });
  }

  /** Only a scan of its own, whose end it knows, watches other directories. */
  adapt({ isRelevant, directories, files }: Inventory): void {
    this.#isRelevant = isRelevant;
    this.counts.files = files.length;
    if (!directories.isSubsetOf(this.#directories)) this.scanSoon();
  }

  /** Scans at everything. */
  scanSoon(): void {
    this.#touched = null;
    this.#wake();
  }

  #wake(): void {
    this.#isWoken = true;
    this.#resolveSleep?.();
  }

  close(): void {
    this.#isClosed = true;
    this.#wake();
    this.#endRest();
  }

  /** The watch that is armed outlives a bug in a turn, so that nothing is missed before the next one. */
  async run(): Promise<void> {
    for (let failures = 0; !this.#isClosed;) {
      try {
        await this.#turn();
        failures = 0;
      } catch (error) {
        this.#options.onBug(error);
        await this.#rest(retryDelayMs(++failures));
      }
    }
    await this.#events.close();
  }

  async #turn(): Promise<void> {
    const isWoken = await this.#sleep(this.#longestSleepMs());
    if (!isWoken) this.#touched = null;
    await this.#untilQuiet();
    if (!this.#isClosed) await this.#scan();
  }

  /** `null`: until it is woken. */
  #longestSleepMs(): number | null {
    const limits = [this.#options.pollIntervalMs || Infinity, this.#dueInMs ?? Infinity];
    const limitMs = Math.min(...limits);
    return limitMs === Infinity ? null : limitMs;
  }

  /** Whatever happens meanwhile, and looks at everything after it. */
  async #rest(limitMs: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#endRest = resolve;
    const timer = setTimeout(resolve, limitMs);
    if (this.#isClosed) resolve();
    await promise;
    clearTimeout(timer);
    this.scanSoon();
  }

  #note(hint: Hint): void {
    this.#isHinted = true;
    this.counts.events++;
    this.#quiet.note(hint, performance.now());
    if (hint.tag === "lost") this.#touched = null;
    else this.#touched?.add(hint.path);
    if (this.#touched !== null && this.#touched.size > MOST_TOUCHED) this.#touched = null;
    this.#wake();
  }

  async #untilQuiet(): Promise<void> {
    const remainingMs = () => this.#isClosed ? 0 : this.#quiet.remainingMs(performance.now());
    if (this.#isHinted && remainingMs() > 0) await this.#scanAhead();
    for (let waitMs = remainingMs(); waitMs > 0; waitMs = remainingMs()) await this.#sleep(waitMs);
  }

  async #scanAhead(): Promise<void> {
    const { seen } = await this.#options.scan(this.#touched);
    if (seen.tag === "taken") this.#options.onChanging(seen.fingerprint);
  }

  async #scan(): Promise<void> {
    const isHinted = this.#isHinted;
    const touched = this.#touched;
    this.#isHinted = false;
    // What woke the loop until now is looked at here.
    this.#isWoken = false;
    this.#touched = new Set();
    const startedMs = performance.now();
    const scan = await this.#options.scan(touched);
    const { inventory, seen, dueInMs = null } = scan;
    this.#dueInMs = dueInMs;
    this.#isRelevant = inventory.isRelevant;
    this.counts.files = inventory.files.length;
    this.#directories = inventory.directories;
    // A hint that came meanwhile has woken the loop already, for another scan.
    if (!this.#quiet.hasDisturbed(startedMs, performance.now())) {
      this.#quiet.reset();
      this.#reportUnreadable(seen.tag === "unreadable" ? seen.unreadable : []);
      if (seen.tag === "taken") this.#settle(seen.fingerprint, isHinted);
    }
    this.#reportReplaced(inventory.files);
    this.#reportLimits(scan);
    this.#reportUnnamed(inventory.unnamed);
    // What changed while no watch was armed gave no event.
    if (await this.#events.watch(this.#pathsToWatch(inventory))) this.scanSoon();
  }

  /** A path that is gone would keep all others from being watched. */
  #pathsToWatch({ directories, files }: ScanResult["inventory"]): ReadonlySet<string> {
    if (this.#options.mountedFiles.length === 0) return directories;
    const present = new Set(files.filter(({ info }) => info !== null).map(({ path }) => path));
    const mounted = this.#options.mountedFiles.filter(({ path }) => present.has(path));
    return new Set([...directories, ...mounted.map(({ realPath }) => realPath)]);
  }

  #settle(fingerprint: Fingerprint, isHinted: boolean): void {
    if (!isHinted && this.#hasChanged(fingerprint)) this.counts.pollFinds++;
    const young = isHinted || this.#last === null ? [] : this.#youngFiles(fingerprint);
    this.#last = fingerprint;
    if (young.length === 0) return this.#options.onSettled(fingerprint);
    for (const { path, ageMs } of young) {
      this.#quiet.note({ tag: "writing", path }, performance.now() - ageMs);
    }
    this.scanSoon();
  }

  /** Files that are new may only be new to the wrapper, as those that another generation loads. */
  #hasChanged(fingerprint: Fingerprint): boolean {
    const last = this.#last;
    return (changedPaths(last, fingerprint) ?? []).some((path) => last?.files.has(path));
  }

  /** The files that changed without an event, and so recently that somebody may still be writing. */
  #youngFiles(fingerprint: Fingerprint): { path: string; ageMs: number }[] {
    return (changedPaths(this.#last, fingerprint) ?? [])
      .map((path) => ({ path, ageMs: Date.now() - (fingerprint.files.get(path)?.modifiedMs ?? 0) }))
      .filter(({ ageMs }) => ageMs >= 0 && ageMs < WRITER_SILENCE_MS);
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

  /** Sleeps until it is woken, which `true` tells, or `limitMs` is over; `null` is for ever. */
  async #sleep(limitMs: number | null): Promise<boolean> {
    if (!this.#isWoken) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#resolveSleep = resolve;
      // Deno's timers fire about 1 ms late; who still has to wait asks again.
      const timer = limitMs === null ? undefined : setTimeout(resolve, Math.ceil(limitMs) - 1);
      await promise;
      clearTimeout(timer);
      this.#resolveSleep = null;
    }
    const isWoken = this.#isWoken;
    this.#isWoken = false;
    return isWoken;
  }
}
