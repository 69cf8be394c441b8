/** Records the files of each generation that has served long enough. */
import type { Log } from "../system/log.ts";
import type { LastGood } from "./manifest.ts";
import * as messages from "./messages.ts";
import type { Fingerprint } from "../watch/scan/fingerprint.ts";
import type { Gathered, Store } from "./store.ts";

/** What is known of a generation that serves. */
export interface Serving {
  readonly number: number;
  /** Of the files that it loaded; `null`: unknown. */
  readonly fingerprint: Fingerprint | null;
  /** Whether files changed while it read them, so that nobody knows what it loaded. */
  readonly changedDuringRead: boolean;
  /** HAProxy's own version; `null` where it does not say. */
  readonly version: string | null;
  /** Set if it serves what had been recorded. */
  readonly lastGood?: LastGood;
}

export interface RecorderOptions {
  readonly store: Store;
  /** Where HAProxy's relative names start. */
  readonly directory: string;
  readonly log: Log;
  /** How long a generation must have served with just these files. */
  readonly servedMs?: number;
  /** Called after many files may have been read. */
  readonly onGathered?: () => void;
}

/** The time after which a configuration counts as good. */
const SERVED_MS = 10_000;

/** How long the end of the program waits for work on the directory. */
const CLOSE_LIMIT_MS = 1_000;

/** What serves now, and is kept when it has done so for long enough. */
interface Candidate {
  readonly generation: Serving;
  readonly cancel: AbortController;
  readonly timer: ReturnType<typeof setTimeout>;
  readonly gathered: Promise<Gathered>;
}

export class Recorder {
  readonly #options: RecorderOptions;
  #candidate: Candidate | null = null;
  #serving: Serving | null = null;
  /** One after the other, so that none removes what another has just written. */
  #work: Promise<unknown> = Promise.resolve();
  /** Why nothing could be written, so that it is told once. */
  #lastProblem: string | null = null;

  constructor(options: RecorderOptions) {
    this.#options = options;
  }

  /** Told at each step what serves; `null`: nothing does. */
  readonly observe = (serving: Serving | null): void => {
    if (!isSame(this.#serving, serving)) this.#follow(serving);
    this.#serving = serving;
  };

  /** Gives up what has not served long enough; what is in place stays. A volume that hangs holds nothing up. */
  async close(): Promise<void> {
    this.#giveUp();
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, CLOSE_LIMIT_MS);
    await Promise.race([this.#work, promise]);
    clearTimeout(timer);
  }

  /**
   * What it loaded is read at once: when it has proved good the disk may hold something else. What was read
   * of one that came before goes when the next is kept, as most of it is the same.
   */
  #follow(serving: Serving | null): void {
    this.#giveUp();
    if (serving === null) this.#inTurn(() => this.#options.store.sweep()).catch(this.#onBug);
    if (serving === null || serving.lastGood !== undefined) return;
    const { servedMs = SERVED_MS } = this.#options;
    const cancel = new AbortController();
    const gathered = this.#inTurn(() => this.#gather(serving, cancel.signal));
    // Perhaps nobody ever asks for it.
    gathered.catch(() => {});
    const timer = setTimeout(() => this.#keep().catch(this.#onBug), servedMs);
    this.#candidate = { generation: serving, cancel, timer, gathered };
  }

  #giveUp(): void {
    const candidate = this.#candidate;
    this.#candidate = null;
    if (candidate === null) return;
    clearTimeout(candidate.timer);
    candidate.cancel.abort();
  }

  async #gather(
    { fingerprint, changedDuringRead }: Serving,
    cancel: AbortSignal,
  ): Promise<Gathered> {
    if (cancel.aborted) return { tag: "cancelled" };
    if (fingerprint === null || changedDuringRead) return UNKNOWN;
    const gathered = await this.#options.store.gather(fingerprint, cancel);
    this.#options.onGathered?.();
    return gathered;
  }

  async #keep(): Promise<void> {
    const candidate = this.#candidate;
    if (candidate === null) return;
    const gathered = await candidate.gathered;
    await this.#inTurn(async () => {
      if (this.#candidate !== candidate) return;
      await this.#put(gathered, candidate.generation);
    });
  }

  async #put(gathered: Gathered, { number, version }: Serving): Promise<void> {
    const { store, directory, log, servedMs = SERVED_MS } = this.#options;
    if (gathered.tag !== "gathered") {
      await store.sweep();
      if (gathered.tag === "incomplete") log(messages.incomplete(number, gathered.reason));
      if (gathered.tag === "not_written") this.#complain(gathered.reason);
      return;
    }
    const { files, added } = gathered;
    const generation = { generation: number, haproxyVersion: version };
    const manifest = { keptMs: Date.now(), ...generation, directory, files };
    const failure = await store.put(manifest);
    if (failure !== null) return this.#complain(failure.reason);
    this.#lastProblem = null;
    log(messages.kept(number, { path: store.path, files: files.size, added, servedMs }));
  }

  /** What keeps it from writing is the same for every generation. */
  #complain(reason: string): void {
    if (reason === this.#lastProblem) return;
    this.#lastProblem = reason;
    this.#options.log(messages.notWritten(this.#options.store.path, reason));
  }

  /** Whatever is wrong here, it concerns neither the supervisor nor HAProxy. */
  readonly #onBug = (bug: unknown): void => this.#complain(`a bug in the wrapper: ${bug}`);

  #inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const next = this.#work.then(work);
    this.#work = next.catch(() => {});
    return next;
  }
}

const UNKNOWN: Gathered = {
  tag: "incomplete",
  reason:
    "nobody knows what it has loaded, as its files were written meanwhile, or could not be read",
};

/** In the same process another content means that files were changed in place. */
const isSame = (one: Serving | null, other: Serving | null) =>
  one?.number === other?.number && one?.fingerprint?.digest === other?.fingerprint?.digest &&
  one?.changedDuringRead === other?.changedDuringRead;
