/** Reads map and ACL files as HAProxy does, and cuts them into commands of the Runtime API. Pure. */
import { escaped } from "../haproxy/runtime/client.ts";

export type PatternKind = "map" | "acl";

export type Patterns =
  | {
    readonly tag: "read";
    /** Each as `show map` and `show acl` write it. */
    readonly entries: readonly string[];
  }
  /** Something that HAProxy takes from a file but not from the Runtime API. */
  | { readonly tag: "unfit"; readonly reason: string };

/**
 * Reads a file's text: blank lines and those that begin with `#` are skipped. A map's line is a key, a
 * space, and a value that may hold spaces (configuration manual, "map"); an ACL's is one pattern.
 */
export function readPatterns(kind: PatternKind, text: string): Patterns {
  if (hasMoreLines(text, MOST_PATTERNS)) {
    return { tag: "unfit", reason: `it has more than ${MOST_PATTERNS} lines` };
  }
  if (text.includes("\0") || text.includes("\ufffd")) {
    return { tag: "unfit", reason: "it holds bytes that are no text" };
  }
  // HAProxy ends a line at a CR, whatever follows it.
  const entries = text.split("\n").filter((line) => !line.startsWith("#"))
    .map((line) => line.replace(/\r[^]*/, "").replace(/^[ \t]+/, "")).filter((line) => line !== "")
    .map((line) => kind === "acl" ? line : line.replace(/[ \t]+/, " ").replace(/[ \t]+$/, ""));
  if (kind === "map" && entries.some((entry) => !entry.includes(" "))) {
    return { tag: "unfit", reason: "a key in it has no value" };
  }
  return { tag: "read", entries };
}

/** HAProxy's answer takes some 20 bytes more for each, and is read back twice. */
const MOST_PATTERNS = 100_000;

function hasMoreLines(text: string, most: number): boolean {
  let lines = 1;
  for (let at = text.indexOf("\n"); at >= 0 && lines <= most; at = text.indexOf("\n", at + 1)) {
    lines++;
  }
  return lines > most;
}

/** The commands that add `entries` to the prepared `version` of the map or ACL with that number. */
export function addCommands(
  kind: PatternKind,
  entries: readonly string[],
  { id, version }: { readonly id: number; readonly version: number },
): string[] {
  const target = `@${version} #${id}`;
  // Only maps take a payload (HAProxy 2.6 to 3.0).
  if (kind === "map") {
    return portions(entries).map((part) => `add map ${target} <<\n${part.join("\n")}\n`);
  }
  const adding = entries.map((entry) => `add acl ${target} ${escaped(entry)}`);
  return portions(adding).map((part) => part.join(";"));
}

/** The entries in the answer to `show map` or `show acl`, without the address in front of each. */
export function parseEntries(answer: string): string[] {
  return answer.split("\n").filter((line) => line !== "").map((line) =>
    line.replace(/^0x[0-9a-f]+ /, "")
  );
}

/** Over its buffer of 16 KB HAProxy drops a payload, and `tune.bufsize` may be set to less than that. */
const PORTION_BYTES = 7_000;

function portions(lines: readonly string[]): string[][] {
  const parts: string[][] = [];
  let bytes = Infinity;
  for (const line of lines) {
    const lineBytes = bytesOf(line) + 1;
    bytes += lineBytes;
    if (bytes > PORTION_BYTES) {
      parts.push([]);
      bytes = lineBytes;
    }
    parts.at(-1)!.push(line);
  }
  return parts;
}

/** Three bytes are the most that UTF-8 needs for one unit of a string. */
const bytesOf = (line: string) => /[^ -~\t]/.test(line) ? 3 * line.length : line.length;
