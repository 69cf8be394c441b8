// Stands in for `@std/fs/expand-glob` where JSR cannot be reached, for absolute globs without `[[:alpha:]]` and the
// program's options: not extended, no names with U+FFFD. What vanishes meanwhile is left out; the package throws.
import { join } from "node:path";

type Options = { extended: false; exclude: string[] };
type Found = { path: string; isDirectory: boolean };
/** Asks for the entries of one directory after another; `null`: it does not exist. */
type Search = Generator<string, Found[], Deno.DirEntry[] | null>;

export async function* expandGlob(glob: string, _: Options): AsyncIterableIterator<Found> {
  const steps = expand(glob);
  let step = steps.next();
  while (!step.done) {
    step = steps.next(await Array.fromAsync(Deno.readDir(step.value)).catch(nullIfGone));
  }
  yield* step.value;
}

export function* expandGlobSync(glob: string, _: Options): IterableIterator<Found> {
  const steps = expand(glob);
  let step = steps.next();
  while (!step.done) step = steps.next(listSync(step.value));
  yield* step.value;
}

const listSync = (directory: string) => nullOr(() => [...Deno.readDirSync(directory)]);

function nullOr<Result>(look: () => Result): Result | null {
  try {
    return look();
  } catch (error) {
    return nullIfGone(error);
  }
}

function nullIfGone(error: unknown): null {
  const { NotFound, NotADirectory } = Deno.errors;
  if (error instanceof NotFound || error instanceof NotADirectory) return null;
  throw error;
}

function* expand(glob: string): Search {
  const segments = glob.split("/").slice(1);
  let root = "";
  while (segments.length > 0 && !isGlob(segments[0]!)) root += `/${unescaped(segments.shift()!)}`;
  if (segments.length === 0 && nullOr(() => Deno.statSync(root)) === null) return [];
  let found = [{ path: root || "/", isDirectory: true }];
  for (const segment of segments) {
    const directories = found.filter((entry) => entry.isDirectory).map((entry) => entry.path);
    found = yield* search(new Set(directories), segment);
  }
  return found;
}

function* search(directories: Set<string>, segment: string): Search {
  const isAnyDepth = segment === "**";
  const found = [];
  for (const directory of directories) {
    const entries = yield directory;
    if (entries === null) continue;
    if (isAnyDepth) found.push({ path: directory, isDirectory: true });
    const pattern = new RegExp(`^(?![^]*\ufffd)${isAnyDepth ? "" : `${translate(segment)}$`}`);
    for (const { name, isDirectory } of entries.filter(({ name }) => pattern.test(name))) {
      const path = join(directory, name);
      if (isAnyDepth && isDirectory) directories.add(path);
      else found.push({ path, isDirectory });
    }
  }
  return found;
}

/** Segments before the first glob are taken literally, links included. */
const isGlob = (segment: string) => SPECIAL.test(segment.replaceAll(ESCAPED, "\\"));
const ESCAPED = /\\(?:\[[^\]]*\]|\{[^}]*\}|\([^)]*\)|.)/gs;
const SPECIAL = /[*?]|\[[^[\]\\]+\]|\{[^{}\\]+\}|(?:^|\\)!|@\([^)]+\)|\([^(|]+\|[^)\\]+\)/;
const unescaped = (segment: string) => segment.replaceAll(/\\([*?{}[\]()|+@!])/g, "$1");
const literal = (text: string) => text.replaceAll(/[$()*+.?[\\\]^{|}]/g, "\\$&");
const SET_STARTS: Record<string, string> = { "": "[", "!": "[^", "^": "[\\^" };
const TOKEN = /\\(.)|\[([!^]?)((?:\\.|[^\]\\])*)\]|\*+|./gs;

/** A segment with an open bracket, brace or backslash is literal. */
function translate(segment: string): string {
  let open = 0;
  const text = segment.replaceAll(TOKEN, (token, plain?: string, not?: string, set?: string) => {
    if (set !== undefined) return `${SET_STARTS[not!]}${set.replaceAll(/\\([^\]\\-])/gs, "$1")}]`;
    if (token.startsWith("*")) return "[^/]*";
    if (token === "?") return ".";
    if (token === "{") return open++, "(?:";
    if (token === "}" && open > 0) return open--, ")";
    if (token === "," && open > 0) return "|";
    if (token === "[" || token === "\\") open = Infinity;
    return literal(plain ?? token);
  });
  return open === 0 ? text : literal(segment);
}
