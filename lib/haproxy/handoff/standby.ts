/** Starts the next HAProxy while changes settle: it loads its libraries, then waits before it reads any file. */
import type { Fleet } from "../drain/fleet.ts";
import type { HaproxyProcess } from "../process/process.ts";
import { type PreparationParts, prepare, type Prepared, type StartRequest } from "./preparation.ts";

export interface StandbyParts extends PreparationParts {
  readonly fleet: Fleet;
  /** The absolute paths of all configuration files and directories. */
  readonly configurations: readonly string[];
  /** How long a process may wait before it is killed. */
  readonly limitMs: number;
}

/** HAProxy reads it first, and it stays open until the process is released. */
const GATE = "/dev/stdin";

interface Waiting {
  readonly process: HaproxyProcess;
  readonly key: string;
  readonly timer: ReturnType<typeof setTimeout>;
}

export class Standby {
  readonly #parts: StandbyParts;
  #waiting: Waiting | null = null;
  #starting: Promise<void> = Promise.resolve();
  #isClosed = false;
  #wasTaken = false;
  #isProven = false;

  constructor(parts: StandbyParts) {
    this.#parts = parts;
  }

  /** Starts a process for `request`, in place of an earlier one. */
  begin(request: StartRequest): Promise<void> {
    const starting = this.#starting.then(() => this.#start(request));
    // A failure here must not keep the next one from starting.
    this.#starting = starting.catch(() => {});
    return starting;
  }

  /** Resolves when no private files are being written for a standby process. */
  get started(): Promise<void> {
    return this.#starting;
  }

  /** Releases the waiting process as `generation`; `null` if none waits that was started with exactly `prepared`. */
  async take(prepared: Prepared, generation: number): Promise<HaproxyProcess | null> {
    await this.#starting;
    this.#wasTaken = this.#waiting?.key === keyOf(prepared);
    if (this.#waiting === null || !this.#wasTaken) {
      this.#giveUp();
      return null;
    }
    const { process, timer } = this.#waiting;
    this.#waiting = null;
    clearTimeout(timer);
    this.#parts.fleet.promote(process, generation);
    await process.release();
    return process;
  }

  /**
   * Learns how the last start went. If a standby process fails through no fault of the configuration, and none has
   * ever served, there are no more: perhaps HAProxy cannot wait on this machine.
   */
  learn(hasServed: boolean): void {
    if (!this.#wasTaken) return;
    if (hasServed) this.#isProven = true;
    else if (!this.#isProven) this.close();
  }

  /** Kills the waiting process and starts no other. */
  close(): void {
    this.#isClosed = true;
    this.#giveUp();
  }

  async #start(request: StartRequest): Promise<void> {
    this.#giveUp();
    // HAProxy lists a directory before it reads the first file, so it would miss a change.
    const hasDirectory = this.#parts.configurations.some((path) => !request.files.includes(path));
    if (hasDirectory || this.#isClosed) return;
    const prepared = await prepare(request, this.#parts);
    if (prepared.tag === "prepared" && !this.#isClosed) this.#spawn(prepared);
  }

  #spawn(prepared: Prepared): void {
    const { words, environment } = prepared;
    const spawned = this.#parts.fleet.spawn("standby", ["-f", GATE, ...words], {
      environment,
      output: "inherit",
      stdin: "held",
    });
    if (spawned.tag === "not_spawned") return;
    const { process } = spawned;
    const timer = setTimeout(() => this.#giveUp(), this.#parts.limitMs);
    this.#waiting = { process, key: keyOf(prepared), timer };
    // HAProxy does not wait on this machine, so no reload uses a standby.
    process.ended.then(() => {
      if (this.#waiting?.process === process) this.close();
    });
  }

  /** It has taken nothing over yet. It must be killed before its stdin is closed, which would let it go on. */
  #giveUp(): void {
    const waiting = this.#waiting;
    this.#waiting = null;
    clearTimeout(waiting?.timer);
    waiting?.process.signal("SIGKILL");
    waiting?.process.release();
  }
}

const keyOf = ({ words, environment }: Prepared) => JSON.stringify([words, environment]);
