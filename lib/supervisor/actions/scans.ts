/** Scans the sources on request and, if they are watched, when they change; posts what it finds. */
import { areCoresWanted } from "../../system/cores.ts";
import { ChangeDetector } from "../../watch/change_detector.ts";
import { changedDuringRead } from "../../watch/scan/changed_during_read.ts";
import type { Fingerprint } from "../../watch/scan/fingerprint.ts";
import type { Inventory } from "../../watch/scan/inventory.ts";
import type { ActionOf } from "../state/events.ts";
import type { ReloadOrder } from "../state/state.ts";
import type { HotServers } from "./hot_servers.ts";
import type { Parts } from "./parts.ts";

/** How often unreadable sources are scanned for a retry, if they are not watched. */
const UNWATCHED_PAUSE_MS = 1_000;

export class Scans {
  readonly #parts: Parts;
  readonly #servers: HotServers;
  readonly #setTimer: (delayMs: number) => void;
  /** `null` until `begin`, and if the sources are not watched. */
  #detector: ChangeDetector | null = null;
  /** How often the files have settled. */
  #settled = 0;

  /** `setTimer` sets the supervisor's timer, unless it is set. */
  constructor(parts: Parts, servers: HotServers, setTimer: (delayMs: number) => void) {
    this.#parts = parts;
    this.#servers = servers;
    this.#setTimer = setTimer;
  }

  /**
   * Watches the sources from now on, if they are to be watched. HAProxy's first start comes before that: the watch begins
   * with a scan, which finds what has changed since.
   */
  begin(): void {
    const { settings, folder, scanner, mountedFiles, readKernelFile, log } = this.#parts;
    if (!settings.watch || this.#detector !== null) return;
    const { settleMs, pollIntervalMs } = settings;
    this.#detector = new ChangeDetector({
      scan: scanner.scan,
      onWatched: scanner.doubt,
      onChanging: (fingerprint) => this.#expect(fingerprint),
      onSettled: (fingerprint) => this.#settle(fingerprint),
      settleMs,
      pollIntervalMs,
      probeDirectory: () => folder.probeDirectory(),
      areCoresWanted: () => areCoresWanted(readKernelFile),
      mountedFiles,
      log,
      onBug: this.#onBug,
    });
  }

  get counts() {
    return this.#detector?.counts ?? { files: 0, events: 0, pollFinds: 0 };
  }

  adapt(inventory: Inventory): void {
    this.#detector?.adapt(inventory);
  }

  /** Before `begin`, its own scan is soon enough. */
  soon(): void {
    this.#detector?.scanSoon();
  }

  /** If they are not watched, nothing else notices that the sources are readable again. */
  async forRetry(): Promise<void> {
    if (this.#parts.settings.watch) return this.soon();
    const fingerprint = await this.#fingerprint();
    if (fingerprint === null) this.#setTimer(UNWATCHED_PAUSE_MS);
    else this.#settle(fingerprint);
  }

  /** Posts an event if the sources were written after `fingerprint` was taken. */
  async verify({ generation, fingerprint }: ActionOf<"verify">): Promise<void> {
    const { settings, scanner, post } = this.#parts;
    if (!settings.watch) return;
    if (await changedDuringRead(fingerprint, await scanner.scan(), 0)) {
      post({ name: "changed_during_read", generation });
    }
  }

  /** Posts the order with the result of a scan. */
  async reload(order: ReloadOrder): Promise<void> {
    await this.#parts.askRenewals();
    const fingerprint = await this.#fingerprint();
    this.#parts.post({ name: "reload_requested", order, fingerprint, atMs: performance.now() });
  }

  /** `null` if the sources cannot be read or a bug prevents it; an order still counts. */
  async #fingerprint(): Promise<Fingerprint | null> {
    try {
      const { seen } = await this.#parts.scanner.scan();
      return seen.tag === "taken" ? seen.fingerprint : null;
    } catch (error) {
      this.#onBug(error);
      return null;
    }
  }

  readonly #onBug = (error: unknown) => this.#parts.postBug(error, { name: "watch" });

  /** A process on standby is only of use to a change that needs a reload, and only before it has settled. */
  #expect(fingerprint: Fingerprint): void {
    const isHot = this.#servers.isLikely();
    this.#parts.post({
      name: "changing",
      fingerprint,
      hasSameRest: isHot,
      atMs: performance.now(),
    });
  }

  #settle(fingerprint: Fingerprint): void {
    const number = ++this.#settled;
    const event = {
      name: "settled",
      fingerprint,
      hasSameRest: this.#servers.hasSameRest(),
    } as const;
    const post = () => this.#parts.post({ ...event, atMs: performance.now() });
    // A reload waits for an order that has just begun.
    const asked = this.#parts.askRenewals();
    if (asked === null) return post();
    asked.then((hasSaved) => {
      // Meanwhile the files may have changed again, by other writers or by what was saved.
      if (number !== this.#settled) return;
      return hasSaved ? this.forRetry() : post();
    }).catch(this.#onBug);
  }
}
