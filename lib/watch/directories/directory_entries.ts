/** Finds what the names in a real directory lead to, many at a time. */
import { lstatAll } from "../../system/files.ts";
import type { ChainEnd } from "../../system/link_chain.ts";

/** What `names` in the real `directory` lead to, in that order; links are followed by `follow`. */
export async function findMembers(
  directory: string,
  names: readonly string[],
  follow: (path: string) => Promise<ChainEnd>,
): Promise<ChainEnd[]> {
  // 10,000 names are joined faster so than by the package.
  const prefix = directory === "/" ? directory : `${directory}/`;
  const paths = names.map((name) => prefix + name);
  const infos = await lstatAll(paths);
  const ends: ChainEnd[] = [];
  for (const [index, info] of infos.entries()) {
    const realPath = paths[index]!;
    // A plain file needs no walk from the root: its directory is real and watched.
    const isPlain = info !== null && !info.isSymlink;
    ends.push(isPlain ? { tag: "found", realPath, info } : await follow(realPath));
  }
  return ends;
}

/** Editors keep hidden and `~` copies beside a file while they write it; HAProxy skips hidden ones too. */
export const isVisible = (name: string) => !name.startsWith(".") && !name.endsWith("~");
