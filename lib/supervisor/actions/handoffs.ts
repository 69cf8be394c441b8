/** Carries out the start of a generation, from the order until its outcome is an event. */
import { type Cut, cutOff } from "../../system/cut_off.ts";
import { formatDuration } from "../../text/duration.ts";
import { sharesPorts } from "../../haproxy/process/arguments.ts";
import type { DrainGauge } from "../../haproxy/drain/drain_gauge.ts";
import type { Fleet, LeftMember } from "../../haproxy/drain/fleet.ts";
import { handoff } from "../../haproxy/handoff/handoff.ts";
import type { HandoffOutcome } from "../../haproxy/handoff/outcome.ts";
import type { PauseEnd } from "../../haproxy/handoff/pause.ts";
import type { PrivateFolder } from "../../haproxy/private_folder/private_folder.ts";
import { canPassTables, untilTablesPass } from "../../haproxy/runtime/stick_tables.ts";
import type { Standby } from "../../haproxy/handoff/standby.ts";
import { unusable } from "../../last_good/messages.ts";
import type { KeptSet } from "../../last_good/last_good.ts";
import type { Restored } from "../../last_good/restore.ts";
import { adopt, type Adopted } from "../../loaded/adoption.ts";
import type { LoadedFiles } from "../../loaded/loaded_files.ts";
import { NO_TARGETS } from "../../loaded/targets.ts";
import type { Log } from "../../system/log.ts";
import type { Settings } from "../../settings/settings.ts";
import type { Inventory } from "../../watch/scan/inventory.ts";
import type { Scanner } from "../../watch/scan/scan.ts";
import type { Action, Event, HandoffEnd } from "../state/events.ts";
import type { Attempt } from "../state/state.ts";
import { mayLieInFiles } from "../decisions/last_good_fallback.ts";
import * as messages from "../messages/messages.ts";
import { NotedWords } from "./noted_words.ts";
import type { Room } from "./memory_room.ts";

/** HAProxy's resync takes 5 s where nobody answers it; longer than this no handoff waits. */
const TABLES_LIMIT_MS = 8_000;

export interface HandoffsOptions {
  readonly settings: Settings;
  readonly folder: PrivateFolder;
  readonly fleet: Fleet;
  readonly standby: Standby;
  readonly gauge: DrainGauge;
  readonly room: Room;
  readonly scanner: Scanner;
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
  readonly #notedWords: NotedWords;
  /** Whether what serves does, by its configuration. */
  #sharesPorts = true;
  #endPause: () => void = () => {};

  constructor(options: HandoffsOptions) {
    this.#options = options;
    this.#notedWords = new NotedWords(options);
  }

  get isRunning(): boolean {
    return this.#running !== null;
  }

  /** Resolves when the outcome has been posted. */
  async start({ attempt, takeOverFrom: own, pauseMs }: Extract<Action, { name: "start_handoff" }>) {
    const { settings, folder, fleet, gauge, room, loadedFiles, log, post } = this.#options;
    const cancel = this.#running = new AbortController();
    if (pauseMs !== undefined) await this.#pause(pauseMs);
    const takeOverFrom = own ?? servingOf(fleet.left)?.generation ?? null;
    const files = [...attempt.fingerprint?.files.keys() ?? []];
    const startedMs = Date.now();
    const isLastGood = attempt.cause.tag === "last_good";
    const onDisk = { ...settings, needs: loadedFiles.needs };
    const { haproxy, envFile, needs } = isLastGood ? this.#restored ?? onDisk : onDisk;
    let loaded: Adopted = {
      fingerprint: attempt.fingerprint,
      changedDuringRead: false,
      targets: NO_TARGETS,
    };
    let passesTables = true;
    const learn = async () => {
      const opening = this.#openGauge(takeOverFrom);
      const asking = canPassTables(folder.socket(attempt.number));
      if (settings.watch && !isLastGood) loaded = await this.#adopt(attempt, startedMs);
      passesTables = await asking;
      await opening;
    };
    try {
      const request = { generation: attempt.number, takeOverFrom, files };
      const options = {
        ...this.#options,
        ...settings,
        ...{ haproxy, envFile, needs, learn },
        onServerStateLost: (reason: string) =>
          log(messages.serverStateLost(attempt.number, { from: takeOverFrom, reason })),
        sharesPorts: () =>
          this.#sharesPorts && needs().sharesPorts && sharesPorts(settings.haproxy),
        onPauseEnd: (end: PauseEnd) => log(messages.pauseEnded(end)),
      };
      if (own !== null) await room.await(own, cancel.signal);
      const outcome = await handoff(request, options, cancel.signal);
      if (outcome.tag !== "ready" && takeOverFrom !== null) gauge.close(takeOverFrom);
      const isLeftGone = own === null && takeOverFrom !== null && !fleet.has(takeOverFrom);
      const isFallible = own === null && !isLeftGone && !isLastGood && !cancel.signal.aborted;
      const end = isFallible && outcome.tag === "failed"
        ? await this.#withLastGood(outcome, cancel.signal)
        : outcome;
      const atMs = performance.now();
      const left = fleet.left.map(pidOf);
      if (end.tag !== "ready") {
        const outcome = end.tag === "failed" ? { ...end, left, isLeftGone } : end;
        return post({ name: "handoff_ended", outcome, atMs });
      }
      this.#sharesPorts = needs().sharesPorts;
      const tables = passesTables ? {} : { tablesByMs: atMs + TABLES_LIMIT_MS };
      const ready = { ...end, loaded: { ...loaded, ...tables }, left };
      post({ name: "handoff_ended", outcome: ready, atMs });
      if (!passesTables) this.#tellWhenTablesPass(attempt.number);
      if (!isLastGood) this.#notedWords.tell(attempt.number);
    } finally {
      this.#running = null;
    }
  }

  /** The running handoff starts nothing more. */
  cancel(): void {
    this.#running?.abort();
    this.hurry();
  }

  /** Ends the pause before a start. */
  hurry(): void {
    this.#endPause();
  }

  async #pause(pauseMs: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, pauseMs);
    this.#endPause = resolve;
    await promise;
    clearTimeout(timer);
  }

  /** A failed start, with the set that can serve instead. */
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

  async #tellWhenTablesPass(generation: number): Promise<void> {
    const { folder, post } = this.#options;
    await untilTablesPass(folder.socket(generation), TABLES_LIMIT_MS);
    post({ name: "resynced", generation });
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

/** The one that can hand its listeners over. */
const servingOf = (left: readonly LeftMember[]) => left.find(({ serves }) => serves);

const pidOf = ({ generation, process: { pid } }: LeftMember) => ({ generation, pid });

/** `null`: it can be used, or there is nothing to report. */
function describeUnusable(restored: Restored | Cut): string | null {
  if (restored.tag === "timed_out") {
    return `it could not be read within ${formatDuration(restored.afterMs)}`;
  }
  return restored.tag === "unusable" ? restored.reason : null;
}
