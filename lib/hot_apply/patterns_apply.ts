/** Replaces maps and ACLs: a new version is filled, compared, and only then takes the old one's place. */
import type { Ask } from "../haproxy/runtime/asking.ts";
import { addCommands, parseEntries, readPatterns } from "./patterns.ts";
import {
  differs,
  impossible,
  quoted,
  type Replacement,
  type TargetOf,
  unconfirmed,
} from "./target_apply.ts";

/** Gives the process other entries for a map or an ACL. */
export async function applyPatterns(
  { tag, id }: TargetOf<"map"> | TargetOf<"acl">,
  text: string,
  ask: Ask,
): Promise<Replacement> {
  const patterns = readPatterns(tag, text);
  if (patterns.tag === "unfit") return impossible(patterns.reason);
  const prepared = await ask(`prepare ${tag} #${id}`);
  const version = /New version created: (\d+)/.exec(prepared ?? "")?.[1];
  if (version === undefined) return impossible(quoted(prepared));
  const target = `@${version} #${id}`;
  const { entries } = patterns;
  const failure = await fill(tag, entries, { ask, id, version: Number(version) });
  if (failure !== null) {
    await ask(`clear ${tag} ${target}`);
    return impossible(failure);
  }
  const answer = await ask(`commit ${tag} ${target}`);
  if (answer === null || answer.trim() !== "") return unconfirmed(quoted(answer));
  const shown = await ask(`show ${tag} #${id}`);
  return isSame(shown, entries)
    ? { tag: "applied", detail: `${entries.length} ${entries.length === 1 ? "entry" : "entries"}` }
    : unconfirmed(differs(shown));
}

/** Adds all entries to the version, which nobody uses yet; `null` if they are in it, or why not. */
async function fill(
  tag: "map" | "acl",
  entries: readonly string[],
  { ask, id, version }: { readonly ask: Ask; readonly id: number; readonly version: number },
): Promise<string | null> {
  for (const command of addCommands(tag, entries, { id, version })) {
    const answer = await ask(command);
    if (answer === null || answer.trim() !== "") return quoted(answer);
  }
  const shown = await ask(`show ${tag} @${version} #${id}`);
  if (shown === null) return quoted(shown);
  return isSame(shown, entries) ? null : "not all entries have arrived";
}

function isSame(shown: string | null, entries: readonly string[]): boolean {
  if (shown === null) return false;
  const found = parseEntries(shown);
  return found.length === entries.length && found.every((entry, index) => entry === entries[index]);
}
