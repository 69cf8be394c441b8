/** Carries out the start of a generation, from the order to the event that tells its outcome. */
import type { Fleet, LeftMember } from "../../haproxy/drain/fleet.ts";
import type { MemoryRoom } from "../../haproxy/drain/memory_room.ts";
import { handoff } from "../../haproxy/handoff/handoff.ts";
import type { Failed, Ready } from "../../haproxy/handoff/outcome.ts";
import type { Origin } from "../../haproxy/handoff/preparation.ts";
import type { Standby } from "../../haproxy/handoff/standby.ts";
import { sharesPorts } from "../../haproxy/process/arguments.ts";
import type { DrainGauge } from "../../haproxy/drain/drain_gauge.ts";
import { canPassTables, untilTablesPass } from "../../haproxy/runtime/stick_tables.ts";
import { adopt, type Adopted, type AdoptionOptions } from "../../loaded/adoption.ts";
import { findServers } from "../../loaded/servers.ts";
import { NO_TARGETS, type ServersTarget } from "../../loaded/targets.ts";
import { aborted } from "../../system/cut_off.ts";
import type { Fingerprint } from "../../watch/scan/fingerprint.ts";
import type { Inventory } from "../../watch/scan/inventory.ts";
import { mayLieInFiles } from "../decisions/last_good_fallback.ts";
import { notListed } from "../messages/messages.ts";
import type { ActionOf, HandoffEnd } from "../state/events.ts";
import type { Attempt } from "../state/state.ts";
import type { HotServers } from "./hot_servers.ts";
import { awaitRoom } from "./memory_room.ts";
import { NotedWords } from "./noted_words.ts";
import type { Parts } from "./parts.ts";

/** HAProxy's resync takes 5 s if nobody answers; no reload waits longer than this. */
const TABLES_LIMIT_MS = 8_000;

export interface HandoffsParts extends Parts {
  readonly fleet: Fleet;
  readonly memory: MemoryRoom;
  readonly standby: Standby;
  readonly gauge: DrainGauge;
  readonly servers: HotServers;
  /** What is on disk. */
  readonly origin: Origin;
  /** Called with what is to be watched once a generation serves. */
  readonly onInventory: (inventory: Inventory) => void;
}

/** What is found out between the first answer of a generation and its last. */
interface Learned {
  readonly loaded: Adopted;
  /** Whether it can pass its stick-tables on already. */
  readonly passesTables: boolean;
}

export class Handoffs {
  readonly #parts: HandoffsParts;
  readonly #notedWords = new NotedWords();
  #running: AbortController | null = null;
  #goAhead = new AbortController();
  /** Whether the configuration of what serves lets others bind its ports. */
  #sharesPorts = true;

  constructor(parts: HandoffsParts) {
    this.#parts = parts;
  }

  get isRunning(): boolean {
    return this.#running !== null;
  }

  /** Resolves when the outcome has been posted. */
  async start(order: ActionOf<"start_handoff">): Promise<void> {
    const { attempt, takeOverFrom: own, pauseMs = 0 } = order;
    const { settings, fleet, gauge } = this.#parts;
    const { signal: cancel } = this.#running = new AbortController();
    const { signal: goAhead } = this.#goAhead = new AbortController();
    try {
      if (pauseMs > 0) await aborted(cancel, goAhead, AbortSignal.timeout(pauseMs));
      if (own !== null) await awaitRoom(own, this.#parts, [cancel, goAhead]);
      const origin = this.#originOf(attempt);
      const takeOverFrom = own ?? fleet.left.find(({ serves }) => serves)?.generation ?? null;
      const startedMs = Date.now();
      const servers = this.#findServers(attempt);
      const outcome = await handoff({
        generation: attempt.number,
        takeOverFrom,
        files: [...attempt.fingerprint?.files.keys() ?? []],
        origin,
        sharesPorts: this.#sharesPorts && origin.needs().sharesPorts &&
          sharesPorts(settings.haproxy),
        ...takeOverFrom === null || attempt.cause.tag === "last_good" ? {} : {
          passedState: (state: string) => this.#parts.servers.passed(takeOverFrom, state),
        },
        learn: () => this.#learn(attempt, takeOverFrom, { startedMs, servers }),
        cancel,
      }, this.#parts);
      if (outcome.tag !== "ready" && takeOverFrom !== null) gauge.close(takeOverFrom);
      switch (outcome.tag) {
        case "ready":
          return this.#endReady(outcome, attempt, origin);
        case "failed":
          return await this.#endFailed(outcome, order, { takeOverFrom, cancel });
        case "cancelled":
          return this.#post(outcome);
        default:
          return outcome satisfies never;
      }
    } finally {
      this.#running = null;
    }
  }

  /** The running handoff starts nothing more. */
  cancel(): void {
    this.#running?.abort();
  }

  /** The running handoff waits neither for its pause nor for memory. */
  goAhead(): void {
    this.#goAhead.abort();
  }

  #originOf({ cause }: Attempt): Origin {
    return cause.tag === "last_good" ? cause.set : this.#parts.origin;
  }

  async #learn(
    { number, fingerprint, cause }: Attempt,
    takeOverFrom: number | null,
    { startedMs, servers }: Pick<AdoptionOptions, "startedMs" | "servers">,
  ): Promise<Learned> {
    const { settings, folder, scanner, loadedFiles, onInventory, log } = this.#parts;
    const socket = folder.socket(number);
    const isAdopted = settings.watch && cause.tag !== "last_good";
    const [, passesTables, loaded] = await Promise.all([
      this.#openGauge(takeOverFrom),
      canPassTables(socket),
      !isAdopted ? asScanned(fingerprint) : adopt(fingerprint, {
        scanner,
        loadedFiles,
        socket: settings.watchLoaded ? socket : null,
        startedMs,
        servers,
        onSilence: () => log(notListed(number)),
        onInventory,
      }),
    ]);
    return { loaded, passesTables };
  }

  /** Begun before the start, so that nothing waits for it. */
  async #findServers({ fingerprint, cause }: Attempt): Promise<ServersTarget | null> {
    const { settings, loadedFiles, postBug } = this.#parts;
    if (fingerprint === null || !settings.watch || cause.tag === "last_good") return null;
    try {
      return await findServers(loadedFiles.configurations(), fingerprint);
    } catch (error) {
      postBug(error, { name: "watch" });
      return null;
    }
  }

  /** A gauge must be open before its process is asked to drain, which must not wait for that. */
  async #openGauge(generation: number | null): Promise<void> {
    const { gauge, folder } = this.#parts;
    if (generation !== null) await gauge.open(generation, folder.socket(generation));
  }

  #endReady(
    { learned, ...ready }: Ready<Learned>,
    { number, fingerprint, cause }: Attempt,
    origin: Origin,
  ): void {
    const { settings, log } = this.#parts;
    const { loaded, passesTables } = learned ??
      { loaded: asScanned(fingerprint), passesTables: true };
    const needs = origin.needs();
    this.#sharesPorts = needs.sharesPorts;
    this.#parts.servers.serve(number, loaded.targets, ready.version);
    const tables = passesTables ? {} : { tablesByMs: performance.now() + TABLES_LIMIT_MS };
    this.#post({ ...ready, loaded: { ...loaded, ...tables } });
    if (!passesTables) this.#tellWhenTablesPass(number);
    if (cause.tag !== "last_good") {
      this.#notedWords.news(number, settings.haproxy, needs).forEach(log);
    }
  }

  async #tellWhenTablesPass(generation: number): Promise<void> {
    const { folder, post } = this.#parts;
    await untilTablesPass(folder.socket(generation), TABLES_LIMIT_MS);
    post({ name: "resynced", generation });
  }

  async #endFailed(
    outcome: Failed,
    { attempt, takeOverFrom: own }: ActionOf<"start_handoff">,
    { takeOverFrom, cancel }: {
      readonly takeOverFrom: number | null;
      readonly cancel: AbortSignal;
    },
  ): Promise<void> {
    const { settings, fleet, lastGood, log } = this.#parts;
    const isLeftGone = own === null && takeOverFrom !== null && !fleet.has(takeOverFrom);
    const mayFallBack = own === null && !isLeftGone && attempt.cause.tag !== "last_good" &&
      mayLieInFiles(outcome.failure);
    const limits = { timeoutMs: settings.readyTimeoutMs, cancel };
    const set = mayFallBack && !cancel.aborted ? await lastGood?.restore(log, limits) : null;
    this.#post({ ...outcome, isLeftGone, ...set ? { fallback: set } : {} });
  }

  #post(outcome: HandoffEnd): void {
    const left = this.#parts.fleet.left.map(pidOf);
    const end = outcome.tag === "cancelled" ? outcome : { ...outcome, left };
    this.#parts.post({ name: "handoff_ended", outcome: end, atMs: performance.now() });
  }
}

/** What a generation has loaded, as far as the scan before its start tells. */
const asScanned = (fingerprint: Fingerprint | null): Adopted => ({
  fingerprint,
  changedDuringRead: false,
  targets: NO_TARGETS,
});

const pidOf = ({ generation, process: { pid } }: LeftMember) => ({ generation, pid });
