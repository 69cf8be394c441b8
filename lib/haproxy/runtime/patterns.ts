/** The Runtime API for maps and ACLs: a new version is prepared, filled, and then committed or cleared. */
import { type Ask, escaped, quoted } from "./client.ts";

/** A map or ACL of a process: the version in use, or a prepared one that is not in use yet. */
export interface PatternList {
  readonly tag: "map" | "acl";
  readonly id: number;
  readonly version?: number;
}

/** Prepares an empty version; HAProxy's answer if that fails. */
export async function prepareVersion(
  { tag, id }: PatternList,
  ask: Ask,
): Promise<{ readonly prepared: PatternList } | { readonly answer: string | null }> {
  const answer = await ask(`prepare ${tag} #${id}`);
  const version = /New version created: (\d+)/.exec(answer ?? "")?.[1];
  return version === undefined ? { answer } : { prepared: { tag, id, version: Number(version) } };
}

/** Adds entries in order. Returns `null`, or why it failed as a clause. */
export async function addEntries(
  list: PatternList,
  entries: readonly string[],
  ask: Ask,
): Promise<string | null> {
  for (const command of addCommands(list, entries)) {
    const answer = await ask(command);
    if (answer?.trim() !== "") return quoted(answer);
  }
  return null;
}

/** The entries as HAProxy shows them; `null` without an answer. */
export const showEntries = async (list: PatternList, ask: Ask) =>
  parseEntries(await ask(commandOf("show", list)));

/** Puts a version into use. Returns `null`, or why it failed as a clause. */
export async function commitVersion(list: PatternList, ask: Ask): Promise<string | null> {
  const answer = await ask(commandOf("commit", list));
  return answer?.trim() === "" ? null : quoted(answer);
}

export const clearVersion = (list: PatternList, ask: Ask) => ask(commandOf("clear", list));

const commandOf = (verb: string, { tag, id, version }: PatternList) =>
  `${verb} ${tag} ${version === undefined ? "" : `@${version} `}#${id}`;

/** The commands that add `entries` to a prepared version. Only maps take a payload (HAProxy 2.6 to 3.0). */
export function addCommands(list: PatternList, entries: readonly string[]): string[] {
  const adding = commandOf("add", list);
  if (list.tag === "map") {
    return portionsOf(entries).map((part) => `${adding} <<\n${part.join("\n")}\n`);
  }
  return portionsOf(entries.map((entry) => `${adding} ${escaped(entry)}`))
    .map((part) => part.join(";"));
}

/** Each line without its leading address. */
export function parseEntries(answer: string | null): readonly string[] | null {
  if (answer === null) return null;
  return answer.split("\n").filter((line) => line !== "")
    .map((line) => line.replace(/^0x[0-9a-f]+ /, ""));
}

/** HAProxy drops a payload longer than its buffer, which may be as small as 8 kB. */
const PORTION_BYTES = 7_000;

function portionsOf(lines: readonly string[]): string[][] {
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

/** An upper bound: UTF-8 needs at most three bytes for a UTF-16 unit. */
const bytesOf = (line: string) => /[^ -~\t]/.test(line) ? 3 * line.length : line.length;
