// Stands in for `@std/fs/expand-glob` where JSR cannot be reached, for the globs that the README promises.
// Node's own glob wants an environment variable that the program may not read.
import { existsSync } from "node:fs";
import { join } from "node:path";

interface Options {
  readonly exclude: readonly string[];
}

export async function* expandGlob(
  glob: string,
  options: Options,
): AsyncIterableIterator<{ path: string }> {
  yield* expandGlobSync(glob, options);
}

export function* expandGlobSync(
  glob: string,
  { exclude }: Options,
): IterableIterator<{ path: string }> {
  const base = glob.slice(0, glob.search(/[^/]*[*?[{]/));
  const pattern = patternOf(glob);
  const excluded = exclude.map(patternOf);
  const depth = glob.includes("/**/") ? Infinity : glob.slice(base.length).split("/").length;
  if (!existsSync(base)) return;
  for (const path of walk(base, depth, excluded)) if (pattern.test(path)) yield { path };
}

function* walk(directory: string, depth: number, excluded: RegExp[]): IterableIterator<string> {
  if (depth === 0) return;
  for (const { name, isDirectory } of Deno.readDirSync(directory)) {
    const path = join(directory, name);
    if (excluded.some((pattern) => pattern.test(path))) continue;
    yield path;
    if (isDirectory) yield* walk(path, depth - 1, excluded);
  }
}

const patternOf = (glob: string) =>
  new RegExp(`^${glob.split("/").map(segment).join("/").replaceAll("**/", "(?:.*/)?")}$`, "s");

/** `**` is special only as a whole segment; it is put together with the slash behind it later. */
const segment = (text: string): string => text === "**" ? text : translate(text);

function translate(text: string): string {
  return text.replaceAll(/\*+|\?|\[!?[^\]]+\]|\{([^}]*)\}|[.+^$()|\\\]}[{]/g, (token, inBraces) => {
    if (token.startsWith("*")) return "[^/]*";
    if (token === "?") return "[^/]";
    if (inBraces !== undefined) return `(?:${inBraces.split(",").map(translate).join("|")})`;
    return token.length > 1 ? token.replace("[!", "[^") : `\\${token}`;
  });
}
