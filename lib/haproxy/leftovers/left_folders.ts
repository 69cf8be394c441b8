/** Finds the private folders of our own user below the runtime directories. */
import { join } from "@std/path";
import type { DirectoryReader, Libc } from "../../system/libc.ts";
import { describeForeign } from "../../system/ownership.ts";
import { trustIn } from "../../system/trusted_directory.ts";
import { FOLDER_PREFIX } from "../private_folder/made_folder.ts";

export interface FoundFolder {
  readonly path: string;
  readonly owner: number;
  readonly madeMs: number;
}

/**
 * Those that nobody else can have made, or enter, or put others in the place of; the newest first. Where somebody
 * has made very many, not all are looked at.
 */
export async function findFolders(
  parents: readonly string[],
  { libc, user }: { readonly libc: Libc; readonly user: number },
): Promise<readonly FoundFolder[]> {
  const found: FoundFolder[] = [];
  for (const parent of new Set(parents)) {
    const own = foldersIn(parent, libc).filter(({ info }) =>
      describeForeign(info, { kind: "directory", user }) === null
    );
    if (own.length > 0 && (await trustIn(parent, user)).tag === "trusted") {
      found.push(...own.map(describe));
    }
  }
  return found.toSorted((one, other) => other.madeMs - one.madeMs).slice(0, MOST_OWN);
}

interface Candidate {
  readonly path: string;
  readonly info: Deno.FileInfo;
}

/** In `/tmp` anybody may make as many as they like: the start must not wait for that. */
const MOST_PORTIONS = 50;
const MOST_CANDIDATES = 2_000;
const MOST_OWN = 50;

function foldersIn(parent: string, libc: Libc): readonly Candidate[] {
  const reader = libc.openDirectory(parent);
  if (reader === null) return [];
  try {
    const names = namesFrom(reader);
    return names.flatMap((name) => lookAt(join(parent, name)));
  } finally {
    reader.close();
  }
}

function namesFrom(reader: DirectoryReader): readonly string[] {
  const names: string[] = [];
  for (let portion = 0; portion < MOST_PORTIONS && names.length < MOST_CANDIDATES; portion++) {
    const entries = reader.next();
    if (entries.length === 0) break;
    names.push(
      ...entries.map(({ name }) => name).filter((name) => name.startsWith(FOLDER_PREFIX)),
    );
  }
  return names;
}

function lookAt(path: string): readonly Candidate[] {
  try {
    return [{ path, info: Deno.lstatSync(path) }];
  } catch {
    return [];
  }
}

const describe = ({ path, info }: Candidate): FoundFolder => ({
  path,
  owner: info.uid!,
  madeMs: info.mtime?.getTime() ?? 0,
});
