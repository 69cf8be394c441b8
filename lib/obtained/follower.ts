/** Follows the certificates that one generation obtains, from its first answer until another one serves. */
import type { FileReference } from "../config/file_references.ts";
import { identityIn } from "../haproxy/runtime/certificates.ts";
import { type Ask, createAsk } from "../haproxy/runtime/client.ts";
import {
  dumpCertificate,
  type Renewed,
  showCertificate,
  showRenewals,
} from "../haproxy/runtime/renewals.ts";
import { sleep } from "../system/cut_off.ts";
import type { LogEntry } from "../system/log.ts";
import type { KeeperParts, Pauses, Serving, Shown } from "./keeper.ts";
import { firstKnown, isDue, type Known, loadedBy } from "./known.ts";
import * as messages from "./messages.ts";
import { replaceUnnoticed } from "./replace.ts";
import { saveCertificate, type SaveEnd } from "./save.ts";

export interface FollowerParts extends KeeperParts {
  readonly files: readonly FileReference[];
  /** The generation as it began to serve. */
  readonly serving: Serving;
  /** The same now; `null` while none of its files may be replaced. */
  readonly current: () => Serving | null;
}

/** HAProxy begins a renewal at its start or every 12 hours, and takes some 10 s for it. */
const PAUSES: Pauses = { idleMs: 5_000, renewingMs: 500, failedMs: 60_000 };

export class Follower {
  readonly #parts: FollowerParts;
  readonly #generation: number;
  readonly #pauses: Pauses;
  readonly #known = new Map<string, Known>();
  #shown = "";
  /** Ends with the next question. */
  #next = Promise.withResolvers<void>();
  #wake = new AbortController();

  constructor(parts: FollowerParts) {
    this.#parts = parts;
    this.#generation = parts.serving.number;
    this.#pauses = parts.pauses ?? PAUSES;
  }

  /** Returns once `cancel` aborts, or if the process renews nothing. */
  async follow(cancel: AbortSignal): Promise<void> {
    const { idleMs, renewingMs } = this.#pauses;
    while (!cancel.aborted) {
      const asked = this.#next;
      this.#next = Promise.withResolvers();
      this.#wake = new AbortController();
      const renewed = await this.#look(cancel);
      // Without an answer it is asked again, and so is whoever waits.
      if (renewed === null) this.#next.promise.then(asked.resolve);
      else asked.resolve();
      if (renewed?.length === 0 || cancel.aborted) break;
      const isSoon = renewed === null || renewed.some((one) => one.isRenewing);
      await sleep(isSoon ? renewingMs : idleMs, cancel, this.#wake.signal);
    }
    this.#next.resolve();
  }

  /** Asks the process now, and resolves once its answer has been posted. */
  async askNow(): Promise<void> {
    this.#wake.abort();
    await this.#next.promise;
  }

  /** `null` without an answer. */
  async #look(cancel: AbortSignal): Promise<readonly Renewed[] | null> {
    const { files, socket } = this.#parts;
    const byName = new Map(files.map((file) => [file.name, file]));
    const answer = await showRenewals(createAsk(socket(this.#generation)));
    if (answer === null) return null;
    const renewed = answer.filter(({ name }) => byName.has(name));
    const kept: Renewed[] = [];
    for (const one of renewed) kept.push(await this.#keep(one, byName.get(one.name)!));
    // Only now: a reload may be waiting for the end of a renewal.
    if (!cancel.aborted && kept.length > 0) this.#show(kept, byName);
    return kept;
  }

  /** A renewal ends once its certificate is saved, or it is known why not. */
  async #keep(renewed: Renewed, file: FileReference): Promise<Renewed> {
    const { name, expiresMs, isRenewing } = renewed;
    const { serving } = this.#parts;
    const ask = createAsk(this.#parts.socket(this.#generation));
    const known = this.#known.get(name) ?? await firstKnown(ask, renewed, { file, serving });
    if (known === null) return renewed;
    this.#known.set(name, isRenewing ? { ...known, isRenewing } : known);
    if (isRenewing || !isDue(known, expiresMs)) return renewed;
    return { ...renewed, isRenewing: !await this.#settle(ask, known, { file, expiresMs }) };
  }

  /** Saves what may be another certificate, even if it expires when the last one did; `false`: not yet. */
  async #settle(
    ask: Ask,
    known: Known,
    { file, expiresMs }: { readonly file: FileReference; readonly expiresMs: number },
  ): Promise<boolean> {
    const { name } = file;
    const shown = await showCertificate(ask, name);
    if (shown === null) return false;
    const identity = identityIn(shown);
    if (identity === known.identity) {
      if (known.isRenewing) this.#log(messages.notObtained(this.#facts(file)));
      this.#known.set(name, { ...known, expiresMs, isRenewing: false, problem: null });
      return true;
    }
    const dump = await dumpCertificate(ask, name);
    const current = this.#parts.current();
    if (dump === null || current === null) return false;
    const loaded = loadedBy(current, known.contents);
    const end = await saveCertificate(dump, file, {
      files: this.#parts.files,
      loaded,
      replace: (rename, contents) => replaceUnnoticed(rename, { loaded, contents }, this.#parts),
    });
    if (end.tag === "declined") return false;
    const after = { ...known, isRenewing: false };
    this.#known.set(name, this.#after(after, end, { file, expiresMs, identity }));
    return true;
  }

  #after(
    known: Known,
    end: Exclude<SaveEnd, { tag: "declined" }>,
    { file, expiresMs, identity }: {
      readonly file: FileReference;
      readonly expiresMs: number;
      readonly identity: string;
    },
  ): Known {
    const facts = this.#facts(file);
    switch (end.tag) {
      case "saved":
        this.#log(messages.saved(facts, end.expiresMs));
        return { ...known, expiresMs, identity, contents: end.contents, problem: null };
      case "held":
        return { ...known, expiresMs, identity, contents: end.contents, problem: null };
      case "refused":
      case "not_written": {
        const describe = end.tag === "refused" ? messages.notSaved : messages.notWritten;
        if (known.problem?.reason !== end.reason) this.#log(describe(facts, end.reason));
        const againMs = performance.now() + this.#pauses.failedMs;
        return { ...known, problem: { reason: end.reason, againMs } };
      }
      default:
        return end satisfies never;
    }
  }

  #show(renewed: readonly Renewed[], byName: ReadonlyMap<string, FileReference>): void {
    const expiries = new Map(
      renewed.map(({ name, expiresMs }) => [byName.get(name)!.path, expiresMs] as const),
    );
    const shown: Shown = { isRenewing: renewed.some(({ isRenewing }) => isRenewing), expiries };
    const text = JSON.stringify([shown.isRenewing, ...expiries]);
    if (text === this.#shown) return;
    this.#shown = text;
    this.#parts.onShown(this.#generation, shown);
  }

  #facts({ path }: FileReference): messages.SavedFacts {
    return { generation: this.#generation, path };
  }

  #log(entry: LogEntry): void {
    this.#parts.log(entry);
  }
}
