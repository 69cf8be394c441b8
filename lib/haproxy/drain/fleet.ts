/** All live HAProxy processes, by generation. The end of each is reported exactly once. */
import { within } from "../../system/cut_off.ts";
import type { StopSignal } from "../../system/signals.ts";
import { Drain, type DrainEnd } from "./drain.ts";
import { type AgeLimit, ageLimit, type EndReason } from "./limits.ts";
import {
  type Ending,
  type HaproxyProcess,
  type Spawn,
  spawnHaproxy,
  type SpawnOptions,
} from "../process/process.ts";

export interface ProcessEnd {
  readonly generation: number;
  readonly ending: Ending;
  readonly drainEnd: DrainEnd;
  /** `null` if it ended by itself. */
  readonly endReason: EndReason | null;
  /** Since it was first asked to end; 0 if it never was. */
  readonly drainMs: number;
  /** How many it last reported; `null` if it reported none. */
  readonly connections: number | null;
}

/** A process that another wrapper left behind. */
export interface LeftoverMember {
  readonly generation: number;
  readonly process: HaproxyProcess;
  /** Whether it can hand its listeners over. */
  readonly serves: boolean;
}

/** Processes that have no generation, or none yet, end unreported. */
export type Member = number | "check" | "standby";

export interface FleetListeners {
  readonly onEnd: (end: Omit<ProcessEnd, "connections">) => void;
  readonly onEmpty: () => void;
  /** Called once for a process that the wrapper may not signal. */
  readonly onRefused: (pid: number, signal: Deno.Signal, reason: string) => void;
}

export class Fleet {
  readonly #members = new Map<HaproxyProcess, { member: Member; readonly drain: Drain }>();
  readonly #leftovers = new Map<LeftoverMember, { isGone: boolean }>();
  readonly #listeners: FleetListeners;
  readonly #ageLimit: AgeLimit;
  #nextEnd = Promise.withResolvers<void>();

  /** Processes drain for `shutdownWaitMs`; `null`: without a limit. */
  constructor(listeners: FleetListeners, shutdownWaitMs: number | null) {
    this.#listeners = listeners;
    this.#ageLimit = ageLimit(shutdownWaitMs);
  }

  get isEmpty(): boolean {
    return this.#members.size === 0;
  }

  /** The generations that have not been asked to end. */
  get generations(): readonly number[] {
    return [...this.#members.values()].filter(({ drain }) => !drain.isStarted)
      .flatMap(({ member }) => typeof member === "number" ? [member] : []);
  }

  has(generation: number): boolean {
    return this.#find(generation) !== null ||
      this.leftovers.some((member) => member.generation === generation);
  }

  /** Live processes that another wrapper left behind, newest first: not ours until `takeCharge`. */
  get leftovers(): readonly LeftoverMember[] {
    return [...this.#leftovers].filter(([, { isGone }]) => !isGone).map(([member]) => member);
  }

  /** Tracks a process that must not be touched, whatever happens to ours. */
  trackLeftover(member: LeftoverMember): void {
    const entry = { isGone: false };
    this.#leftovers.set(member, entry);
    member.process.ended.then(() => {
      entry.isGone = true;
      this.#announceEnd();
    });
  }

  /** From now on processes left behind are ours; those that have already ended are reported too. */
  takeCharge(): void {
    for (const { generation, process } of this.#leftovers.keys()) this.#enlist(generation, process);
    this.#leftovers.clear();
  }

  spawn(member: Member, words: readonly string[], options: SpawnOptions): Spawn {
    const spawned = spawnHaproxy(words, {
      ...options,
      onRefused: (signal, reason) => {
        if (spawned.tag === "spawned") {
          this.#listeners.onRefused(spawned.process.pid, signal, reason);
        }
      },
    });
    if (spawned.tag === "spawned") this.#enlist(member, spawned.process);
    return spawned;
  }

  /** Turns a standby process into that of `generation`. */
  promote(process: HaproxyProcess, generation: number): void {
    const entry = this.#members.get(process);
    if (entry !== undefined) entry.member = generation;
  }

  /** Drains a process that has no generation. */
  retire(process: HaproxyProcess): void {
    this.#members.get(process)?.drain.begin(this.#ageLimit);
  }

  /** Drains, for a short time, a process that has no generation and whose state is unknown. */
  dismiss(process: HaproxyProcess): void {
    this.#members.get(process)?.drain.discard();
  }

  signal(generation: number, signal: Deno.Signal): void {
    this.#find(generation)?.process.signal(signal);
  }

  drain(generation: number): void {
    this.#find(generation)?.drain.begin(this.#ageLimit);
  }

  discard(generation: number): void {
    this.#find(generation)?.drain.discard();
  }

  terminate(generation: number, reason: EndReason): void {
    this.#find(generation)?.drain.terminate("SIGTERM", reason);
  }

  /** Kills a generation and waits at most `limitMs` until it is gone. */
  async eliminate(generation: number, limitMs: number): Promise<void> {
    const found = this.#find(generation);
    if (found === null) return;
    found.drain.kill();
    await within(limitMs, found.process.ended);
  }

  /** `null` if it is gone. */
  pidOf(generation: number): number | null {
    return this.#find(generation)?.process.pid ?? null;
  }

  /** Resolves when another process has ended. */
  nextEnd(): Promise<void> {
    return this.#nextEnd.promise;
  }

  /** Processes that are already draining keep their own limit. */
  drainAll(): void {
    for (const { drain } of this.#members.values()) {
      if (!drain.isStarted) drain.begin(this.#ageLimit);
    }
  }

  terminateAll(signal: StopSignal): void {
    for (const { drain } of this.#members.values()) drain.terminate(signal);
  }

  killAll(): void {
    for (const { drain } of this.#members.values()) drain.kill();
  }

  #enlist(member: Member, process: HaproxyProcess): void {
    const drain = new Drain(process);
    const entry = { member, drain };
    this.#members.set(process, entry);
    process.ended.then((ending) => {
      this.#members.delete(process);
      const { end: drainEnd, reason: endReason, elapsedMs: drainMs } = drain;
      const { member } = entry;
      try {
        if (typeof member === "number") {
          this.#listeners.onEnd({ generation: member, ending, drainEnd, endReason, drainMs });
        }
      } finally {
        this.#announceEnd();
        if (this.isEmpty) this.#listeners.onEmpty();
      }
    });
  }

  #announceEnd(): void {
    this.#nextEnd.resolve();
    this.#nextEnd = Promise.withResolvers();
  }

  #find(generation: number) {
    for (const [process, { member, drain }] of this.#members) {
      if (member === generation) return { process, drain };
    }
    return null;
  }
}
