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

/** An empty configuration file that does not end before the process is released. */
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

  /** Starts a process that will be good for `request` if nothing comes between, in place of an earlier one. */
  begin(request: StartRequest): Promise<void> {
    const starting = this.#starting.then(() => this.#start(request));
    // Only this one is in vain if that throws.
    this.#starting = starting.catch(() => {});
    return starting;
  }

  /** Resolves when nothing is written any more for a process that is to wait. */
  get started(): Promise<void> {
    return this.#starting;
  }

  /** The waiting process, let go for `generation`; `null` if none waits that was started with just this. */
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
   * Takes note of how the last start went. Unless one has served before, a process from here that
   * failed for no fault of the configuration is the last: perhaps HAProxy cannot wait here at all.
   */
  learn(hasServed: boolean): void {
    if (!this.#wasTaken) return;
    if (hasServed) this.#isProven = true;
    else if (!this.#isProven) this.close();
  }

  /** Ends the waiting process; none is started any more. */
  close(): void {
    this.#isClosed = true;
    this.#giveUp();
  }

  async #start(request: StartRequest): Promise<void> {
    this.#giveUp();
    // HAProxy lists a directory's files before it reads any, which would be too early here.
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
    // A process that does not wait is no standby: then every reload starts from nothing.
    process.ended.then(() => {
      if (this.#waiting?.process === process) this.close();
    });
  }

  /** It has taken over nothing yet, so there is nothing that it should end gently. Its stdin is closed after that. */
  #giveUp(): void {
    const waiting = this.#waiting;
    this.#waiting = null;
    clearTimeout(waiting?.timer);
    waiting?.process.signal("SIGKILL");
    waiting?.process.release();
  }
}

const keyOf = ({ words, environment }: Prepared) => JSON.stringify([words, environment]);
