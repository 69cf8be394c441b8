import assert from "node:assert/strict";
import type { Shortfalls } from "../../../lib/watch/scan/shortfalls.ts";
import { describeWatched } from "../../../lib/watch/list_watched.ts";
import type { FileState } from "../../../lib/watch/directories/file_state.ts";
import type { Inventory, SourceFile } from "../../../lib/watch/scan/inventory.ts";
import type { Source } from "../../../lib/watch/scan/sources.ts";

function described(
  files: readonly SourceFile[],
  { directories = [] as readonly string[], watchLoaded = true, ...more }: {
    readonly directories?: readonly string[];
    readonly watchLoaded?: boolean;
  } & Partial<Shortfalls> = {},
): string[] {
  const inventory = { files, unreadable: [], directories: new Set(directories) } as unknown;
  const shortfalls = { absent: [], unreadable: new Map(), ...more };
  return describeWatched(inventory as Inventory, { watchLoaded, ...shortfalls }).split("\n");
}

/** The two lines of one file. */
function fileLines(path: string, source: Source, info: FileState | null = {} as FileState) {
  return described([{ path, realPath: path, info, source }]).slice(0, 2);
}

const source = (path: string, more: Partial<Source> = {}): Source => ({
  ...{ kind: "watched", path, foundBy: "--watch" },
  ...more,
});

Deno.test("each file is told with how it was found", () => {
  assert.deepEqual(fileLines("/a", source("/a")), ["/a", "    --watch"]);
});

Deno.test("what would move a terminal's cursor is shown as its number, and breaks no line", () => {
  const name = "/a\u001b[2J\nb\u202e";
  const shown = "/a\\u{1b}[2J\\nb\\u{202e}";
  assert.deepEqual(fileLines(name, source(name, { foundBy: name })), [shown, `    ${shown}`]);
  assert.ok(described([], { directories: [name] }).includes(`  ${shown}`));
});

Deno.test("a file that is missing is told as such", () => {
  assert.deepEqual(fileLines("/a", source("/a"), null), ["/a (missing)", "    --watch"]);
});

Deno.test("what is not there and what cannot be read is told in the same form", () => {
  const files = [{ path: "/a", realPath: "/a", info: {} as FileState, source: source("/a") }];
  const foundBy = 'crt in "/h.cfg" line 1';
  const absent = [{ source: source("/b", { kind: "loaded", foundBy }), state: "missing" }];
  const unreadable = new Map([["/a", "Permission denied"]]);
  assert.deepEqual(described(files, { absent, unreadable }).slice(0, 4), [
    ...["/a (unreadable: Permission denied)", "    --watch"],
    ...["/b (missing)", `    ${foundBy}`],
  ]);
});

Deno.test("it is told in what directory, beside what, and of what glob a file was found", () => {
  const foundBy = 'crt in "/h.cfg" line 1';
  const loaded = { kind: "loaded", foundBy } as const;
  assert.equal(fileLines("/d/a/b", source("/d"))[1], '    in "/d", --watch');
  assert.equal(fileLines("/d/a", source("/d", loaded))[1], `    in "/d", ${foundBy}`);
  assert.equal(fileLines("/a.key", source("/a", loaded))[1], `    beside "/a", ${foundBy}`);
  assert.equal(fileLines("/a.key", source("/*"))[1], '    of "/*", --watch');
});

Deno.test("files keep their order, directories are sorted", () => {
  const files = ["/b", "/a"].map((path) => ({
    ...{ path, realPath: path, info: null, source: source(path) },
  }));
  assert.deepEqual(described(files, { directories: ["/z", "/x", "/y"] }).slice(0, 9), [
    ...["/b (missing)", "    --watch", "/a (missing)", "    --watch", ""],
    ...["Directories that are watched:", "  /x", "  /y", "  /z"],
  ]);
});

Deno.test("that processes are asked for more is said only where they are", () => {
  const whole = ["", "Directories that are watched:", "  /x"];
  const lines = (watchLoaded: boolean) => described([], { directories: ["/x"], watchLoaded });
  assert.deepEqual(lines(false), whole);
  assert.deepEqual(lines(true).slice(0, 4), [...whole, ""]);
  assert.match(lines(true)[4]!, /^Each process is asked/);
});
