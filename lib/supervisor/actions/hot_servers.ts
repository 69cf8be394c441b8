/**
 * What follows a hot apply of servers: deletes removed ones, and corrects the state that the next generation gets.
 * Draining processes are left alone: they answer any change with "Proxy is disabled." (2.6 to 3.4).
 */
import type { PrivateFolder } from "../../haproxy/private_folder/private_folder.ts";
import { createAsk, quoted } from "../../haproxy/runtime/client.ts";
import type { HotApplyOutcome } from "../../hot_apply/hot_apply.ts";
import { planServers } from "../../hot_apply/servers/plan.ts";
import { obstacleInRelease, trustsNewServers } from "../../hot_apply/servers/releases.ts";
import { haveSameRest } from "../../config/server_lines.ts";
import type { LoadedFiles } from "../../loaded/loaded_files.ts";
import { readTexts } from "../../loaded/servers.ts";
import { serversIn, type ServersTarget, type Targets } from "../../loaded/targets.ts";
import { cutOff, sleep } from "../../system/cut_off.ts";
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
  /** Removed servers with connections that the log has named. */
  readonly told: Set<string>;
  /** Whether the log has said that none is deleted from this release. */
  toldOfRelease: boolean;
}

/** After this long the log names a removed server that still has connections. */
const TOLD_AFTER_MS = 60_000;

export interface HotServersOptions {
  readonly folder: Pick<PrivateFolder, "socket">;
  readonly loadedFiles: Pick<LoadedFiles, "configurations" | "texts">;
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

  /** Follows the generation that serves from now on. */
  serve(generation: number, targets: Targets, version: string | null): void {
    const servers = serversIn(targets);
    this.#deleting.abort();
    this.#serving = servers && {
      generation,
      servers,
      version,
      toldOfRelease: false,
      removed: new Map(),
      doubtful: new Set(),
      told: new Set(),
    };
  }

  /**
   * Deletes nothing more until `follow`, so that no new server is taken for a removed one of the same name, and no
   * server is deleted between the saving and the correction of a state.
   */
  async quiesce(cancel: AbortSignal): Promise<void> {
    this.#deleting.abort();
    // A command that was sent is carried out, so wait for its answer; a frozen process gives none.
    await cutOff(this.#deleted, { timeoutMs: ANSWER_LIMIT_MS, cancel });
  }

  /** Deletes what is removed: after a hot apply or, with `null`, after a cancelled one or a failed start. */
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

  /** Whether the configuration, as last scanned, differs from that of what serves in nothing but servers. */
  hasSameRest(): boolean {
    const { servers } = this.#serving ?? {};
    return servers !== undefined && haveSameRest(servers.texts, this.#texts());
  }

  /** Whether it is also likely to need no reload, for which a process on standby would be of use. */
  isLikely(): boolean {
    if (!this.hasSameRest()) return false;
    const { servers, version } = this.#serving!;
    const plan = planServers(servers, this.#texts());
    return plan.tag === "plan" && obstacleInRelease(plan.changes, version) === null;
  }

  /**
   * The generation's state of its servers, corrected for a successor that reads the files as they are now. What a
   * generation itself read is unknown if the files may have differed from the scan, or another wrapper started it.
   */
  async passed(generation: number, state: string): Promise<string> {
    const serving = this.#serving?.generation === generation ? this.#serving : null;
    const { passedState } = await import("../../haproxy/private_folder/passed_state.ts");
    const { servers, removed, doubtful } = serving ?? UNKNOWN;
    const after = await readTexts(servers?.paths ?? this.#options.loadedFiles.configurations()) ??
      servers?.texts;
    if (after === undefined) return state;
    const { texts: before = null, hot = new Map() } = servers ?? {};
    const forgotten = new Set([...removed.keys(), ...doubtful]);
    return passedState(state, { before, after, hot, forgotten });
  }

  #texts(): readonly string[] {
    return this.#options.loadedFiles.texts().map(({ text }) => text);
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

  /** Tries until all are deleted or `stop` aborts. A server stays in maintenance until its connections end. */
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
      if (removed.size > 0) await sleep(limitMs, stop);
    }
  }

  /** Names each server once. */
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

  /** Once per generation. */
  #tellOfRelease(serving: Serving): void {
    if (serving.toldOfRelease) return;
    serving.toldOfRelease = true;
    this.#options.log(messages.removedServersKept(serving.version, serving.generation));
  }
}

const UNKNOWN = { servers: null, removed: new Map(), doubtful: new Set<string>() };

const isServers = (target: { readonly tag: string }): target is ServersTarget =>
  target.tag === "server";

const ANSWER_LIMIT_MS = 1_000;
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 30_000;
