/** Finds what a watched glob stands for. */
import { expand } from "../../system/files.ts";
import { isMissing } from "../../text/system_reason.ts";
import { isVisible } from "./directory_entries.ts";

export const isGlob = (path: string) => SPECIAL.test(path);

/** Where matches come and go: the part before the first segment with a wildcard. */
export function fixedPart(glob: string): string {
  const start = glob.slice(0, glob.search(SPECIAL));
  return start.slice(0, start.lastIndexOf("/") + 1);
}

/**
 * The paths that `glob` stands for, sorted. A hidden name counts only where the glob spells it out: `**`
 * must not find a volume's files a second time, in the directories that kubelet swaps.
 */
export async function matchesOf(glob: string): Promise<string[]> {
  const spelledOut = new Set(glob.split("/"));
  const counts = (name: string) => isVisible(name) || spelledOut.has(name);
  return (await expandInQuiet(glob)).filter((path) => path.split("/").every(counts)).sort();
}

/**
 * Round brackets mean themselves: there are names such as `site (1).pem`. Names that are not UTF-8 are left
 * out: Deno 2.9 lists them with U+FFFD, and then finds nothing there, so that a single such folder would let
 * no glob be expanded.
 */
export const GLOB_OPTIONS = { extended: false as const, exclude: ["/**/*\ufffd*"] };

const SPECIAL = /[*?[{]/;

/**
 * The package fails where a directory vanishes while it looks, as one that kubelet swaps does, so it
 * looks anew; and where the fixed part runs through a file, so that nothing is there.
 */
async function expandInQuiet(glob: string, tries = 5): Promise<string[]> {
  try {
    return await expand(glob, GLOB_OPTIONS);
  } catch (error) {
    if (!isMissing(error)) throw error;
    if (tries > 1) return await expandInQuiet(glob, tries - 1);
    if (error instanceof Deno.errors.NotADirectory) return [];
    throw error;
  }
}
