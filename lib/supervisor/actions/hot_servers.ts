/**
 * What follows a hot apply of servers: removed ones are deleted, and a later state is put right. Draining processes
 * cannot be told: to any change of a server they answer "Proxy is disabled." (2.6 to 3.4).
 */
import { passedState } from "../../haproxy/private_folder/passed_state.ts";
import type { PrivateFolder } from "../../haproxy/private_folder/private_folder.ts";
import { createAsk, type StatsSocket } from "../../haproxy/runtime/client.ts";
import { deleteServer } from "../../haproxy/runtime/server_commands.ts";
import { planServers } from "../../hot_apply/servers/plan.ts";
import { trustsNewServers } from "../../hot_apply/servers/releases.ts";
import { readConfiguration, readServerLines } from "../../loaded/servers.ts";
import { serversIn, type ServersTarget, type Target, type Targets } from "../../loaded/targets.ts";

interface Serving {
  readonly generation: number;
  readonly servers: ServersTarget;
  /** HAProxy's. */
  readonly version: string | null;
}

/** Of a larger configuration it takes longer than a process on standby saves. */
const MOST_LOOKED_THROUGH = 256 * 1_024;

export class HotServers {
  readonly #folder: Pick<PrivateFolder, "socket">;
  #serving: Serving | null = null;
  #deleting = new AbortController();
  #deleted: Promise<void> = Promise.resolve();
  /** Removed and deleted. */
  #gone: ReadonlySet<string> = new Set();

  constructor(folder: Pick<PrivateFolder, "socket">) {
    this.#folder = folder;
  }

  /** Another generation serves. */
  serve(generation: number, targets: Targets, version: string | null): void {
    const servers = serversIn(targets);
    this.#deleting.abort();
    this.#gone = new Set();
    this.#serving = servers && { generation, servers, version };
  }

  /** Deletes nothing more, so that no server of the same name is taken for a removed one. */
  async quiesce(): Promise<void> {
    this.#deleting.abort();
    await this.#deleted;
  }

  /** After a hot apply. */
  follow(generation: number, applied: readonly Target[]): void {
    const servers = applied.find((target) => target.tag === "server");
    if (this.#serving?.generation !== generation) return;
    if (servers !== undefined) this.#serving = { ...this.#serving, servers };
    const { hot } = this.#serving.servers;
    const removed = [...hot.keys()].filter((name) => hot.get(name) === null);
    this.#gone = this.#gone.intersection(new Set(removed));
    const left = removed.filter((name) => !this.#gone.has(name));
    if (left.length === 0 || !trustsNewServers(this.#serving.version)) return;
    const { signal } = this.#deleting = new AbortController();
    this.#deleted = this.#deleteAll(left, this.#folder.socket(generation), signal);
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
    const plan = planServers(lines, texts);
    return plan.tag === "plan" &&
      (trustsNewServers(version) || plan.changes.servers.every(({ tag }) => tag !== "added"));
  }

  /** What the generation says of its servers, put right for a successor that reads the files as they are now. */
  async passed(generation: number, state: string): Promise<string> {
    if (this.#serving?.generation !== generation) return state;
    const { lines: before, paths, hot } = this.#serving.servers;
    const after = await readServerLines(paths);
    return passedState(state, { before, after: after ?? before, hot });
  }

  /** Until all are, or `stop` aborts; one with connections stays in maintenance till they end. */
  async #deleteAll(
    names: readonly string[],
    socket: StatsSocket,
    stop: AbortSignal,
  ): Promise<void> {
    const ask = createAsk(socket, stop);
    let left = names;
    for (let pauseMs = FIRST_PAUSE_MS; left.length > 0 && !stop.aborted; pauseMs *= 2) {
      const refused: string[] = [];
      for (const name of left) {
        const { command, accepts } = deleteServer(name);
        const answer = await ask(command);
        if (answer === null) return;
        if (accepts.test(answer)) this.#gone = new Set([...this.#gone, name]);
        else refused.push(name);
      }
      left = refused;
      if (left.length > 0) await pause(Math.min(pauseMs, LONGEST_PAUSE_MS), stop);
    }
  }
}

const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 30_000;

function pause(ms: number, stop: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  // It must not keep the program from its end.
  Deno.unrefTimer(timer);
  stop.addEventListener("abort", () => {
    clearTimeout(timer);
    resolve();
  }, { once: true });
  return promise;
}
