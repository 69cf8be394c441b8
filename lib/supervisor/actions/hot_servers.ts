/** What follows a hot apply of servers: removed ones are deleted, draining processes told, and a later state put right. */
import type { DrainGauge } from "../../haproxy/drain/drain_gauge.ts";
import { passedState } from "../../haproxy/private_folder/passed_state.ts";
import type { PrivateFolder } from "../../haproxy/private_folder/private_folder.ts";
import { createAsk, type StatsSocket } from "../../haproxy/runtime/client.ts";
import { askVersion } from "../../haproxy/runtime/instance.ts";
import { deleteServer, setState } from "../../haproxy/runtime/server_commands.ts";
import { trustsNewServers } from "../../hot_apply/servers/releases.ts";
import { readServerLines } from "../../loaded/servers.ts";
import { serversIn, type ServersTarget, type Target, type Targets } from "../../loaded/targets.ts";

export class HotServers {
  readonly #folder: PrivateFolder;
  readonly #gauge: DrainGauge;
  #serving: { readonly generation: number; readonly servers: ServersTarget } | null = null;
  #deleting = new AbortController();
  #deleted: Promise<void> = Promise.resolve();

  constructor(folder: PrivateFolder, gauge: DrainGauge) {
    this.#folder = folder;
    this.#gauge = gauge;
  }

  /** Another generation serves. */
  serve(generation: number, targets: Targets): void {
    const servers = serversIn(targets);
    this.#deleting.abort();
    this.#serving = servers && { generation, servers };
  }

  /** Deletes nothing more, so that no server of the same name is taken for a removed one. */
  async quiesce(): Promise<void> {
    this.#deleting.abort();
    await this.#deleted;
  }

  /** After a hot apply. */
  follow(generation: number, applied: readonly Target[]): void {
    const servers = applied.find((target) => target.tag === "server") ?? null;
    const before = this.#serving;
    if (servers !== null) this.#serving = { generation, servers };
    if (this.#serving?.generation !== generation) return;
    const removed = namesOf(this.#serving.servers);
    if (servers !== null) {
      const known = before?.generation === generation ? before.servers.hot : new Map();
      this.#gauge.tell(
        namesOutOfUse(servers, known).map((name) => setState(name, "maint").command),
      );
    }
    if (removed.length > 0) this.#delete(removed, this.#folder.socket(generation));
  }

  /** What the generation says of its servers, put right for a successor that reads the files as they are now. */
  async passed(generation: number, state: string): Promise<string> {
    if (this.#serving?.generation !== generation) return state;
    const { lines: before, paths, hot } = this.#serving.servers;
    const after = await readServerLines(paths);
    return after === null ? state : passedState(state, { before, after, hot });
  }

  #delete(names: readonly string[], socket: StatsSocket): void {
    const { signal } = this.#deleting = new AbortController();
    this.#deleted = deleteAll(names, socket, signal);
  }
}

const namesOf = ({ hot }: ServersTarget) =>
  [...hot].filter(([, values]) => values === null).map(([name]) => name);

/** Those that no new request may be sent to, for the last change. */
function namesOutOfUse(
  { hot }: ServersTarget,
  before: ServersTarget["hot"],
): readonly string[] {
  return [...hot].filter(([name, values]) => values !== before.get(name))
    .filter(([, values]) => values === null || values.isDisabled).map(([name]) => name);
}

/** Until all are, or `stop` aborts; one with connections stays in maintenance till they end. */
async function deleteAll(
  names: readonly string[],
  socket: StatsSocket,
  stop: AbortSignal,
): Promise<void> {
  const ask = createAsk(socket, stop);
  if (!trustsNewServers(await askVersion(ask))) return;
  let left = names;
  for (let pauseMs = FIRST_PAUSE_MS; left.length > 0 && !stop.aborted; pauseMs *= 2) {
    const refused: string[] = [];
    for (const name of left) {
      const { command, accepts } = deleteServer(name);
      const answer = await ask(command);
      if (answer === null) return;
      if (!accepts.test(answer)) refused.push(name);
    }
    left = refused;
    if (left.length > 0) await pause(Math.min(pauseMs, LONGEST_PAUSE_MS), stop);
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
