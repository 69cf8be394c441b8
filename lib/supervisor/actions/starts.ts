/** Carries out the start of a generation, from the action to the event that reports its outcome. */
import type { Fleet, LeftoverMember } from "../../haproxy/drain/fleet.ts";
import { KILL_AFTER_MS } from "../../haproxy/drain/limits.ts";
import type { MemoryRoom } from "../../haproxy/drain/memory_room.ts";
import { handoff } from "../../haproxy/handoff/handoff.ts";
import type { Failed, Ready } from "../../haproxy/handoff/outcome.ts";
import type { Origin } from "../../haproxy/handoff/preparation.ts";
import type { Standby } from "../../haproxy/handoff/standby.ts";
import { sharesPorts } from "../../haproxy/process/arguments.ts";
import type { DrainGauge } from "../../haproxy/drain/drain_gauge.ts";
import { canPassTables, untilTablesPass } from "../../haproxy/runtime/stick_tables.ts";
import { adopt, type Adopted } from "../../loaded/adoption.ts";
import { NO_TARGETS } from "../../loaded/targets.ts";
import { aborted, sleep } from "../../system/cut_off.ts";
import type { Fingerprint } from "../../watch/scan/fingerprint.ts";
import type { Inventory } from "../../watch/scan/inventory.ts";
import { TABLES_LIMIT_MS } from "../decisions/delay.ts";
import { mayLieInFiles } from "../decisions/last_good_fallback.ts";
import { notListed } from "../messages/reload_messages.ts";
import type { ActionOf, HandoffEnd } from "../state/events.ts";
import type { Attempt } from "../state/state.ts";
import type { HotServers } from "./hot_servers.ts";
import { NotedWords } from "./noted_words.ts";
import type { Parts } from "./parts.ts";

export interface StartsParts extends Parts {
  readonly fleet: Fleet;
  readonly memory: MemoryRoom;
  readonly standby: Standby;
  readonly gauge: DrainGauge;
  readonly servers: HotServers;
  /** What is on disk. */
  readonly origin: Origin;
  /** Called once a generation serves, with what to watch. */
  readonly onInventory: (inventory: Inventory) => void;
}

/** What is learned between a generation's first answer and its last. */
interface Learned {
  readonly loaded: Adopted;
  /** Whether it can already pass its stick-tables on. */
  readonly passesTables: boolean;
}

export class Starts {
  readonly #parts: StartsParts;
  readonly #notedWords = new NotedWords();
  #running: AbortController | null = null;
  #goAhead = new AbortController();
  /** Whether the serving generation's configuration lets others bind its ports. */
  #sharesPorts = true;

  constructor(parts: StartsParts) {
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
      if (pauseMs > 0) await sleep(pauseMs, cancel, goAhead);
      if (own !== null) await awaitRoom(own, this.#parts, [cancel, goAhead]);
      const origin = this.#originOf(attempt);
      const takeOverFrom = own ?? fleet.leftovers.find(({ serves }) => serves)?.generation ?? null;
      const startedMs = Date.now();
      await this.#parts.servers.quiesce(cancel);
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
        learn: () => this.#learn(attempt, takeOverFrom, startedMs),
        cancel,
      }, this.#parts).catch((error) => {
        if (takeOverFrom !== null) gauge.close(takeOverFrom);
        throw error;
      });
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
      if (own !== null) this.#parts.servers.follow(own, null);
    }
  }

  /** Makes the running handoff start nothing more. */
  cancel(): void {
    this.#running?.abort();
  }

  /** Makes the running handoff wait neither for its pause nor for memory. */
  goAhead(): void {
    this.#goAhead.abort();
  }

  #originOf({ cause }: Attempt): Origin {
    return cause.tag === "last_good" ? cause.set : this.#parts.origin;
  }

  async #learn(
    { number, fingerprint, cause }: Attempt,
    takeOverFrom: number | null,
    startedMs: number,
  ): Promise<Learned> {
    const { settings, folder, scanner, loadedFiles, onInventory } = this.#parts;
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
        onInventory,
      }),
    ]);
    return { loaded, passesTables };
  }

  /** A gauge must be open before its process is asked to drain, and opening it must not delay the drain. */
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
      { loaded: { ...asScanned(fingerprint), isSilent: settings.watchLoaded }, passesTables: true };
    const needs = origin.needs();
    this.#sharesPorts = needs.sharesPorts;
    this.#parts.servers.serve(number, loaded.targets, ready.version);
    const tables = passesTables ? {} : { tablesByMs: performance.now() + TABLES_LIMIT_MS };
    const { isSilent, ...known } = loaded;
    this.#post({ ...ready, loaded: { ...known, ...tables } });
    if (isSilent) log(notListed(number));
    if (!passesTables) this.#postOnceTablesPass(number);
    if (cause.tag !== "last_good") {
      this.#notedWords.newWarnings(number, settings.haproxy, needs).forEach(log);
    }
  }

  async #postOnceTablesPass(generation: number): Promise<void> {
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
    const isLeftoverGone = own === null && takeOverFrom !== null && !fleet.has(takeOverFrom);
    const mayFallBack = own === null && !isLeftoverGone && attempt.cause.tag !== "last_good" &&
      mayLieInFiles(outcome.failure);
    const limits = { timeoutMs: settings.readyTimeoutMs, cancel };
    const set = mayFallBack && !cancel.aborted ? await lastGood?.restore(log, limits) : null;
    this.#post({ ...outcome, isLeftoverGone, ...set ? { fallback: set } : {} });
  }

  #post(outcome: HandoffEnd): void {
    const leftovers = this.#parts.fleet.leftovers.map(idsOf);
    const end = outcome.tag === "cancelled" ? outcome : { ...outcome, leftovers };
    this.#parts.post({ name: "handoff_ended", outcome: end, atMs: performance.now() });
  }
}

/** Waits until one more process like `serving` fits next to the running ones, or one of `goAhead` aborts. */
async function awaitRoom(
  serving: number,
  { fleet, memory, post }: StartsParts,
  goAhead: readonly AbortSignal[],
): Promise<void> {
  const pid = fleet.pidOf(serving);
  while (pid !== null && goAhead.every(({ aborted }) => !aborted)) {
    const shortage = memory.shortage(pid);
    if (shortage === null) return;
    const limit = AbortSignal.timeout(ROOM_LIMIT_MS);
    const nextEnd = fleet.nextEnd();
    post({ name: "memory_short", shortage });
    await Promise.race([nextEnd, aborted(limit, ...goAhead)]);
    if (limit.aborted) return;
  }
}

/** After this long the start goes ahead: a process that survives even SIGKILL frees nothing. */
const ROOM_LIMIT_MS = KILL_AFTER_MS + 1_000;

/** What a generation has loaded, according to the scan before its start. */
const asScanned = (fingerprint: Fingerprint | null): Adopted => ({
  fingerprint,
  changedDuringRead: false,
  targets: NO_TARGETS,
  isSilent: false,
});

const idsOf = ({ generation, process: { pid } }: LeftoverMember) => ({ generation, pid });
