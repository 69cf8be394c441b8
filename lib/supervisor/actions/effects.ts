/** Carries out the supervisor's actions on real processes, files and timers. */
import { DrainGauge } from "../../haproxy/drain/drain_gauge.ts";
import { Fleet } from "../../haproxy/drain/fleet.ts";
import { MemoryRoom } from "../../haproxy/drain/memory_room.ts";
import type { LeftBehind } from "../../haproxy/leftovers/left_behind.ts";
import type { PrivateFolder } from "../../haproxy/private_folder/private_folder.ts";
import { Standby } from "../../haproxy/handoff/standby.ts";
import type { ReadFile } from "../../system/cgroup_memory.ts";
import type { KeptSet } from "../../last_good/last_good.ts";
import type { LoadedFiles } from "../../loaded/loaded_files.ts";
import type { Log } from "../../system/log.ts";
import type { SignalMeaning } from "../../system/signals.ts";
import type { Settings } from "../../settings/settings.ts";
import type { Scanner } from "../../watch/scan/scan.ts";
import type { MountedFile } from "../../watch/scan/mounted_files.ts";
import type { Source } from "../../watch/scan/sources.ts";
import type { Action, Broken, Event } from "../state/events.ts";
import type { ReloadOrder } from "../state/state.ts";
import { signalRefused } from "../messages/drain_messages.ts";
import { Handoffs } from "./handoffs.ts";
import { leftAlone } from "../messages/leftover_messages.ts";
import { Scans } from "./scans.ts";
import { Room } from "./memory_room.ts";
import type { Effects } from "../supervisor.ts";

export interface RealEffectsOptions {
  readonly settings: Settings;
  readonly folder: PrivateFolder;
  readonly leftBehind: LeftBehind;
  readonly sources: readonly Source[];
  readonly scanner: Scanner;
  readonly loadedFiles: LoadedFiles;
  readonly mountedFiles: readonly MountedFile[];
  /** What served last; `null`: nothing is kept. */
  readonly keptSet: KeptSet | null;
  readonly collectGarbageSoon: () => void;
  /** What the kernel says about memory. */
  readonly readMemoryFile: ReadFile;
  readonly log: Log;
  readonly post: (event: Event) => void;
  readonly postBug: (error: unknown, broken: Broken) => void;
}

/** How long a process that was started ahead waits after the settle time for a change to be done. */
const STANDBY_LIMIT_MS = 2_000;

export class RealEffects implements Effects {
  readonly #options: RealEffectsOptions;
  readonly #fleet: Fleet;
  readonly #gauge = new DrainGauge();
  readonly #standby: Standby;
  readonly #memory: MemoryRoom;
  readonly #room: Room;
  readonly #handoffs: Handoffs;
  readonly #looks: Scans;
  #replacing: AbortController | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: RealEffectsOptions) {
    this.#options = options;
    const { post, folder } = options;
    this.#fleet = new Fleet({
      onEnd: (end) => {
        const connections = this.#gauge.forget(end.generation);
        post({
          name: "process_ended",
          end: { ...end, connections },
          atMs: performance.now(),
        });
        this.#inBackground(folder.forget(end.generation), { name: "private_folder" });
      },
      onEmpty: () => this.#tellIfEmpty(),
      onRefused: (pid, signal, reason) => options.log(signalRefused(pid, signal, reason)),
    }, options.settings.shutdownWaitMs);
    for (const left of options.leftBehind.processes) {
      this.#fleet.meet(left);
      folder.adopt(left.generation, left.socket);
    }
    this.#standby = new Standby({
      ...options.settings,
      folder,
      fleet: this.#fleet,
      needs: options.loadedFiles.needs,
      configurations: options.sources.filter(({ kind }) => kind === "configuration")
        .map(({ path }) => path),
      limitMs: options.settings.settleMs + STANDBY_LIMIT_MS,
    });
    this.#looks = new Scans({
      ...options,
      setTimer: (delayMs) => this.#setTimer(delayMs),
      onBug: (error) => options.postBug(error, { name: "watch" }),
    });
    this.#memory = new MemoryRoom(options.readMemoryFile);
    this.#room = new Room({ fleet: this.#fleet, memory: this.#memory, post });
    this.#handoffs = new Handoffs({
      ...options,
      fleet: this.#fleet,
      standby: this.#standby,
      gauge: this.#gauge,
      room: this.#room,
      onInventory: (inventory) => this.#looks.adapt(inventory),
    });
  }

  /** What is known only here. */
  get figures() {
    return {
      watching: this.#looks.counts,
      connections: this.#gauge.left,
      memory: this.#memory.limit,
    };
  }

  perform(action: Action): void {
    const { log } = this.#options;
    switch (action.name) {
      case "start_handoff":
        return void this.#startHandoff(action);
      case "hurry_handoff":
        return this.#handoffs.hurry();
      case "cancel_hot_apply":
        return this.#replacing?.abort();
      case "hot_apply":
        return void this.#replace(action);
      case "stand_by":
        return this.#inBackground(this.#standby.begin(action), action);
      case "cancel_handoff":
        this.#standby.close();
        this.#replacing?.abort();
        return this.#handoffs.cancel();
      case "start_anyway":
        return this.#room.startAnyway();
      case "take_charge":
        return this.#fleet.takeCharge();
      case "drain":
        this.#fleet.drain(action.generation);
        return this.#gauge.follow(action.generation);
      case "discard":
        return this.#fleet.discard(action.generation);
      case "terminate":
        return this.#fleet.terminate(action.generation, action.reason);
      case "dump":
        return this.#fleet.signal(action.generation, "SIGQUIT");
      case "drain_all":
        return this.#inBackground(this.#drainAll(), action);
      case "terminate_all":
        return this.#fleet.terminateAll(action.signal);
      case "kill_all":
        return this.#fleet.killAll();
      case "scan_soon":
        return this.#looks.soon();
      case "scan_for_retry":
        return this.#looks.forRetry();
      case "verify":
        return this.#looks.verify(action);
      case "scan_and_reload":
        return this.requestReload(action.order);
      case "set_timer":
        return this.#setTimer(action.delayMs);
      case "clear_timer":
        return clearTimeout(this.#timer);
      case "log":
        return log(action.entry);
      default:
        return action satisfies never;
    }
  }

  /** Turns a signal into the event that it means. */
  receive(meaning: SignalMeaning): void {
    const { post } = this.#options;
    switch (meaning.tag) {
      case "stop":
        return post({ name: "stop_requested", signal: meaning.signal });
      case "drain":
        return post({ name: "drain_requested" });
      case "reload":
        return this.requestReload(meaning.signal);
      case "dump":
        return post({ name: "dump_requested" });
      case "ignore":
        return;
      default:
        return meaning satisfies never;
    }
  }

  requestReload(order: ReloadOrder): void {
    this.#looks.reload(order);
  }

  /**
   * Leaves nothing on disk. The watch is not closed but left to the end of the process: if somebody
   * made a FIFO in a watched directory, Deno 2.9 would wait in `close` for ever.
   */
  async close(): Promise<void> {
    const { folder, leftBehind, log } = this.#options;
    await Promise.all([folder.remove(), leftBehind.removed()]);
    const left = this.#fleet.left.map(({ generation, process: { pid } }) => ({ generation, pid }));
    if (left.length > 0) log(leftAlone(left));
  }

  async #startHandoff(action: Extract<Action, { name: "start_handoff" }>): Promise<void> {
    try {
      await this.#handoffs.start(action);
    } catch (error) {
      // Before it is told that nothing is left, or that would come too soon to be heeded.
      this.#options.postBug(error, action);
    } finally {
      this.#tellIfEmpty();
      this.#options.collectGarbageSoon();
    }
  }

  async #drainAll(): Promise<void> {
    const { folder } = this.#options;
    const { generations } = this.#fleet;
    try {
      await Promise.all(generations.map((one) => this.#gauge.open(one, folder.socket(one))));
    } finally {
      this.#fleet.drainAll();
      generations.forEach((one) => this.#gauge.follow(one));
    }
  }

  async #replace(action: Extract<Action, { name: "hot_apply" }>): Promise<void> {
    const { settings, folder, post, postBug } = this.#options;
    const { generation, request } = action;
    const cancel = this.#replacing = new AbortController();
    const options = { socket: folder.socket(generation), apply: settings.hotApply };
    try {
      // Only some need it, and it keeps memory.
      const { hotApply } = await import("../../hot_apply/hot_apply.ts");
      const outcome = await hotApply(request, options, cancel.signal);
      if (outcome !== null) post({ name: "hot_apply_ended", outcome, atMs: performance.now() });
    } catch (error) {
      // Another one may be under way by now, which has not failed.
      postBug(error, cancel.signal.aborted ? { name: "cancel_hot_apply" } : action);
    }
    this.#options.collectGarbageSoon();
  }

  #setTimer(delayMs: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#options.post({ name: "timer_due" }), delayMs);
  }

  #tellIfEmpty(): void {
    if (this.#fleet.isEmpty && !this.#handoffs.isRunning) {
      this.#options.post({ name: "fleet_empty" });
    }
  }

  /** `broken`: what is not done if that throws. */
  #inBackground(work: Promise<void>, broken: Broken): void {
    work.catch((error) => this.#options.postBug(error, broken));
  }
}
