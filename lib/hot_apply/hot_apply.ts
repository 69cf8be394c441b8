/** Gives a running generation the changed content of files that it has loaded, one target at a time, without a reload. */
import { type Ask, createAsk, type StatsSocket } from "../haproxy/runtime/client.ts";
import { pathsOf, type ServersTarget, type Target } from "../loaded/targets.ts";
import type { ReadText } from "../loaded/text_cache.ts";
import {
  changedPaths,
  type FileMark,
  type Fingerprint,
  fingerprintOf,
  UNKNOWN_MARK,
} from "../watch/scan/fingerprint.ts";
import { planRemoval } from "./kinds/member.ts";
import { type Files, readContent, reader } from "./content.ts";
import { examineNewcomers, type Newcomer, type NotWhole } from "./newcomers.ts";
import {
  type ChangedAgain,
  impossible,
  type Plan,
  type Refusal,
  refused,
  type Result,
} from "./kinds/target_kind.ts";
import { planOf } from "./kinds/target_kinds.ts";

export interface HotApplyRequest {
  /** What to apply so that a generation with `before` has `after`. */
  readonly changed: readonly Target[];
  readonly before: Fingerprint;
  readonly after: Fingerprint;
  /** New files to examine before a reload, or before they are added. */
  readonly newcomers?: readonly Newcomer[];
  /** Whether other files changed as well: then a target that requires a reload does not stop the others. */
  readonly isPart: boolean;
}

export interface HotApplyOptions {
  /** The generation's private stats socket. */
  readonly socket: StatsSocket;
  /** `false`: only examine what must not be served. */
  readonly apply: boolean;
  /** The configuration's files as last scanned. */
  readonly configuration: () => readonly ReadText[];
}

export interface HotApplyOutcome {
  /** What the generation has now. */
  readonly fingerprint: Fingerprint;
  readonly applied: readonly Applied[];
  readonly refused: readonly Refused[];
  /** Targets that may or may not have the new content. */
  readonly unconfirmed: readonly Target[];
  /** New files that a reload would fail on or leave out, and that will probably be whole soon. */
  readonly awaited?: readonly NotWhole[];
  /** In how many milliseconds something refused becomes valid by itself; `null`: unknown. */
  readonly fitInMs: number | null;
  readonly next:
    | { readonly tag: "nothing" }
    /** The files have changed again. */
    | { readonly tag: "scan" }
    /** `null`: nothing to log. */
    | { readonly tag: "reload"; readonly reason: string | null };
}

export interface Applied extends Pick<Extract<Result, { readonly tag: "applied" }>, "how"> {
  /** As it is now. */
  readonly target: Target;
  /** A clause about the new content. */
  readonly detail: string;
  readonly durationMs: number;
}

export interface Refused extends Pick<Refusal, "reason" | "awaited"> {
  readonly target: Target;
}

/** Stops at the first target that requires a reload. `null` if `cancel` was aborted. */
export async function hotApply(
  request: HotApplyRequest,
  options: HotApplyOptions,
  cancel: AbortSignal,
): Promise<HotApplyOutcome | null> {
  const { newcomers = [], before, after } = request;
  if (newcomers.length > 0) {
    const awaited = await examineNewcomers(newcomers, after);
    if (cancel.aborted) return null;
    if (awaited.length > 0 || request.changed.length === 0) {
      return { ...RELOAD, fingerprint: before, awaited };
    }
  }
  const ask = options.apply ? createAsk(options.socket, cancel) : null;
  const ends: End[] = [];
  for (const target of request.changed) {
    const startedMs = performance.now();
    const result = target.tag === "server"
      ? await applyServers(target, { files: after.files, ask, texts: options.configuration() })
      : await applyOne(target, after.files, ask);
    ends.push({ target, result, durationMs: performance.now() - startedMs });
    // If a reload follows anyway, the others are still worth applying or examining.
    const isLast = nextAfter(result, target) !== null && !request.isPart && options.apply;
    if (isLast || result.tag === "changed_again") break;
  }
  if (cancel.aborted) return null;
  const outcome = await outcomeOf(request, ends);
  const isReload = outcome.next.tag === "reload";
  return isReload && !options.apply ? { ...outcome, next: RELOAD.next } : outcome;
}

const RELOAD = {
  applied: [],
  refused: [],
  unconfirmed: [],
  fitInMs: null,
  next: { tag: "reload", reason: null },
} as const;

interface End {
  readonly target: Target;
  readonly result: Result | ChangedAgain;
  readonly durationMs: number;
}

/** `ask` is `null` if nothing is to be applied. */
async function applyOne(
  target: Target,
  files: Files,
  ask: Ask | null,
): Promise<Result | ChangedAgain> {
  const content = await readContent(target, files);
  if (content === null) {
    if (target.tag !== "certificate" || !target.isMember) return refused("is gone", "its return");
    return await carryOut(planRemoval(target, files), ask);
  }
  return "tag" in content ? content : await carryOut(await planOf(target, content), ask);
}

/** With texts that are in memory already. */
async function applyServers(
  target: ServersTarget,
  { files, ask, texts }: {
    readonly files: Files;
    readonly ask: Ask | null;
    readonly texts: readonly ReadText[];
  },
): Promise<Result | ChangedAgain> {
  const areScanned = texts.every(({ path, digest }) => files.get(path)?.content === digest);
  if (!areScanned) return { tag: "changed_again" };
  const read = { text: "", key: null, texts: texts.map(({ text }) => text) };
  return await carryOut(await planOf(target, { ...read, files, read: reader(files) }), ask);
}

async function carryOut(plan: Plan, ask: Ask | null): Promise<Result | ChangedAgain> {
  if (plan.tag !== "ready") return plan;
  return ask === null ? impossible("") : await plan.apply(ask);
}

async function outcomeOf(
  request: HotApplyRequest,
  ends: readonly End[],
): Promise<HotApplyOutcome> {
  const fitFromMs = ends.flatMap(({ result }) =>
    result.tag === "refused" && result.fitFromMs !== null ? [result.fitFromMs] : []
  );
  return {
    fingerprint: await fingerprintAfter(request, ends),
    applied: ends.flatMap(({ target, result, durationMs }) =>
      result.tag === "applied"
        ? [{
          target: result.after ?? target,
          detail: result.detail,
          durationMs,
          ...result.how === undefined ? {} : { how: result.how },
        }]
        : []
    ),
    refused: ends.flatMap(({ target, result }) => {
      if (result.tag !== "refused") return [];
      return [{ target, reason: result.reason, awaited: result.awaited }];
    }),
    unconfirmed: ends.flatMap(({ target, result }) =>
      result.tag === "unconfirmed" ? [result.after ?? target] : []
    ),
    fitInMs: fitFromMs.length === 0 ? null : Math.max(0, Math.min(...fitFromMs) - Date.now()),
    next: ends.map(({ result, target }) => nextAfter(result, target))
      .findLast((next) => next !== null) ?? { tag: "nothing" },
  };
}

/** `null` if the result asks for nothing more. */
function nextAfter(result: End["result"], { path }: Target): HotApplyOutcome["next"] | null {
  switch (result.tag) {
    case "applied":
    case "refused":
      return null;
    case "changed_again":
      return { tag: "scan" };
    case "unconfirmed":
    case "impossible":
      return { tag: "reload", reason: `"${path}": ${result.reason}` };
    default:
      return result satisfies never;
  }
}

async function fingerprintAfter(
  { changed, before, after }: HotApplyRequest,
  ends: readonly End[],
): Promise<Fingerprint> {
  const files = new Map(before.files);
  const resultOf = new Map(ends.map(({ target, result }) => [target, result.tag]));
  for (const path of new Set(changed.flatMap(pathsOf))) {
    const targets = changed.filter((target) => pathsOf(target).includes(path));
    const mark = markAfter(targets.map((target) => resultOf.get(target)), {
      before: before.files.get(path),
      after: after.files.get(path),
    });
    if (mark === undefined) files.delete(path);
    else files.set(path, mark);
  }
  // A digest of 10,000 files takes far longer.
  const isAsAfter = changedPaths({ files }, after)?.length === 0;
  return isAsAfter ? after : await fingerprintOf(files);
}

/** A file may belong to several targets, not all of which have its new content. */
function markAfter(
  results: readonly (End["result"]["tag"] | undefined)[],
  { before, after }: Readonly<Record<"before" | "after", FileMark | undefined>>,
): FileMark | undefined {
  if (before === undefined && after === undefined) return undefined;
  if (results.every((result) => result === "applied")) return after;
  const isTouched = results.some((result) => result === "applied" || result === "unconfirmed");
  return isTouched ? UNKNOWN_MARK : before;
}
