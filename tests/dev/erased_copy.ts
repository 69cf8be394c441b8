/**
 * The program as JavaScript, to compile: without types and comments, but with each word in its line and column, so
 * that a stack trace leads to the source. An executable keeps in memory all text that it embeds, and of TypeScript
 * that is the source, the JavaScript made of it and a source map: 4 bytes for each of the source (2.6.8).
 */
import * as nodeModule from "node:module";
import { dirname, join } from "node:path";
import { ROOT } from "./deno.ts";

/** Calls `work` with the copy's entry; where Deno cannot erase types (2.6), with the program's own. */
export async function withErasedCopy<Result>(
  work: (entry: string) => Promise<Result>,
): Promise<Result> {
  if (eraseTypes === undefined) return await work(join(ROOT, "main.ts"));
  const copy = join(ROOT, ".erased");
  try {
    await Deno.mkdir(copy, { recursive: true });
    await Deno.copyFile(join(ROOT, "deno.json"), join(copy, "deno.json"));
    for (const file of ["main.ts", ...filesIn("lib")]) {
      const target = join(copy, file.replace(/\.ts$/, ".js"));
      await Deno.mkdir(dirname(target), { recursive: true });
      await Deno.writeTextFile(target, erased(await Deno.readTextFile(join(ROOT, file))));
    }
    return await work(join(copy, "main.js"));
  } finally {
    await Deno.remove(copy, { recursive: true });
  }
}

export const { stripTypeScriptTypes: eraseTypes } = nodeModule as {
  readonly stripTypeScriptTypes?: (text: string) => string;
};

export function erased(text: string): string {
  return eraseTypes!(text)
    .replaceAll(WHOLE_LINES, (comment) => comment.replaceAll(/[^\n]/g, ""))
    .replaceAll(/[ \t]+$/gm, "")
    .replaceAll(IMPORTED, "$1.js$2");
}

/** Comments that share no line with code. tests/unit/erased_copy_test.ts holds that no template has such lines. */
export const WHOLE_LINES = /^[ \t]*(?:\/\*\*(?:[^*]|\*(?!\/))*\*\/|\/\/.*)[ \t]*$/gm;

const IMPORTED = /((?:from |import\()"\.[^"]+)\.ts(")/g;

export function filesIn(folder: string): string[] {
  return [...Deno.readDirSync(join(ROOT, folder))].flatMap(({ name, isDirectory }) => {
    const path = join(folder, name);
    return isDirectory ? filesIn(path) : path.endsWith(".ts") ? [path] : [];
  });
}
