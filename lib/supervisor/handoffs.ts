/** Carries out the start of a generation, from the order until its outcome is an event. */
import { formatDuration } from "../duration.ts";
import type { DrainGauge } from "../haproxy/drain_gauge.ts";
import type { Fleet } from "../haproxy/fleet.ts";
import { type Cut, cutOff, handoff, type HandoffOutcome } from "../haproxy/handoff.ts";
import type { PrivateFolder } from "../haproxy/private_folder.ts";
import type { Standby } from "../haproxy/standby.ts";
import { unusable } from "../last_good/messages.ts";
import type { KeptSet } from "../last_good/kept_set.ts";
import type { Restored } from "../last_good/restoring.ts";
import { adopt, type Adopted } from "../loaded/adoption.ts";
import type { LoadedFiles } from "../loaded/loaded_files.ts";
import { NO_USES } from "../loaded/uses.ts";
import type { Log } from "../log.ts";
import type { Settings } from "../settings/settings.ts";
import type { Inventory } from "../watch/inventory.ts";
import type { Looker } from "../watch/look.ts";
import type { Action, Attempt, Event, HandoffEnd } from "./events.ts";
import { mayLieInFiles } from "./fallback.ts";
import * as messages from "./messages.ts";

export interface HandoffsOptions {
  readonly settings: Settings;
  readonly folder: PrivateFolder;
  readonly fleet: Fleet;
  readonly standby: Standby;
  readonly gauge: DrainGauge;
  readonly looker: Looker;
  readonly loadedFiles: LoadedFiles;
  readonly log: Log;
  readonly post: (event: Event) => void;
  /** What served last; `null`: nothing is kept. */
  readonly keptSet: KeptSet | null;
  /** Called with what is to be watched once a generation serves. */
  readonly onInventory: (inventory: Inventory) => void;
}

type Failed = Extract<HandoffOutcome, { tag: "failed" }>;

export class Handoffs {
  readonly #options: HandoffsOptions;
  #running: AbortController | null = null;
  #restored: Extract<Restored, { tag: "restored" }> | null = null;

  constructor(options: HandoffsOptions) {
    this.#options = options;
  }

  get isRunning(): boolean {
    return this.#running !== null;
  }

  /** Resolves when the outcome has been posted. */
  async start({ attempt, takeOverFrom }: Extract<Action, { name: "start_handoff" }>) {
    const { settings, gauge, post } = this.#options;
    const cancel = this.#running = new AbortController();
    const files = [...attempt.fingerprint?.files.keys() ?? []];
    const startedMs = Date.now();
    const isLastGood = attempt.cause.tag === "last_good";
    let loaded: Adopted = { fingerprint: attempt.fingerprint, moved: false, uses: NO_USES };
    const learn = async () => {
      const opening = this.#openGauge(takeOverFrom);
      if (settings.watch && !isLastGood) loaded = await this.#adopt(attempt, startedMs);
      await opening;
    };
    try {
      const request = { generation: attempt.number, takeOverFrom, files };
      const kept = isLastGood ? this.#restored : null;
      const options = { ...this.#options, ...settings, ...kept, learn };
      const outcome = await handoff(request, options, cancel.signal);
      if (outcome.tag !== "ready" && takeOverFrom !== null) gauge.close(takeOverFrom);
      const isFallible = takeOverFrom === null && !isLastGood && !cancel.signal.aborted;
      post({
        name: "handoff_ended",
        outcome: outcome.tag === "ready"
          ? { ...outcome, loaded }
          : isFallible && outcome.tag === "failed"
          ? await this.#withLastGood(outcome, cancel.signal)
          : outcome,
      });
    } finally {
      this.#running = null;
    }
  }

  /** Nothing more is started by the handoff that runs. */
  cancel(): void {
    this.#running?.abort();
  }

  /** A start that failed, with what can serve instead. */
  async #withLastGood(outcome: Failed, cancel: AbortSignal): Promise<HandoffEnd> {
    const { keptSet, settings, log } = this.#options;
    if (keptSet === null || !mayLieInFiles(outcome.failure)) return outcome;
    const timeoutMs = settings.readyTimeoutMs;
    const restored = await cutOff(keptSet.restore(), { timeoutMs, cancel });
    const problem = describeUnusable(restored);
    if (problem !== null) log(unusable(settings.lastGood!, problem));
    if (restored.tag !== "restored") return outcome;
    this.#restored = restored;
    return { ...outcome, lastGood: restored.lastGood };
  }

  /** Of the generation that will be asked to drain then, which must not have to wait for that. */
  async #openGauge(generation: number | null): Promise<void> {
    if (generation === null) return;
    await this.#options.gauge.open(generation, this.#options.folder.socket(generation));
  }

  async #adopt({ number, fingerprint }: Attempt, startedMs: number): Promise<Adopted> {
    const { settings, folder, log } = this.#options;
    return await adopt(fingerprint, {
      ...this.#options,
      socket: settings.watchLoaded ? folder.socket(number) : null,
      startedMs,
      onSilence: () => log(messages.notListed(number)),
    });
  }
}

/** `null`: it can be used, or nobody needs to hear why not. */
function describeUnusable(restored: Restored | Cut): string | null {
  if (restored.tag === "timed_out") {
    return `it could not be read within ${formatDuration(restored.afterMs)}`;
  }
  return restored.tag === "unusable" ? restored.reason : null;
}
