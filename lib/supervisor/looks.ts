/** Looks at the sources, by itself where changes are watched for and when asked to, and posts what it sees. */
import type { PrivateFolder } from "../haproxy/private_folder.ts";
import type { Log } from "../log.ts";
import type { Settings } from "../settings/settings.ts";
import { type ChangeDetector, detectChanges } from "../watch/change_detector.ts";
import type { Fingerprint } from "../watch/fingerprint.ts";
import type { Inventory } from "../watch/inventory.ts";
import type { Looker } from "../watch/look.ts";
import type { MountedFile } from "../watch/mounted_files.ts";
import { hasMoved } from "../watch/moved.ts";
import type { Action, Event, ReloadOrder } from "./events.ts";

export interface LooksOptions {
  readonly settings: Settings;
  readonly folder: PrivateFolder;
  readonly looker: Looker;
  readonly mountedFiles: readonly MountedFile[];
  readonly log: Log;
  readonly post: (event: Event) => void;
  /** Sets the supervisor's timer, in place of one that is set. */
  readonly setTimer: (delayMs: number) => void;
  /** Takes what nobody waits for, and hears of its bugs. */
  readonly inBackground: (work: Promise<void>) => void;
}

/** How often sources that cannot be read are looked at for a retry, if they are not watched. */
const UNWATCHED_PAUSE_MS = 1_000;

export class Looks {
  readonly #options: LooksOptions;
  readonly #detector: ChangeDetector | null;

  constructor(options: LooksOptions) {
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
    this.#detector?.lookSoon();
  }

  forRetry(): void {
    if (this.#detector === null) this.#options.inBackground(this.#unwatched());
    else this.#detector.lookSoon();
  }

  verify(action: Extract<Action, { name: "verify" }>): void {
    if (this.#detector !== null) this.#options.inBackground(this.#verify(action));
  }

  /** Whatever is seen. */
  reload(order: ReloadOrder): void {
    this.#options.inBackground(this.#reload(order));
  }

  #detect(): ChangeDetector | null {
    const { settings, folder, looker: { look }, mountedFiles, log, inBackground } = this.#options;
    if (!settings.watch) return null;
    const { settleMs, pollIntervalMs } = settings;
    const onChanging = (fingerprint: Fingerprint) => this.#tell("changing", fingerprint);
    const onSettled = (fingerprint: Fingerprint) => this.#tell("settled", fingerprint);
    const detector = detectChanges({
      ...{ look, onChanging, onSettled, settleMs, pollIntervalMs, log, mountedFiles },
      probeDirectory: () => folder.probeDirectory(),
    });
    inBackground(detector.ended);
    return detector;
  }

  /** Without a detector nobody else asks when the sources can be read again. */
  async #unwatched(): Promise<void> {
    const { seen } = await this.#options.looker.look();
    if (seen.tag === "taken") return this.#tell("settled", seen.fingerprint);
    this.#options.setTimer(UNWATCHED_PAUSE_MS);
  }

  async #verify({ generation, fingerprint }: Extract<Action, { name: "verify" }>): Promise<void> {
    const look = await this.#options.looker.look();
    if (await hasMoved(fingerprint, look, 0)) this.#options.post({ name: "moved", generation });
  }

  async #reload(order: ReloadOrder): Promise<void> {
    const { seen } = await this.#options.looker.look();
    const fingerprint = seen.tag === "taken" ? seen.fingerprint : null;
    this.#options.post({ name: "reload_requested", order, fingerprint, atMs: performance.now() });
  }

  #tell(name: "changing" | "settled", fingerprint: Fingerprint): void {
    this.#options.post({ name, fingerprint, atMs: performance.now() });
  }
}
