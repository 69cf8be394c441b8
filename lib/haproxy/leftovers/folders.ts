/** Finds the private folders of our own user below the runtime directories. */
import { join } from "@std/path";
import type { Libc } from "../../system/libc.ts";
import { describeForeign } from "../../system/files/ownership.ts";
import { trustIn } from "../../system/files/trusted_directory.ts";
import { FOLDER_PREFIX } from "../private_folder/made_folder.ts";

/** The newest first, up to a limit. Nobody else can have made, entered or replaced them. */
export async function findFolders(
  parents: readonly string[],
  { libc, user }: { readonly libc: Libc; readonly user: number },
): Promise<readonly string[]> {
  const found: Candidate[] = [];
  for (const parent of new Set(parents)) {
    const own = candidatesIn(parent, libc)
      .filter(({ info }) => describeForeign(info, { kind: "directory", user }) === null);
    if (own.length > 0 && (await trustIn(parent, user)).tag === "trusted") found.push(...own);
  }
  return found.toSorted((a, b) => madeMs(b) - madeMs(a))
    .slice(0, MOST_OWN).map(({ path }) => path);
}

interface Candidate {
  readonly path: string;
  readonly info: Deno.FileInfo;
}

const madeMs = ({ info }: Candidate) => info.mtime?.getTime() ?? 0;

/** Anybody may make as many as they like in `/tmp`, and that must not delay the start. */
const MOST_PORTIONS = 50;
const MOST_CANDIDATES = 2_000;
const MOST_OWN = 50;

function candidatesIn(parent: string, libc: Libc): readonly Candidate[] {
  const reader = libc.openDirectory(parent);
  if (reader === null) return [];
  const names: string[] = [];
  try {
    for (let portion = 0; portion < MOST_PORTIONS && names.length < MOST_CANDIDATES; portion++) {
      const entries = reader.next();
      if (entries.length === 0) break;
      names.push(
        ...entries.map(({ name }) => name).filter((name) => name.startsWith(FOLDER_PREFIX)),
      );
    }
  } finally {
    reader.close();
  }
  return names.flatMap((name) => candidateAt(join(parent, name)));
}

function candidateAt(path: string): readonly Candidate[] {
  try {
    return [{ path, info: Deno.lstatSync(path) }];
  } catch {
    return [];
  }
}
