/** Follows the certificates that one generation obtains, from its first answer until another one serves. */
import { dirname } from "@std/path";
import type { FileReference } from "../config/file_references.ts";
import { identityIn, showsCertificate } from "../haproxy/runtime/certificates.ts";
import { type Ask, createAsk } from "../haproxy/runtime/client.ts";
import {
  dumpCertificate,
  type Renewed,
  showCertificate,
  showRenewals,
} from "../haproxy/runtime/renewals.ts";
import type { LogEntry } from "../system/log.ts";
import { type Fingerprint, fingerprintOf, isWhole } from "../watch/scan/fingerprint.ts";
import type { Change, KeeperParts, Pauses, Serving, Shown } from "./keeper.ts";
import * as messages from "./messages.ts";
import type { Rename } from "./parts.ts";
import { type Contents, holdingOf, MISSING, saveCertificate, type SaveEnd } from "./save.ts";

export interface FollowerParts extends KeeperParts {
  readonly files: readonly FileReference[];
  /** The generation as it began to serve. */
  readonly serving: Serving;
  /** The same now; `null` while none of its files may be replaced. */
  readonly current: () => Serving | null;
}

/** HAProxy begins a renewal at its start or every 12 hours, and takes some 10 s for it. */
const PAUSES: Pauses = { idleMs: 5_000, renewingMs: 500, failedMs: 60_000 };

/** What is known of a certificate. */
interface Known {
  /** When the one in use expires. */
  readonly expiresMs: number;
  /** Which one its files hold, as HAProxy shows it; `null`: another one than HAProxy shows. */
  readonly identity: string | null;
  /** What its files held then. */
  readonly contents: Contents;
  readonly isRenewing: boolean;
  /** Why a newer one is not saved; `null` if it is, or there is none. */
  readonly problem: { readonly reason: string; readonly againMs: number } | null;
}

/** Files whose contents change. */
interface Replaced {
  readonly loaded: Contents;
  readonly contents: Contents;
}

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
      await pause(isSoon ? renewingMs : idleMs, [cancel, this.#wake.signal]);
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
    const ask = createAsk(this.#parts.socket(this.#generation));
    const known = this.#known.get(name) ?? await this.#firstKnown(ask, renewed, file);
    if (known === null) return renewed;
    this.#known.set(name, isRenewing ? { ...known, isRenewing } : known);
    if (isRenewing || !this.#isDue(known, expiresMs)) return renewed;
    return { ...renewed, isRenewing: !await this.#settle(ask, known, { file, expiresMs }) };
  }

  #isDue({ isRenewing, identity, expiresMs, problem }: Known, shownMs: number): boolean {
    if (isRenewing) return true;
    return problem === null
      ? identity === null || expiresMs !== shownMs
      : problem.againMs <= performance.now();
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
    const marks = current.fingerprint?.files;
    const loaded = new Map(
      Array.from(known.contents, ([path, content]) => [path, marks?.get(path)?.content ?? content]),
    );
    const end = await saveCertificate(dump, file, {
      files: this.#parts.files,
      loaded,
      replace: (rename, contents) => this.#replace({ loaded, contents }, rename),
    });
    if (end.tag === "declined") return false;
    const after = { ...known, isRenewing: false };
    this.#known.set(name, this.#after(after, end, { file, expiresMs, identity }));
    return true;
  }

  /** What the generation loaded, which its files still hold unless somebody has just changed them. `null` without an answer. */
  async #firstKnown(
    ask: Ask,
    { name, expiresMs }: Renewed,
    file: FileReference,
  ): Promise<Known | null> {
    const shown = await showCertificate(ask, name);
    if (shown === null) return null;
    const held = await holdingOf(file);
    const marks = this.#parts.serving.fingerprint?.files;
    const contents = new Map(
      Array.from(held.contents, ([path, content]) => [path, marks?.get(path)?.content ?? content]),
    );
    const isLoaded = Array.from(contents).every(([path, content]) =>
      held.contents.get(path) === content
    );
    const { certificate } = held;
    // It may have obtained another before its first answer. What it makes up without a file has expired.
    const isOther = isLoaded && expiresMs > Date.now() &&
      (contents.get(file.path) === MISSING ||
        (certificate !== null && !showsCertificate(shown, certificate)));
    const identity = isOther ? null : identityIn(shown);
    return { expiresMs, identity, contents, isRenewing: false, problem: null };
  }

  /** Nothing may come between the last look at the state, the rename, and the report of it. */
  async #replace(replaced: Replaced, rename: Rename): Promise<boolean> {
    const { current, onSaved } = this.#parts;
    const found = fingerprintsOf(current());
    const changes: Change[] = [];
    for (const before of found) {
      const after = await this.#fingerprintAfter(before, replaced);
      if (after !== null) changes.push({ before, after });
    }
    const now = current();
    if (now === null || fingerprintsOf(now).some((one) => !found.includes(one))) return false;
    if (!rename()) return false;
    onSaved(this.#generation, changes);
    return true;
  }

  /** What a scan will find; `null` if it shows none of the files, or showed something else in the place of one. */
  async #fingerprintAfter(
    { files }: Fingerprint,
    { loaded, contents }: Replaced,
  ): Promise<Fingerprint | null> {
    const after = new Map(files);
    let isShownAny = false;
    for (const [path, content] of contents) {
      const isShown = this.#parts.watchLoaded && !isWhole(files.get(dirname(path))?.content ?? "");
      const before = files.get(path)?.content ?? (isShown ? MISSING : null);
      if (before === null) continue;
      if (before !== loaded.get(path)) return null;
      after.set(path, { content, modifiedMs: Date.now(), stamp: "" });
      isShownAny = true;
    }
    return isShownAny ? await fingerprintOf(after) : null;
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

const fingerprintsOf = (serving: Serving | null): readonly Fingerprint[] =>
  [serving?.fingerprint, serving?.rejected].filter((one) => one !== undefined && one !== null);

/** Ends early if one of `signals` aborts, and leaves nothing behind at those that live for weeks. */
function pause(ms: number, signals: readonly AbortSignal[]): Promise<void> {
  if (signals.some(({ aborted }) => aborted)) return Promise.resolve();
  const { promise, resolve } = Promise.withResolvers<void>();
  const end = () => resolve();
  const timer = setTimeout(end, ms);
  signals.forEach((signal) => signal.addEventListener("abort", end));
  return promise.finally(() => {
    clearTimeout(timer);
    signals.forEach((signal) => signal.removeEventListener("abort", end));
  });
}
