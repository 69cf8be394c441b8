/**
 * Keeps the certificates that HAProxy obtains itself (`acme` sections): asks the serving process how they fare, and
 * saves each new one, because otherwise it is lost with that process.
 */
import type { FileReference } from "../config/file_references.ts";
import type { StatsSocket } from "../haproxy/runtime/client.ts";
import type { Log } from "../system/log.ts";
import type { Fingerprint } from "../watch/scan/fingerprint.ts";

/** The generation that serves. */
export interface Serving {
  readonly number: number;
  /** `null` if what it loaded is unknown. */
  readonly fingerprint: Fingerprint | null;
  /** What was tried after it and rejected; `null` if nothing was. */
  readonly rejected: Fingerprint | null;
  /** Set if it was started from a recorded set, whose files nobody else may change. */
  readonly lastGood?: unknown;
}

/** What a generation shows of them. */
export interface Shown {
  /** Whether any is being renewed. */
  readonly isRenewing: boolean;
  /** When those in use expire, by path, in milliseconds since 1970. */
  readonly expiries: ReadonlyMap<string, number>;
}

export interface KeeperParts {
  /** Whether scans include what HAProxy loads. */
  readonly watchLoaded: boolean;
  /** Those of the last scan. */
  readonly obtained: () => readonly FileReference[];
  readonly socket: (generation: number) => StatsSocket;
  /** Called whenever something else is shown. */
  readonly onShown: (generation: number, shown: Shown) => void;
  /** Called as soon as a file of the generation was replaced, before anything else happens. */
  readonly onSaved: (generation: number, changes: readonly Change[]) => void;
  readonly onBug: (bug: unknown) => void;
  readonly log: Log;
  readonly pauses?: Pauses;
}

/** How long to wait until the process is asked again. */

export interface Pauses {
  readonly idleMs: number;
  /** While a certificate is being renewed. */
  readonly renewingMs: number;
  /** After a certificate could not be saved. */
  readonly failedMs: number;
}

/** What a scan has found, and what it will find now. */
export interface Change {
  readonly before: Fingerprint;
  readonly after: Fingerprint;
}

export class Keeper {
  readonly #parts: KeeperParts;
  #serving: Serving | null = null;
  #isBusy = false;
  #cancel = new AbortController();

  constructor(parts: KeeperParts) {
    this.#parts = parts;
  }

  /** Called at each step. `isBusy`: another process may be reading the files, so that none may be replaced. */
  observe(serving: Serving | null, isBusy: boolean): void {
    const before = this.#serving;
    this.#serving = serving;
    this.#isBusy = isBusy;
    if (before?.number === serving?.number) return;
    this.#cancel.abort();
    this.#cancel = new AbortController();
    if (serving === null || serving.lastGood !== undefined) return;
    const files = this.#parts.obtained();
    if (files.length === 0) return;
    this.#follow(serving, files, this.#cancel.signal).catch(this.#parts.onBug);
  }

  close(): void {
    this.#cancel.abort();
  }

  /** Loaded on demand: few need it, and it takes memory. */
  async #follow(
    serving: Serving,
    files: readonly FileReference[],
    cancel: AbortSignal,
  ): Promise<void> {
    const { Follower } = await import("./follower.ts");
    const current = () => this.#isBusy || cancel.aborted ? null : this.#serving;
    await new Follower({ ...this.#parts, files, serving, current }).follow(cancel);
  }
}
