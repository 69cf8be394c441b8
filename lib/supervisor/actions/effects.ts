/** Carries out the supervisor's actions on real processes, files and timers. */
import { Fleet, type ProcessEnd } from "../../haproxy/drain/fleet.ts";
import { MemoryRoom } from "../../haproxy/drain/memory_room.ts";
import type { Origin } from "../../haproxy/handoff/preparation.ts";
import { Standby } from "../../haproxy/handoff/standby.ts";
import { DrainGauge } from "../../haproxy/drain/drain_gauge.ts";
import type { SignalMeaning } from "../../system/signals.ts";
import { signalRefused } from "../messages/drain_messages.ts";
import { leftoversUntouched } from "../messages/leftover_messages.ts";
import type { Action, ActionOf, Broken } from "../state/events.ts";
import type { ReloadOrder } from "../state/state.ts";
import type { Effects } from "../supervisor.ts";
import { HotServers } from "./hot_servers.ts";
import { Starts } from "./starts.ts";
import type { Parts } from "./parts.ts";
import { Scans } from "./scans.ts";

const WATCH = { name: "watch" } as const;

/** How much longer than the settle time a process on standby waits. */
const STANDBY_LIMIT_MS = 2_000;

export class RealEffects implements Effects {
  readonly #parts: Parts;
  readonly #origin: Origin;
  readonly #fleet: Fleet;
  readonly #gauge = new DrainGauge();
  readonly #servers: HotServers;
  readonly #standby: Standby;
  readonly #memory: MemoryRoom;
  readonly #scans: Scans;
  readonly #starts: Starts;
  #hotApply: AbortController | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(parts: Parts) {
    this.#parts = parts;
    const { settings, folder, leftovers, sources, loadedFiles, log } = parts;
    const { haproxy, envFile, settleMs } = settings;
    this.#origin = { haproxy, envFile, needs: loadedFiles.needs };
    const fleet = this.#fleet = new Fleet({
      onEnd: (end) => this.#reportEnd(end),
      onEmpty: () => this.#postIfEmpty(),
      onRefused: (pid, signal, reason) => log(signalRefused(pid, signal, reason)),
    }, settings.shutdownWaitMs);
    for (const leftover of leftovers.processes) {
      fleet.trackLeftover(leftover);
      folder.adopt(leftover.generation, leftover.socket);
    }
    const configurations = sources.filter(({ kind }) => kind === "configuration");
    const standby = this.#standby = new Standby({
      settings,
      folder,
      fleet,
      configurations: configurations.map(({ path }) => path),
      limitMs: settleMs + STANDBY_LIMIT_MS,
    });
    const memory = this.#memory = new MemoryRoom(parts.readKernelFile);
    this.#servers = new HotServers({ folder, loadedFiles, log });
    this.#scans = new Scans(parts, this.#servers, (delayMs) => {
      // During a scan the state may have changed, for instance to a drain delay.
      if (this.#timer === undefined) this.#setTimer(delayMs);
    });
    this.#starts = new Starts({
      ...parts,
      origin: this.#origin,
      fleet,
      standby,
      gauge: this.#gauge,
      servers: this.#servers,
      memory,
      onInventory: (inventory) => this.#scans.adapt(inventory),
    });
  }

  get figures() {
    return {
      watching: this.#scans.counts,
      connections: this.#gauge.connections,
      removedServers: this.#servers.removed,
      memory: this.#memory.limit,
    };
  }

  perform(action: Action): void {
    switch (action.name) {
      case "start_handoff":
        return void this.#startHandoff(action);
      case "hurry_handoff":
      case "start_anyway":
        return this.#starts.goAhead();
      case "cancel_handoff":
        return this.#cancelHandoff();
      case "stand_by":
        return this.#inBackground(this.#standby.begin({ ...action, origin: this.#origin }), action);
      case "hot_apply":
        return void this.#applyHot(action);
      case "cancel_hot_apply":
        return this.#hotApply?.abort();
      case "take_charge":
        return this.#fleet.takeCharge();
      case "drain":
        return this.#drain(action.generation);
      case "discard":
        return this.#fleet.discard(action.generation);
      case "terminate":
        return this.#fleet.terminate(action.generation, action.reason);
      case "pass_on":
        return this.#fleet.signal(action.generation, action.signal);
      case "drain_all":
        return this.#inBackground(this.#drainAll(), action);
      case "terminate_all":
        return this.#fleet.terminateAll(action.signal);
      case "kill_all":
        return this.#fleet.killAll();
      case "scan_soon":
        return this.#scans.soon();
      case "scan_for_retry":
        return this.#inBackground(this.#scans.forRetry(), WATCH);
      case "verify":
        return this.#inBackground(this.#scans.verify(action), WATCH);
      case "scan_and_reload":
        return this.requestReload(action.order);
      case "set_timer":
        return this.#setTimer(action.delayMs);
      case "clear_timer":
        return this.#clearTimer();
      case "log":
        return this.#parts.log(action.entry);
      default:
        return action satisfies never;
    }
  }

  /** Turns a signal into the event that it means. */
  receive(meaning: SignalMeaning): void {
    const { post } = this.#parts;
    switch (meaning.tag) {
      case "stop":
        return post({ name: "stop_requested", signal: meaning.signal });
      case "drain":
        return post({ name: "drain_requested" });
      case "reload":
        return this.requestReload(meaning.signal);
      case "pass_on":
        return post({ name: "pass_on_requested", signal: meaning.signal });
      case "ignore":
        return;
      default:
        return meaning satisfies never;
    }
  }

  requestReload(order: ReloadOrder): void {
    this.#inBackground(this.#scans.reload(order), WATCH);
  }

  /**
   * Leaves nothing on disk. The watch ends only with the process: closing it would hang Deno 2.9 forever if somebody
   * had made a FIFO in a watched directory.
   */
  async close(): Promise<void> {
    const { folder, leftovers, log } = this.#parts;
    await Promise.all([folder.remove(), leftovers.removed()]);
    const remaining = this.#fleet.leftovers.map(({ generation, process }) => (
      { generation, pid: process.pid }
    ));
    if (remaining.length > 0) log(leftoversUntouched(remaining));
  }

  async #startHandoff(action: ActionOf<"start_handoff">): Promise<void> {
    try {
      await this.#starts.start(action);
    } catch (error) {
      // Before `fleet_empty`, which would otherwise arrive too early and be ignored.
      this.#parts.postBug(error, action);
    } finally {
      this.#postIfEmpty();
      this.#parts.collectGarbageSoon();
      // If nothing was started.
      this.#scans.begin();
    }
  }

  #cancelHandoff(): void {
    this.#standby.close();
    this.#hotApply?.abort();
    this.#starts.cancel();
  }

  #drain(generation: number): void {
    this.#fleet.drain(generation);
    this.#gauge.follow(generation);
  }

  async #drainAll(): Promise<void> {
    const { folder } = this.#parts;
    const { generations } = this.#fleet;
    try {
      await Promise.all(
        generations.map((generation) => this.#gauge.open(generation, folder.socket(generation))),
      );
    } finally {
      this.#fleet.drainAll();
      generations.forEach((generation) => this.#gauge.follow(generation));
    }
  }

  async #applyHot(action: ActionOf<"hot_apply">): Promise<void> {
    const { settings, folder, loadedFiles, post, postBug, collectGarbageSoon } = this.#parts;
    const { generation, request } = action;
    const cancel = this.#hotApply = new AbortController();
    const options = {
      socket: folder.socket(generation),
      apply: settings.hotApply,
      configuration: loadedFiles.texts,
    };
    try {
      // Loaded on demand: not everybody needs it, and it takes memory.
      const { hotApply } = await import("../../hot_apply/hot_apply.ts");
      await this.#servers.quiesce(cancel.signal);
      const outcome = await hotApply(request, options, cancel.signal);
      this.#servers.follow(generation, outcome);
      if (outcome !== null) post({ name: "hot_apply_ended", outcome, atMs: performance.now() });
    } catch (error) {
      // Once cancelled, another hot apply may be running, which has not failed.
      postBug(error, cancel.signal.aborted ? { name: "cancel_hot_apply" } : action);
    }
    collectGarbageSoon();
  }

  #setTimer(delayMs: number): void {
    this.#clearTimer();
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#parts.post({ name: "timer_due" });
    }, delayMs);
  }

  #clearTimer(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #reportEnd(end: Omit<ProcessEnd, "connections">): void {
    const { folder, post } = this.#parts;
    const connections = this.#gauge.forget(end.generation);
    post({ name: "process_ended", end: { ...end, connections }, atMs: performance.now() });
    this.#inBackground(folder.forget(end.generation), { name: "private_folder" });
  }

  #postIfEmpty(): void {
    if (this.#fleet.isEmpty && !this.#starts.isRunning) this.#parts.post({ name: "fleet_empty" });
  }

  /** `broken`: what remains undone if `work` throws. */
  #inBackground(work: Promise<void>, broken: Broken): void {
    work.catch((error) => this.#parts.postBug(error, broken));
  }
}
