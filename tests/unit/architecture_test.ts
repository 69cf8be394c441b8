/**
 * Draws the folders of `lib/` by their imports: these point downwards only, as `lib/README.md` lists them. Only `main.ts`
 * reads the environment and exits. Suites of tests share nothing but `tests/support` and the scripts of `tests/dev`.
 */
import assert from "node:assert/strict";
import { dirname, join, normalize, relative } from "node:path";

const LIB = join(import.meta.dirname!, "../../lib");

/** As in lib/README.md: each folder may import from those below it, and from the files beside them all. */
const TOP_DOWN = [...Deno.readTextFileSync(join(LIB, "README.md")).matchAll(/^\| `(\w+)\/`/gm)]
  .map(([, name]) => name);

interface Import {
  readonly from: string;
  readonly to: string;
  readonly file: string;
}

function filesIn(folder: string): string[] {
  return [...Deno.readDirSync(folder)].flatMap(({ name, isDirectory }) => {
    const path = join(folder, name);
    return isDirectory ? filesIn(path) : path.endsWith(".ts") ? [path] : [];
  });
}

/** Those from one folder below `root` of another one; above it a folder's name begins with "..". */
function importsOf(path: string, root: string): Import[] {
  const targets = Deno.readTextFileSync(path).matchAll(/(?:from |import\(|import )"(\.[^"]+)"/g);
  return [...targets].flatMap(([, target]) => {
    const from = relative(root, dirname(path));
    const to = relative(root, dirname(normalize(join(dirname(path), target!))));
    return from === to ? [] : [{ from, to, file: relative(root, path) }];
  });
}

const IMPORTS = filesIn(LIB).flatMap((path) => importsOf(path, LIB));

const topOf = (folder: string) => folder.split("/")[0];

Deno.test("lib/README.md lists every folder", () => {
  const folders = [...Deno.readDirSync(LIB)].filter((entry) => entry.isDirectory);
  assert.deepEqual([...TOP_DOWN].sort(), folders.map(({ name }) => name).sort());
});

Deno.test("folders import downwards only", () => {
  const place = (folder: string) => TOP_DOWN.indexOf(topOf(folder));
  const upward = IMPORTS.filter(({ from, to }) => to !== "" && place(to) < place(from));
  assert.deepEqual(upward, []);
});

Deno.test("no folder imports from one that imports from it, not even by others", () => {
  const remaining = new Map(
    IMPORTS.map(({ from }) => [from, IMPORTS.filter((one) => one.from === from)]),
  );
  const isLeaf = (folder: string) => !remaining.has(folder);
  for (let before = -1; before !== remaining.size;) {
    before = remaining.size;
    for (const [folder, imports] of remaining) {
      if (imports.every(({ to }) => isLeaf(to))) remaining.delete(folder);
    }
  }
  assert.deepEqual([...remaining.values()].flat().filter(({ to }) => !isLeaf(to)), []);
});

Deno.test("only main.ts reads the environment and ends the program", () => {
  const others = filesIn(LIB).filter((path) =>
    /Deno\.(?:env|exit)\b/.test(Deno.readTextFileSync(path))
  );
  assert.deepEqual(others, []);
});

Deno.test("no suite of tests imports from another", () => {
  const root = join(LIB, "../tests");
  const foreign = filesIn(root).flatMap((path) => importsOf(path, root)).filter(({ from, to }) =>
    ![topOf(from), "support", "dev", ".."].includes(topOf(to))
  );
  assert.deepEqual(foreign, []);
});
