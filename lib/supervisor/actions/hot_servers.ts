/**
 * What follows a hot apply of servers: removed ones are deleted, and a later state is put right. Draining processes
 * cannot be told: to any change of a server they answer "Proxy is disabled." (2.6 to 3.4).
 */
import type { PrivateFolder } from "../../haproxy/private_folder/private_folder.ts";
import { createAsk, quoted } from "../../haproxy/runtime/client.ts";
import type { HotApplyOutcome } from "../../hot_apply/hot_apply.ts";
import { obstacleInRelease, trustsNewServers } from "../../hot_apply/servers/releases.ts";
import { readConfiguration, readServerLines } from "../../loaded/servers.ts";
import { serversIn, type ServersTarget, type Targets } from "../../loaded/targets.ts";
import { aborted, cutOff } from "../../system/cut_off.ts";
import type { Log } from "../../system/log.ts";
import * as messages from "../messages/hot_apply_messages.ts";

interface Serving {
  readonly generation: number;
  servers: ServersTarget;
  /** HAProxy's. */
  readonly version: string | null;
  /** Servers that are in the process, but not in its files, and when they were removed. */
  readonly removed: Map<string, number>;
  /** Servers of which nobody knows what a hot apply did to them. */
  readonly doubtful: Set<string>;
  /** Of those that stay, the log has told. */
  readonly told: Set<string>;
  /** And that none is deleted from this release. */
  toldOfRelease: boolean;
}

/** Of a larger configuration it takes longer than a process on standby saves. */
const MOST_LOOKED_THROUGH = 256 * 1_024;

/** A server with connections for longer is told of. */
const TOLD_AFTER_MS = 60_000;

export interface HotServersOptions {
  readonly folder: Pick<PrivateFolder, "socket">;
  /** The configuration's files. */
  readonly configurations: () => readonly string[];
  readonly log: Log;
  readonly toldAfterMs?: number;
}

export class HotServers {
  readonly #options: HotServersOptions;
  #serving: Serving | null = null;
  #deleting = new AbortController();
  #deleted: Promise<void> = Promise.resolve();

  constructor(options: HotServersOptions) {
    this.#options = options;
  }

  /** The servers that are in the process, but not in its files. */
  get removed(): readonly string[] {
    return [...this.#serving?.removed.keys() ?? []];
  }

  /** Another generation serves. */
  serve(generation: number, targets: Targets, version: string | null): void {
    const servers = serversIn(targets);
    this.#deleting.abort();
    this.#serving = servers && {
      ...{ generation, servers, version, toldOfRelease: false },
      ...{ removed: new Map(), doubtful: new Set(), told: new Set() },
    };
  }

  /**
   * Deletes nothing more until `follow`, so that no server of the same name is taken for a removed one, and what is in
   * the state that a successor gets is known to have been removed.
   */
  async quiesce(cancel: AbortSignal): Promise<void> {
    this.#deleting.abort();
    // What was sent will be carried out, so its answer is awaited; a process that is frozen gives none.
    await cutOff(this.#deleted, { timeoutMs: ANSWER_LIMIT_MS, cancel });
  }

  /** After a hot apply, or, with `null`, after one that was cancelled and after a start that failed. */
  follow(
    generation: number,
    outcome: Pick<HotApplyOutcome, "applied" | "unconfirmed"> | null,
  ): void {
    if (this.#serving?.generation !== generation) return;
    const applied = outcome?.applied.map(({ target }) => target).find(isServers);
    if (applied !== undefined) this.#take(applied);
    for (const name of outcome?.unconfirmed.find(isServers)?.doubtful ?? []) {
      this.#serving.doubtful.add(name);
    }
    const { removed, version } = this.#serving;
    if (removed.size === 0) return;
    if (!trustsNewServers(version)) return this.#tellOfRelease(this.#serving);
    const { signal } = this.#deleting = new AbortController();
    this.#deleted = this.#deleteAll(this.#serving, signal);
  }

  /**
   * Whether a change that leaves these `others` is likely to need no reload, for which a process on standby would be
   * of use.
   */
  async isLikely(others: string): Promise<boolean> {
    if (this.#serving?.servers.others !== others) return false;
    const { servers: { lines, paths }, version } = this.#serving;
    const texts = await readConfiguration(paths, MOST_LOOKED_THROUGH);
    if (texts === null) return true;
    const { planServers } = await import("../../hot_apply/servers/plan.ts");
    const plan = planServers(lines, texts);
    return plan.tag === "plan" && obstacleInRelease(plan.changes, version) === null;
  }

  /**
   * What the generation says of its servers, put right for a successor that reads the files as they are now. Of one that
   * may have read other files than were scanned, or was started by another wrapper, nobody knows what they said.
   */
  async passed(generation: number, state: string): Promise<string> {
    const serving = this.#serving?.generation === generation ? this.#serving : null;
    const { passedState } = await import("../../haproxy/private_folder/passed_state.ts");
    const lines = await readServerLines(serving?.servers.paths ?? this.#options.configurations());
    if (serving === null) {
      return lines === null
        ? state
        : passedState(state, { before: null, after: lines, hot: new Map() });
    }
    const { servers: { lines: before, hot }, removed, doubtful } = serving;
    const forgotten = new Set([...removed.keys(), ...doubtful]);
    return passedState(state, { before, after: lines ?? before, hot, forgotten });
  }

  #take(servers: ServersTarget): void {
    const { removed, told } = this.#serving!;
    for (const name of servers.hot.keys()) removed.delete(name);
    for (const name of servers.removed) {
      removed.set(name, performance.now());
      told.delete(name);
    }
    this.#serving!.servers = servers;
  }

  /** Until all are, or `stop` aborts; one with connections stays in maintenance till they end. */
  async #deleteAll(serving: Serving, stop: AbortSignal): Promise<void> {
    const { generation, removed } = serving;
    const { deleteServer } = await import("../../haproxy/runtime/server_commands.ts");
    for (let pauseMs = FIRST_PAUSE_MS; removed.size > 0 && !stop.aborted; pauseMs *= 2) {
      // One that does not answer, perhaps because others take all its connections, is asked again.
      const ask = createAsk(this.#options.folder.socket(generation));
      let refusal: string | null = "";
      for (const name of [...removed.keys()]) {
        if (stop.aborted) return;
        const { command, accepts } = deleteServer(name);
        const answer = await ask(command);
        if (answer !== null && accepts.test(answer)) removed.delete(name);
        else refusal = answer;
      }
      this.#tellOfLate(serving, refusal);
      const limitMs = Math.min(pauseMs, LONGEST_PAUSE_MS);
      if (removed.size > 0) await aborted(stop, AbortSignal.timeout(limitMs));
    }
  }

  /** Of each once. */
  #tellOfLate({ generation, removed, told }: Serving, refusal: string | null): void {
    const { log, toldAfterMs = TOLD_AFTER_MS } = this.#options;
    const nowMs = performance.now();
    const late = [...removed].filter(([name, atMs]) =>
      nowMs - atMs >= toldAfterMs && !told.has(name)
    )
      .map(([name]) => name);
    if (late.length === 0) return;
    late.forEach((name) => told.add(name));
    log(messages.removedServersLeft(late, quoted(refusal), generation));
  }

  /** Once a generation. */
  #tellOfRelease(serving: Serving): void {
    if (serving.toldOfRelease) return;
    serving.toldOfRelease = true;
    this.#options.log(messages.removedServersKept(serving.version, serving.generation));
  }
}

const isServers = (target: { readonly tag: string }): target is ServersTarget =>
  target.tag === "server";

const ANSWER_LIMIT_MS = 1_000;
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 30_000;
