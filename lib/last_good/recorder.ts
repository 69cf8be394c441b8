/** Records the files of each generation that has served long enough. */
import { aborted, within } from "../system/cut_off.ts";
import type { Log } from "../system/log.ts";
import type { Fingerprint } from "../watch/scan/fingerprint.ts";
import type { LastGood } from "./manifest.ts";
import * as messages from "./messages.ts";
import type { Gathered, Store } from "./store.ts";

export interface Serving {
  readonly number: number;
  /** `null` if what it loaded is unknown. */
  readonly fingerprint: Fingerprint | null;
  /** Whether files changed while it read them, so that what it loaded is unknown. */
  readonly changedDuringRead: boolean;
  /** HAProxy's own version; `null` if it does not say. */
  readonly version: string | null;
  /** Set if it was started from a recorded set. */
  readonly lastGood?: LastGood;
}

export interface RecorderOptions {
  readonly store: Store;
  /** Where HAProxy's relative names start. */
  readonly directory: string;
  readonly log: Log;
  /** How long a generation must have served with exactly these files. */
  readonly servedMs?: number;
  /** Called after files, perhaps many, were read. */
  readonly onGathered?: () => void;
}

/** How long a configuration must serve to count as good. */
const SERVED_MS = 10_000;

/** How long the program's end waits for a volume that hangs. */
const CLOSE_LIMIT_MS = 1_000;

export class Recorder {
  readonly #options: RecorderOptions;
  readonly #servedMs: number;
  #serving: Serving | null = null;
  /** Cancels the recording of what serves now. */
  #cancel = new AbortController();
  /** One task after another, so that none removes what another has just written. */
  #work: Promise<unknown> = Promise.resolve();
  /** Why nothing could be written, logged once. */
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

  /** Does not record what has not served long enough. */
  async close(): Promise<void> {
    this.#cancel.abort();
    await within(CLOSE_LIMIT_MS, this.#work);
  }

  /**
   * Gathers the files at once: by the time they have proved good, the disk may hold something else. Files gathered for
   * a generation that was replaced stay until the next one, which shares most of them, is recorded.
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

  /** Every generation meets the same problem. */
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
    "what it has loaded is unknown, because files changed during the read or could not be read",
};

/** Different content in the same process means that files were hot-applied. */
const isSame = (a: Serving | null, b: Serving | null) =>
  a?.number === b?.number && a?.fingerprint?.digest === b?.fingerprint?.digest &&
  a?.changedDuringRead === b?.changedDuringRead;
