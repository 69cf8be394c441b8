/**
 * Starts the next HAProxy ahead, while changes settle: it loads its libraries and then waits in front of
 * the configuration, of which it has read nothing.
 */
import type { Fleet } from "../drain/fleet.ts";
import type { HaproxyProcess } from "../process/process.ts";
import { type PreparationParts, prepare, type Prepared, type StartRequest } from "./preparation.ts";

export interface StandbyParts extends PreparationParts {
  readonly fleet: Fleet;
  /** The absolute paths of all configuration files and directories. */
  readonly configurations: readonly string[];
  /** How long a process may wait before it is given up. */
  readonly limitMs: number;
}

/** HAProxy reads it first, and it does not end before the process is released. */
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

  /** Resolves when nothing more is written for a process that is to wait. */
  get started(): Promise<void> {
    return this.#starting;
  }

  /** Releases the waiting process as `generation`; `null` if none waits that was started with just this. */
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
   * Takes note of how the last start went. If a process from here fails through no fault of the configuration, and
   * none has served before, it is the last: perhaps HAProxy cannot wait on this machine.
   */
  learn(hasServed: boolean): void {
    if (!this.#wasTaken) return;
    if (hasServed) this.#isProven = true;
    else if (!this.#isProven) this.close();
  }

  /** Ends the waiting process; no other is started. */
  close(): void {
    this.#isClosed = true;
    this.#giveUp();
  }

  async #start(request: StartRequest): Promise<void> {
    this.#giveUp();
    // HAProxy lists a directory before it reads the first file, and so would miss a change.
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
    // HAProxy does not wait here: every reload starts from nothing.
    process.ended.then(() => {
      if (this.#waiting?.process === process) this.close();
    });
  }

  /** It has taken over nothing yet, so it is killed, and only then its stdin closed. */
  #giveUp(): void {
    const waiting = this.#waiting;
    this.#waiting = null;
    clearTimeout(waiting?.timer);
    waiting?.process.signal("SIGKILL");
    waiting?.process.release();
  }
}

const keyOf = ({ words, environment }: Prepared) => JSON.stringify([words, environment]);
