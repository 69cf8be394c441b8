// Stands in for `@std/fs/expand-glob` where JSR cannot be reached. Node's own glob wants an environment
// variable that the program may not read, so the pattern becomes a regular expression here.
import { join } from "node:path";

export async function* expandGlob(glob: string): AsyncIterableIterator<{ path: string }> {
  const base = glob.slice(0, glob.search(/[^/]*[*?[{]/));
  const pattern = toRegExp(glob);
  const depth = glob.includes("**") ? Infinity : glob.slice(base.length).split("/").length;
  for await (const path of walk(base, depth)) if (pattern.test(path)) yield { path };
}

async function* walk(directory: string, depth: number): AsyncIterableIterator<string> {
  if (depth === 0) return;
  const entries = await Array.fromAsync(Deno.readDir(directory)).catch(() => []);
  for (const { name, isDirectory } of entries) {
    yield join(directory, name);
    if (isDirectory) yield* walk(join(directory, name), depth - 1);
  }
}

const TOKENS = /\*\*\/|\*\*|\*|\?|\[!?[^\]]+\]|\{[^}]*\}|[^*?[{]+|./g;

function toRegExp(glob: string): RegExp {
  const parts = glob.match(TOKENS)!.map((token) => {
    if (token === "**/") return "(?:.*/)?";
    if (token === "**") return ".*";
    if (token === "*") return "[^/]*";
    if (token === "?") return "[^/]";
    if (/^\[.+\]$/.test(token)) return token.replace("[!", "[^");
    if (/^\{.*\}$/.test(token)) {
      return `(?:${token.slice(1, -1).split(",").map(literal).join("|")})`;
    }
    return literal(token);
  });
  return new RegExp(`^${parts.join("")}$`);
}

const literal = (text: string) => text.replaceAll(/[.+^$()|\\*?[\]{}]/g, "\\$&");
