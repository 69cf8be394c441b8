/** Gives a generation the changed content of files it loaded, one use after the other, without a reload. */
import { readFile, sha256, TooLarge } from "../system/contents.ts";
import type { StatsSocket } from "../haproxy/runtime/client.ts";
import {
  changedPaths,
  type FileMark,
  type Fingerprint,
  fingerprintOf,
  isTooLarge,
  isUnreadable,
  UNKNOWN_MARK,
} from "../watch/scan/fingerprint.ts";
import { type Ask, createAsk } from "../haproxy/runtime/asking.ts";
import { examineNewcomers, type Newcomer, type NotWhole } from "./newcomers.ts";
import { applyPatterns } from "./patterns_apply.ts";
import { applyCaFile, applyCertificate, applyCrlFile } from "./tls_apply.ts";
import { impossible, type Replacement, type Unfit } from "./target_apply.ts";
import { MOST_HOT_BYTES, pathsOf, type Target, type Targets } from "../loaded/targets.ts";

export interface HotApplyRequest {
  /** What to change, so that a generation with `before` has `after`. */
  readonly changed: readonly Target[];
  readonly targets: Targets;
  readonly before: Fingerprint;
  readonly after: Fingerprint;
  /** What appeared and is examined before a reload, in place of any change. */
  readonly newcomers?: readonly Newcomer[];
  /** Whether more has changed, so that what cannot be applied keeps nothing else from it. */
  readonly isPart: boolean;
}

export interface HotApplyOptions {
  /** The generation's private stats socket. */
  readonly socket: StatsSocket;
  /** `false`: only tells what must not be served. */
  readonly apply: boolean;
}

export interface Applied {
  readonly target: Target;
  /** A clause about the new content. */
  readonly detail: string;
  readonly durationMs: number;
}

export interface Refused extends Omit<Unfit, "fitFromMs"> {
  readonly target: Target;
}

export interface HotApplyOutcome {
  /** What the generation has now. */
  readonly fingerprint: Fingerprint;
  readonly applied: readonly Applied[];
  readonly refused: readonly Refused[];
  /** Of what nobody knows whether it has the new content. */
  readonly unconfirmed: readonly Target[];
  /** What a reload would be refused for, or leave out, and is likely to be whole soon. */
  readonly awaited?: readonly NotWhole[];
  /** When what was refused will be fit, in milliseconds from now; `null` if nobody knows. */
  readonly fitInMs: number | null;
  readonly next:
    | { readonly tag: "nothing" }
    /** The files have changed again. */
    | { readonly tag: "look" }
    /** `null`: there is nothing to say about it. */
    | { readonly tag: "reload"; readonly reason: string | null };
}

/**
 * Replaces what can be, and stops at the first thing that only a reload can do. Whatever comes of it, no
 * transaction stays open and no map is half filled. `null` after an abort of `cancel`.
 */
export async function hotApply(
  request: HotApplyRequest,
  options: HotApplyOptions,
  cancel: AbortSignal,
): Promise<HotApplyOutcome | null> {
  const { newcomers = [], before, after } = request;
  if (newcomers.length > 0) {
    const awaited = await examineNewcomers(newcomers, after);
    return cancel.aborted ? null : { ...RELOAD, fingerprint: before, awaited };
  }
  const work = new Work(request, options, cancel);
  for (const target of request.changed) if (!await work.replace(target)) break;
  return cancel.aborted ? null : await work.outcome();
}

const RELOAD = {
  ...{ applied: [], refused: [], unconfirmed: [], fitInMs: null },
  next: { tag: "reload", reason: null },
} as const;

class Work {
  readonly #request: HotApplyRequest;
  readonly #apply: boolean;
  readonly #ask: Ask;
  readonly #applied: Applied[] = [];
  readonly #refused: Refused[] = [];
  readonly #done = new Set<Target>();
  readonly #unknown = new Set<Target>();
  #fitInMs: number | null = null;
  #next: HotApplyOutcome["next"] = { tag: "nothing" };

  constructor(request: HotApplyRequest, { socket, apply }: HotApplyOptions, cancel: AbortSignal) {
    this.#request = request;
    this.#apply = apply;
    this.#ask = createAsk(socket, cancel);
  }

  /** `false` if there is no use in going on. */
  async replace(target: Target): Promise<boolean> {
    const startedMs = performance.now();
    const texts = await this.#read(target);
    if (texts === "moved") {
      this.#next = { tag: "look" };
      return false;
    }
    const result = "impossible" in texts
      ? impossible(texts.impossible)
      : await this.#replaceBy(target, texts);
    const durationMs = performance.now() - startedMs;
    switch (result.tag) {
      case "applied":
        this.#applied.push({ target, detail: result.detail, durationMs });
        this.#done.add(target);
        return true;
      case "refused":
        this.#refused.push({ target, reason: result.reason, awaited: result.awaited });
        this.#expectFitness(result.fitFromMs);
        return true;
      case "unconfirmed":
        this.#unknown.add(target);
        this.#next = { tag: "reload", reason: describe(target, result.reason) };
        return this.#request.isPart;
      case "impossible":
        this.#next = {
          tag: "reload",
          reason: this.#apply ? describe(target, result.reason) : null,
        };
        // Else the reload replaces all others too, and only what must not be served is left to be told.
        return this.#request.isPart || !this.#apply;
      default:
        return result satisfies never;
    }
  }

  async outcome(): Promise<HotApplyOutcome> {
    return {
      fingerprint: await this.#fingerprint(),
      applied: this.#applied,
      refused: this.#refused,
      unconfirmed: [...this.#unknown],
      fitInMs: this.#fitInMs,
      next: this.#next,
    };
  }

  async #replaceBy(target: Target, texts: readonly (string | null)[]): Promise<Replacement> {
    const [text, key] = texts;
    if (text === null || text === undefined) {
      return target.tag === "certificate" && target.isMember ? impossible("it was removed") : GONE;
    }
    const [ask, apply] = [this.#ask, this.#apply];
    if (!apply && target.tag !== "certificate") return impossible("");
    switch (target.tag) {
      case "certificate": {
        if (apply && this.#hasOtherSideFiles(target.path)) return impossible(SIDE_FILES);
        const options = { key: key ?? null, nowMs: Date.now() };
        return await applyCertificate(target, text, { ...options, ask, apply });
      }
      case "ca_file":
        return await applyCaFile(target, text, ask);
      case "crl_file":
        return await applyCrlFile(target, text, ask);
      case "map":
      case "acl":
        return await applyPatterns(target, text, ask);
      default:
        return target satisfies never;
    }
  }

  /** `null` for a file that is gone; `moved` if one is not what it was looked at as. */
  async #read(
    target: Target,
  ): Promise<readonly (string | null)[] | "moved" | { readonly impossible: string }> {
    const texts: (string | null)[] = [];
    for (const path of this.#pathsOf(target)) {
      const content = this.#request.after.files.get(path)?.content ?? "missing";
      if (isUnreadable(content)) return { impossible: "the wrapper may not read it" };
      const bytes = content === "missing"
        ? null
        : isTooLarge(content)
        ? TOO_LARGE
        : await read(path);
      if (bytes instanceof TooLarge) return { impossible: bytes.message };
      if (bytes === null && content !== "missing") return "moved";
      if (bytes !== null && await sha256(bytes) !== content) return "moved";
      texts.push(bytes === null ? null : DECODER.decode(bytes));
    }
    return texts;
  }

  #pathsOf(target: Target): readonly string[] {
    return pathsOf(target, this.#request.targets);
  }

  /** One file may have several uses, of which not all have its new content. */
  #markOf(path: string): FileMark | undefined {
    const { changed, before, after } = this.#request;
    const targets = changed.filter((target) => this.#pathsOf(target).includes(path));
    const isTouched = targets.some((target) => this.#done.has(target) || this.#unknown.has(target));
    if (!isTouched) return before.files.get(path);
    return targets.every((target) => this.#done.has(target)) ? after.files.get(path) : UNKNOWN_MARK;
  }

  /** HAProxy 2.6 to 3.4 forgets what these held when it is given another certificate. */
  #hasOtherSideFiles(path: string): boolean {
    const { files } = this.#request.after;
    const stems = [path, path.replace(/\.crt$/, "")];
    return stems.some((stem) =>
      [".ocsp", ".sctl", ".issuer"].some((extension) => files.has(`${stem}${extension}`))
    );
  }

  #expectFitness(fitFromMs: number | null): void {
    if (fitFromMs === null) return;
    this.#fitInMs = Math.min(this.#fitInMs ?? Infinity, Math.max(0, fitFromMs - Date.now()));
  }

  async #fingerprint(): Promise<Fingerprint> {
    const { before, after } = this.#request;
    const files = new Map(before.files);
    for (const path of new Set(this.#request.changed.flatMap((target) => this.#pathsOf(target)))) {
      const mark = this.#markOf(path);
      if (mark === undefined) files.delete(path);
      else files.set(path, mark);
    }
    const now = await fingerprintOf(files);
    // The order of files counts as well, and is that of a look.
    return changedPaths(now, after)?.length === 0 ? after : now;
  }
}

const TOO_LARGE = new TooLarge(MOST_HOT_BYTES);

async function read(path: string): Promise<Uint8Array<ArrayBuffer> | TooLarge | null> {
  return await readFile(path, MOST_HOT_BYTES).catch((error) =>
    error instanceof TooLarge ? error : null
  );
}

/** A byte order mark is a part of the first key for HAProxy. */
const DECODER = new TextDecoder("utf-8", { ignoreBOM: true });

const GONE: Replacement = {
  tag: "refused",
  reason: "is gone",
  awaited: "its return",
  fitFromMs: null,
};

const SIDE_FILES = "HAProxy would forget the .ocsp, .sctl or .issuer file beside it";

const describe = (target: Target, reason: string) => `"${target.path}": ${reason}`;
