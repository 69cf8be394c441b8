/** Follows the certificates that one generation obtains, from its first answer until another one serves. */
import { dirname } from "@std/path";
import type { FileReference } from "../config/file_references.ts";
import { createAsk } from "../haproxy/runtime/client.ts";
import { dumpCertificate, type Renewed, showRenewals } from "../haproxy/runtime/renewals.ts";
import type { LogEntry } from "../system/log.ts";
import { type Fingerprint, fingerprintOf, isWhole } from "../watch/scan/fingerprint.ts";
import type { Change, KeeperParts, Pauses, Serving, Shown } from "./keeper.ts";
import * as messages from "./messages.ts";
import {
  contentOf,
  expiryOf,
  MISSING,
  type Rename,
  saveCertificate,
  type SaveEnd,
} from "./save.ts";

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
  /** When the one expires that its file holds. */
  readonly expiresMs: number;
  /** The digest of what its file held then. */
  readonly content: string;
  readonly isRenewing: boolean;
  /** Why a newer one is not saved; `null` if it is, or there is none. */
  readonly problem: { readonly reason: string; readonly againMs: number } | null;
}

/** A file whose content changes from the one digest to the other. */
interface Replaced {
  readonly path: string;
  readonly loaded: string;
  readonly content: string;
}

export class Follower {
  readonly #parts: FollowerParts;
  readonly #generation: number;
  readonly #pauses: Pauses;
  readonly #known = new Map<string, Known>();
  #shown = "";

  constructor(parts: FollowerParts) {
    this.#parts = parts;
    this.#generation = parts.serving.number;
    this.#pauses = parts.pauses ?? PAUSES;
  }

  /** Returns once `cancel` aborts, or if the process renews nothing. */
  async follow(cancel: AbortSignal): Promise<void> {
    const { idleMs, renewingMs } = this.#pauses;
    while (!cancel.aborted) {
      const renewed = await this.#look(cancel);
      if (renewed?.length === 0 || cancel.aborted) return;
      const isRenewing = renewed?.some((one) => one.isRenewing) ?? false;
      await pause(isRenewing ? renewingMs : idleMs, cancel);
    }
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
    const before = this.#known.get(name) ?? await this.#firstKnown(renewed, file.path);
    const isNew = !isRenewing && expiresMs !== before.expiresMs;
    const known = { ...before, isRenewing };
    this.#known.set(name, known);
    if (!isNew && before.isRenewing && !isRenewing) {
      this.#log(messages.notObtained(this.#facts(file)));
    }
    if (!isNew || (known.problem?.againMs ?? -Infinity) > performance.now()) return renewed;
    const dump = await dumpCertificate(createAsk(this.#parts.socket(this.#generation)), name);
    const current = this.#parts.current();
    if (dump === null || current === null) return { ...renewed, isRenewing: true };
    const loaded = current.fingerprint?.files.get(file.path)?.content ?? known.content;
    const end = await saveCertificate(dump, file, {
      loaded,
      replace: (rename, content) => this.#replace({ path: file.path, loaded, content }, rename),
    });
    this.#known.set(name, this.#after(known, end, { file, expiresMs }));
    return { ...renewed, isRenewing: end.tag === "declined" };
  }

  /** What the generation loaded, which its file still holds unless somebody has just changed it. */
  async #firstKnown({ expiresMs: shownMs }: Renewed, path: string): Promise<Known> {
    const held = await contentOf(path);
    const content = this.#parts.serving.fingerprint?.files.get(path)?.content ?? held.content;
    // It may have obtained another before its first answer. What it makes up without a file has expired.
    const isLoaded = held.content === content && shownMs > Date.now();
    const expiresMs = isLoaded ? await expiryOf(held.text) ?? shownMs : shownMs;
    return { expiresMs, content, isRenewing: false, problem: null };
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

  /** What a scan will find; `null` if it does not show this file, or showed something else in its place. */
  async #fingerprintAfter(
    { files }: Fingerprint,
    { path, loaded, content }: Replaced,
  ): Promise<Fingerprint | null> {
    const isShown = this.#parts.watchLoaded && !isWhole(files.get(dirname(path))?.content ?? "");
    const before = files.get(path)?.content ?? (isShown ? MISSING : null);
    if (before !== loaded) return null;
    const mark = { content, modifiedMs: Date.now(), stamp: "" };
    return await fingerprintOf(new Map([...files, [path, mark]]));
  }

  #after(
    known: Known,
    end: SaveEnd,
    { file, expiresMs }: { readonly file: FileReference; readonly expiresMs: number },
  ): Known {
    const facts = this.#facts(file);
    switch (end.tag) {
      case "saved":
        this.#log(messages.saved(facts, end.expiresMs));
        return { ...known, expiresMs, content: end.content, problem: null };
      case "held":
        return { ...known, expiresMs, content: end.content, problem: null };
      case "declined":
        return known;
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

/** Leaves nothing behind at `cancel`, which may live for weeks. */
function pause(ms: number, cancel: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const end = () => resolve();
  const timer = setTimeout(end, ms);
  cancel.addEventListener("abort", end);
  return promise.finally(() => {
    clearTimeout(timer);
    cancel.removeEventListener("abort", end);
  });
}
