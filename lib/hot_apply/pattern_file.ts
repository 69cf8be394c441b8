/** Maps and ACLs: a new version is filled and compared, and only then takes the old one's place. */
import { type Ask, quoted } from "../haproxy/runtime/client.ts";
import {
  type PatternList,
  type PatternVersion,
  prepareVersion,
  showEntries,
} from "../haproxy/runtime/patterns.ts";
import type { TargetOf } from "../loaded/targets.ts";
import {
  type Content,
  counted,
  impossible,
  type Plan,
  type Result,
  SHOWS_ANOTHER,
  type TargetKind,
  unconfirmed,
} from "./target_kind.ts";

export const map: TargetKind<TargetOf<"map">> = { noun: "map", plan };
export const acl: TargetKind<TargetOf<"acl">> = { noun: "ACL", plan };

function plan(target: PatternList, { text }: Content): Plan {
  const patterns = readPatterns(target.tag, text);
  return patterns.tag === "impossible"
    ? patterns
    : { tag: "ready", apply: (ask) => apply(target, patterns.entries, ask) };
}

async function apply(target: PatternList, entries: readonly string[], ask: Ask): Promise<Result> {
  const prepared = await prepareVersion(target, ask);
  if (prepared.tag === "failed") return impossible(prepared.reason);
  const { version } = prepared;
  const failure = await fill(version, entries);
  if (failure !== null) {
    await version.clear();
    return impossible(failure);
  }
  const commitFailure = await version.commit();
  if (commitFailure !== null) return unconfirmed(commitFailure);
  const shown = await showEntries(target, ask);
  if (shown === null) return unconfirmed(quoted(null));
  return areSame(shown, entries)
    ? { tag: "applied", detail: counted(entries.length, "entry", "entries") }
    : unconfirmed(SHOWS_ANOTHER);
}

/** Adds all entries to a version that nobody uses yet; `null`, or why they are not in it. */
async function fill(version: PatternVersion, entries: readonly string[]): Promise<string | null> {
  const failure = await version.add(entries);
  if (failure !== null) return failure;
  const shown = await version.show();
  if (shown === null) return quoted(null);
  return areSame(shown, entries) ? null : "not all entries have arrived";
}

const areSame = (shown: readonly string[], entries: readonly string[]) =>
  shown.length === entries.length && shown.every((entry, index) => entry === entries[index]);

export type Patterns =
  /** Each as `show map` and `show acl` write it. */
  | { readonly tag: "read"; readonly entries: readonly string[] }
  | ReturnType<typeof impossible>;

/**
 * Reads a file as HAProxy does, unless it holds something that HAProxy takes from a file but not from the Runtime API.
 * Blank lines and those that begin with `#` are skipped. A map's line is a key, a space, and a value that
 * may hold spaces (configuration manual, "map"); an ACL's is one pattern.
 */
export function readPatterns(tag: PatternList["tag"], text: string): Patterns {
  if (hasMoreLines(text, MOST_LINES)) return impossible(`it has more than ${MOST_LINES} lines`);
  if (/[\0\ufffd]/.test(text)) return impossible("it holds bytes that are no text");
  // HAProxy ends a line at a CR, whatever follows it.
  const entries = text.split("\n").filter((line) => !line.startsWith("#"))
    .map((line) => line.replace(/\r[^]*/, "").replace(/^[ \t]+/, "")).filter((line) => line !== "")
    .map((line) => tag === "acl" ? line : line.replace(/[ \t]+/, " ").replace(/[ \t]+$/, ""));
  if (tag === "map" && entries.some((entry) => !entry.includes(" "))) {
    return impossible("a key in it has no value");
  }
  return { tag: "read", entries };
}

/** HAProxy's answer takes some 20 bytes more for each, and is read back twice. */
const MOST_LINES = 100_000;

function hasMoreLines(text: string, most: number): boolean {
  let lines = 1;
  for (let at = text.indexOf("\n"); at >= 0 && lines <= most; at = text.indexOf("\n", at + 1)) {
    lines++;
  }
  return lines > most;
}
