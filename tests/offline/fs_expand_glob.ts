// Stands in for `@std/fs/expand-glob` where JSR cannot be reached, for the globs that the README promises.
// Node's own glob wants an environment variable that the program may not read.
import { existsSync } from "node:fs";
import { join } from "node:path";

export async function* expandGlob(glob: string): AsyncIterableIterator<{ path: string }> {
  yield* expandGlobSync(glob);
}

export function* expandGlobSync(glob: string): IterableIterator<{ path: string }> {
  const base = glob.slice(0, glob.search(/[^/]*[*?[{]/));
  const pattern = new RegExp(
    `^${glob.split("/").map(segment).join("/").replaceAll("**/", "(?:.*/)?")}$`,
  );
  const depth = glob.includes("/**/") ? Infinity : glob.slice(base.length).split("/").length;
  if (!existsSync(base)) return;
  for (const path of walk(base, depth)) if (pattern.test(path)) yield { path };
}

function* walk(directory: string, depth: number): IterableIterator<string> {
  if (depth === 0) return;
  for (const { name, isDirectory } of Deno.readDirSync(directory)) {
    yield join(directory, name);
    if (isDirectory) yield* walk(join(directory, name), depth - 1);
  }
}

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
