/** Finds the private folders below the runtime directories, our own user's and those of others. */
import { join } from "@std/path";
import type { DirectoryReader, Libc } from "../libc.ts";
import { describeForeign } from "../ownership.ts";
import { trustIn } from "../trusted_directory.ts";
import { FOLDER_PREFIX } from "./made_folder.ts";

export interface FoundFolder {
  readonly path: string;
  readonly owner: number;
  readonly madeMs: number;
}

export interface FoundFolders {
  /** Nobody else can have made them, enter them, or put others in their place; the newest first. */
  readonly own: readonly FoundFolder[];
  readonly foreign: readonly FoundFolder[];
}

/** Looks at some of the entries only where somebody has made very many. */
export async function findFolders(
  parents: readonly string[],
  { libc, user }: { readonly libc: Libc; readonly user: number },
): Promise<FoundFolders> {
  const own: FoundFolder[] = [];
  const foreign: FoundFolder[] = [];
  for (const parent of new Set(parents)) {
    const found = foldersIn(parent, libc);
    const mine = found.filter(({ info }) =>
      describeForeign(info, { kind: "directory", user }) === null
    );
    if (mine.length > 0 && (await trustIn(parent, user)).tag === "trusted") {
      own.push(...mine.map(describe));
    }
    const others = found.filter(({ info }) => info.isDirectory && info.uid !== user);
    foreign.push(...others.map(describe));
  }
  own.sort((one, other) => other.madeMs - one.madeMs);
  return { own: own.slice(0, MOST_OWN), foreign };
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
