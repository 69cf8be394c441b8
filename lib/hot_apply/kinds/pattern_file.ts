/** Maps and ACLs: a new version is filled and compared before it replaces the old one. */
import { type Ask, quoted } from "../../haproxy/runtime/client.ts";
import {
  addEntries,
  clearVersion,
  commitVersion,
  type PatternList,
  prepareVersion,
  showEntries,
} from "../../haproxy/runtime/patterns.ts";
import {
  type Content,
  type Impossible,
  impossible,
  type Plan,
  type Result,
  SHOWS_ANOTHER,
  unconfirmed,
} from "./target_kind.ts";
import { counted } from "../../text/counted.ts";

export const map = { plan };
export const acl = { plan };

function plan({ tag, id }: PatternList, { text }: Content): Plan {
  const patterns = readPatterns(tag, text);
  return patterns.tag === "impossible"
    ? patterns
    : { tag: "ready", apply: (ask) => apply({ tag, id }, patterns.entries, ask) };
}

async function apply(list: PatternList, entries: readonly string[], ask: Ask): Promise<Result> {
  const version = await prepareVersion(list, ask);
  if ("answer" in version) return impossible(quoted(version.answer));
  const { prepared } = version;
  const failure = await addEntries(prepared, entries, ask) ??
    differenceTo(entries, await showEntries(prepared, ask), "not all entries have arrived");
  if (failure !== null) {
    await clearVersion(prepared, ask);
    return impossible(failure);
  }
  const doubt = await commitVersion(prepared, ask) ??
    differenceTo(entries, await showEntries(list, ask), SHOWS_ANOTHER);
  return doubt === null
    ? { tag: "applied", detail: counted(entries.length, "entry", "entries") }
    : unconfirmed(doubt);
}

/** `null` if exactly the entries are shown. */
function differenceTo(
  entries: readonly string[],
  shown: readonly string[] | null,
  difference: string,
): string | null {
  if (shown === null) return quoted(shown);
  const areSame = shown.length === entries.length &&
    shown.every((entry, index) => entry === entries[index]);
  return areSame ? null : difference;
}

export type Patterns =
  /** As `show map` and `show acl` write them. */
  | { readonly tag: "read"; readonly entries: readonly string[] }
  | Impossible;

/**
 * Reads a file as HAProxy does, unless it holds something that HAProxy takes from a file but not from the Runtime API.
 * Blank lines and those that begin with `#` are skipped. A map's line is a key, a space, and a value that
 * may hold spaces (configuration manual, "map"); an ACL's is one pattern.
 */
export function readPatterns(tag: PatternList["tag"], text: string): Patterns {
  const lines = text.split("\n", MOST_LINES + 1);
  if (lines.length > MOST_LINES) return impossible(`it has more than ${MOST_LINES} lines`);
  if (/[\0\ufffd]/.test(text)) return impossible("it holds bytes that are not text");
  // HAProxy ends a line at a CR, whatever follows it.
  const entries = lines.filter((line) => !line.startsWith("#"))
    .map((line) => line.replace(/\r[^]*/, "").replace(/^[ \t]+/, "")).filter((line) => line !== "")
    .map((line) => tag === "acl" ? line : line.replace(/[ \t]+/, " ").replace(/[ \t]+$/, ""));
  if (tag === "map" && entries.some((entry) => !entry.includes(" "))) {
    return impossible("a key in it has no value");
  }
  return { tag: "read", entries };
}

/** HAProxy's answer adds some 20 bytes to each, and is read twice. */
const MOST_LINES = 100_000;
