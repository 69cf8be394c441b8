/**
 * Keeps the certificates that HAProxy obtains itself (`acme` sections): asks the serving process how they fare, and
 * saves each new one, because otherwise it is lost with that process.
 */
import type { FileReference } from "../config/file_references.ts";
import type { StatsSocket } from "../haproxy/runtime/client.ts";
import type { Log } from "../system/log.ts";
import { cutOff } from "../system/cut_off.ts";
import type { Fingerprint } from "../watch/scan/fingerprint.ts";
import type { Follower } from "./follower.ts";

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
  #follower: Promise<Follower> | null = null;

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
    this.#follower = null;
    if (serving === null || serving.lastGood !== undefined) return;
    const files = this.#parts.obtained();
    if (files.length === 0) return;
    const { signal } = this.#cancel;
    this.#follower = this.#createFollower(serving, files, signal);
    this.#follower.then((follower) => follower.follow(signal)).catch(this.#parts.onBug);
  }

  /**
   * Asks the serving process whether it renews a certificate, so that a reload waits for an order that has just begun.
   * `null` if there is nothing to ask; otherwise resolves once the answer has been shown, within a second.
   */
  askNow(): Promise<void> | null {
    const follower = this.#follower;
    return follower && this.#askNow(follower);
  }

  close(): void {
    this.#cancel.abort();
    this.#follower = null;
  }

  async #askNow(follower: Promise<Follower>): Promise<void> {
    // Why one could not be created has been reported.
    const asked = follower.then((follower) => follower.askNow()).catch(() => {});
    await cutOff(asked, { timeoutMs: ASK_LIMIT_MS, cancel: this.#cancel.signal });
  }

  /** Loaded on demand: few need it, and it takes memory. */
  async #createFollower(
    serving: Serving,
    files: readonly FileReference[],
    cancel: AbortSignal,
  ): Promise<Follower> {
    const { Follower } = await import("./follower.ts");
    const current = () => this.#isBusy || cancel.aborted ? null : this.#serving;
    return new Follower({ ...this.#parts, files, serving, current });
  }
}

/** HAProxy answers within milliseconds. One that hangs cannot hand its listeners over after as long either. */
const ASK_LIMIT_MS = 1_000;
