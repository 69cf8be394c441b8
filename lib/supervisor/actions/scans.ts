/** Scans at the sources, by itself if changes are watched for, and on request; posts what it sees. */
import type { PrivateFolder } from "../../haproxy/private_folder/private_folder.ts";
import type { LoadedFiles } from "../../loaded/loaded_files.ts";
import type { Log } from "../../system/log.ts";
import type { Settings } from "../../settings/settings.ts";
import { ChangeDetector } from "../../watch/change_detector.ts";
import type { Fingerprint } from "../../watch/scan/fingerprint.ts";
import type { Inventory } from "../../watch/scan/inventory.ts";
import type { Scanner } from "../../watch/scan/scan.ts";
import type { MountedFile } from "../../watch/scan/mounted_files.ts";
import { changedDuringRead } from "../../watch/scan/changed_during_read.ts";
import type { Action, Event } from "../state/events.ts";
import type { ReloadOrder } from "../state/state.ts";

export interface ScansOptions {
  readonly settings: Settings;
  readonly folder: PrivateFolder;
  readonly scanner: Scanner;
  readonly loadedFiles: Pick<LoadedFiles, "withoutServers">;
  readonly mountedFiles: readonly MountedFile[];
  readonly log: Log;
  readonly post: (event: Event) => void;
  /** Sets the supervisor's timer, in place of one that is set. */
  readonly setTimer: (delayMs: number) => void;
  readonly onBug: (error: unknown) => void;
}

/** How often sources that cannot be read are looked at for a retry, if they are not watched. */
const UNWATCHED_PAUSE_MS = 1_000;

export class Scans {
  readonly #options: ScansOptions;
  readonly #detector: ChangeDetector | null;

  constructor(options: ScansOptions) {
    this.#options = options;
    this.#detector = this.#detect();
  }

  get counts() {
    return this.#detector?.counts ?? { files: 0, events: 0, pollFinds: 0 };
  }

  adapt(inventory: Inventory): void {
    this.#detector?.adapt(inventory);
  }

  soon(): void {
    this.#detector?.scanSoon();
  }

  forRetry(): void {
    if (this.#detector === null) this.#unwatched().catch(this.#options.onBug);
    else this.#detector.scanSoon();
  }

  verify(action: Extract<Action, { name: "verify" }>): void {
    if (this.#detector !== null) this.#verify(action).catch(this.#options.onBug);
  }

  /** Whatever is seen. */
  reload(order: ReloadOrder): void {
    this.#reload(order).catch(this.#options.onBug);
  }

  #detect(): ChangeDetector | null {
    const { settings, folder, scanner: { scan }, mountedFiles, log, onBug } = this.#options;
    if (!settings.watch) return null;
    const { settleMs, pollIntervalMs } = settings;
    const onChanging = (fingerprint: Fingerprint) => this.#tell("changing", fingerprint);
    const onSettled = (fingerprint: Fingerprint) => this.#tell("settled", fingerprint);
    return new ChangeDetector({
      ...{ scan, onChanging, onSettled, settleMs, pollIntervalMs, log, onBug, mountedFiles },
      probeDirectory: () => folder.probeDirectory(),
    });
  }

  /** Without a detector nothing else notices that the sources can be read again. */
  async #unwatched(): Promise<void> {
    let fingerprint: Fingerprint | null = null;
    try {
      fingerprint = await this.#fingerprint();
    } finally {
      if (fingerprint === null) this.#options.setTimer(UNWATCHED_PAUSE_MS);
      else this.#tell("settled", fingerprint);
    }
  }

  async #verify({ generation, fingerprint }: Extract<Action, { name: "verify" }>): Promise<void> {
    const scan = await this.#options.scanner.scan();
    if (await changedDuringRead(fingerprint, scan, 0)) {
      this.#options.post({ name: "changed_during_read", generation });
    }
  }

  /** If a bug keeps it from looking, the order still counts. */
  async #reload(order: ReloadOrder): Promise<void> {
    let fingerprint: Fingerprint | null = null;
    try {
      fingerprint = await this.#fingerprint();
    } finally {
      this.#options.post({ name: "reload_requested", order, fingerprint, atMs: performance.now() });
    }
  }

  /** `null`: the sources cannot be read. */
  async #fingerprint(): Promise<Fingerprint | null> {
    const { seen } = await this.#options.scanner.scan();
    return seen.tag === "taken" ? seen.fingerprint : null;
  }

  #tell(name: "changing" | "settled", fingerprint: Fingerprint): void {
    const others = this.#options.loadedFiles.withoutServers();
    const scanned = { fingerprint, ...others === null ? {} : { others } };
    this.#options.post({ name, ...scanned, atMs: performance.now() });
  }
}
