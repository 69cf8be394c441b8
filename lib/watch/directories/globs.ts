/** Which names count, and which paths a watched glob matches. */
import { expand } from "../../system/files/files.ts";
import { isMissing } from "../../text/system_reason.ts";

/** Editors keep hidden and `~` copies beside the file that they write; HAProxy skips hidden ones too. */
export const isVisible = (name: string) => !name.startsWith(".") && !name.endsWith("~");

export const isGlob = (path: string) => SPECIAL.test(path);

/** The directory in which matches come and go: all before the first segment with a wildcard. */
export function fixedPart(glob: string): string {
  const start = glob.slice(0, glob.search(SPECIAL));
  return start.slice(0, start.lastIndexOf("/") + 1);
}

/**
 * The paths that `glob` matches, sorted. A hidden name counts only if the glob spells it out: `**` must not find
 * a volume's files a second time, in the directories that kubelet swaps.
 */
export async function matchesOf(glob: string): Promise<string[]> {
  const spelledOut = new Set(glob.split("/"));
  const counts = (name: string) => isVisible(name) || spelledOut.has(name);
  return (await expandStubbornly(glob)).filter((path) => path.split("/").every(counts)).sort();
}

/**
 * Parentheses are literal, because of names such as `site (1).pem`. Names that are not UTF-8 are left out: Deno 2.9
 * lists them with U+FFFD and then finds nothing there, so one such directory would fail every glob.
 */
export const GLOB_OPTIONS = { extended: false as const, exclude: ["/**/*\ufffd*"] };

const SPECIAL = /[*?[{]/;

/**
 * The package fails if a directory vanishes meanwhile, as those that kubelet swaps do, so it is asked again. It also
 * fails if the fixed part runs through a file: then nothing matches.
 */
async function expandStubbornly(glob: string, tries = 5): Promise<string[]> {
  try {
    return await expand(glob, GLOB_OPTIONS);
  } catch (error) {
    if (!isMissing(error)) throw error;
    if (tries > 1) return await expandStubbornly(glob, tries - 1);
    if (error instanceof Deno.errors.NotADirectory) return [];
    throw error;
  }
}
