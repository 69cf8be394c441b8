/** Records the files of each generation that has served long enough. */
import { aborted } from "../system/cut_off.ts";
import type { Log } from "../system/log.ts";
import type { Fingerprint } from "../watch/scan/fingerprint.ts";
import type { LastGood } from "./manifest.ts";
import * as messages from "./messages.ts";
import type { Gathered, Store } from "./store.ts";

export interface Serving {
  readonly number: number;
  /** `null`: nobody knows what it loaded. */
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
  /** Called after files were read, perhaps many. */
  readonly onGathered?: () => void;
}

/** After this time a configuration counts as good. */
const SERVED_MS = 10_000;

/** The program's end does not wait longer for a volume that hangs. */
const CLOSE_LIMIT_MS = 1_000;

export class Recorder {
  readonly #options: RecorderOptions;
  readonly #servedMs: number;
  #serving: Serving | null = null;
  /** Of what serves and is not recorded yet. */
  #cancel = new AbortController();
  /** In turn, so that no task removes what another has just written. */
  #work: Promise<unknown> = Promise.resolve();
  /** Why nothing could be written: it is told once. */
  #lastProblem: string | null = null;

  constructor(options: RecorderOptions) {
    this.#options = options;
    this.#servedMs = options.servedMs ?? SERVED_MS;
  }

  /** Called at each step. `null`: nothing serves. */
  readonly observe = (serving: Serving | null): void => {
    if (isSame(this.#serving, serving)) return;
    this.#serving = serving;
    this.#cancel.abort();
    this.#cancel = new AbortController();
    this.#follow(serving, this.#cancel.signal)
      .catch((bug) => this.#complain(`a bug in the wrapper: ${bug}`));
  };

  /** What has not served long enough is not recorded. */
  async close(): Promise<void> {
    this.#cancel.abort();
    await Promise.race([this.#work, aborted(AbortSignal.timeout(CLOSE_LIMIT_MS))]);
  }

  /**
   * Gathers the files at once: when they have proved good the disk may hold something else. Files gathered for a
   * generation that was given up stay until the next is recorded, which shares most of them.
   */
  async #follow(serving: Serving | null, cancel: AbortSignal): Promise<void> {
    if (serving === null) return await this.#inTurn(() => this.#options.store.sweep());
    if (serving.lastGood !== undefined) return;
    const hasServed = AbortSignal.timeout(this.#servedMs);
    const gathered = await this.#inTurn(() => this.#gather(serving, cancel));
    await aborted(cancel, hasServed);
    await this.#inTurn(async () => {
      if (!cancel.aborted) await this.#record(serving, gathered);
    });
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

  async #record({ number, version }: Serving, gathered: Gathered): Promise<void> {
    const { store, directory, log } = this.#options;
    if (gathered.tag !== "gathered") {
      await store.sweep();
      if (gathered.tag === "incomplete") log(messages.incomplete(number, gathered.reason));
      if (gathered.tag === "not_written") this.#complain(gathered.reason);
      return;
    }
    const { files, added } = gathered;
    const failure = await store.record({
      recordedMs: Date.now(),
      generation: number,
      haproxyVersion: version,
      directory,
      files,
    });
    if (failure !== null) return this.#complain(failure.reason);
    this.#lastProblem = null;
    const { path } = store;
    log(messages.recorded(number, { path, files: files.size, added, servedMs: this.#servedMs }));
  }

  /** The same problem is met by every generation. */
  #complain(reason: string): void {
    if (reason === this.#lastProblem) return;
    this.#lastProblem = reason;
    this.#options.log(messages.notWritten(this.#options.store.path, reason));
  }

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

/** In the same process another content means that files were hot-applied. */
const isSame = (one: Serving | null, other: Serving | null) =>
  one?.number === other?.number && one?.fingerprint?.digest === other?.fingerprint?.digest &&
  one?.changedDuringRead === other?.changedDuringRead;
