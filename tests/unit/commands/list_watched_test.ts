import assert from "node:assert/strict";
import type { FileState } from "../../../lib/watch/directories/file_state.ts";
import {
  describeWatched,
  findShortfalls,
  type Shortfalls,
} from "../../../lib/commands/list_watched.ts";
import type { Inventory, SourceFile } from "../../../lib/watch/scan/inventory.ts";
import { createScanner } from "../../../lib/watch/scan/scan.ts";
import type { Source } from "../../../lib/watch/scan/sources.ts";
import { TempFolder } from "../../support/machine/temp_folder.ts";

const watched = (path: string): Source => ({ kind: "watched", path, foundBy: "--watch" });

const loaded = (path: string): Source => ({
  kind: "loaded",
  path,
  foundBy: 'crt in "/h.cfg" line 1',
});

const file = (source: Source, path = source.path): SourceFile => ({
  path,
  realPath: path,
  info: {} as FileState,
  source,
});

interface Scene extends Partial<Shortfalls> {
  readonly files?: readonly SourceFile[];
  readonly directories?: readonly string[];
  readonly watchLoaded?: boolean;
}

function described({ files = [], directories = [], watchLoaded = false, ...more }: Scene) {
  const inventory = { files, directories: new Set(directories) } as unknown as Inventory;
  const shortfalls = { absent: [], unreadable: new Map(), ...more };
  return describeWatched(inventory, { watchLoaded, ...shortfalls }).split("\n");
}

Deno.test("files are listed in order, with how each was found and what is wrong with it", () => {
  const files = [
    ...[file(watched("/b")), { ...file(watched("/a")), info: null }, file(watched("/c"))],
    { ...file(watched("/d")), whole: { digest: "", entries: 9, newestMs: 0, durationMs: 1 } },
  ];
  const absent = [{ source: loaded("/e"), state: "no file in it" }];
  const unreadable = new Map([["/c", "Permission denied"]]);
  assert.deepEqual(described({ files, absent, unreadable, directories: ["/z", "/x", "/y"] }), [
    ...["/b", "    --watch", "/a (missing)", "    --watch"],
    ...["/c (unreadable: Permission denied)", "    --watch"],
    ...["/d (as a whole, with 9 entries)", "    --watch"],
    ...["/e (no file in it)", '    crt in "/h.cfg" line 1', ""],
    ...["Directories that are watched:", "  /x", "  /y", "  /z"],
  ]);
});

Deno.test("control characters are shown as numbers, and break no line", () => {
  const name = "/a\u001b[2J\nb\u202e";
  const shown = "/a\\u{1b}[2J\\nb\\u{202e}";
  const source = { ...watched(name), foundBy: name };
  const lines = described({ files: [file(source)], directories: [name] });
  assert.deepEqual(lines.filter((line) => line.includes("/")), [
    ...[shown, `    ${shown}`, `  ${shown}`],
  ]);
});

Deno.test("a file's line says in which directory, beside what, or by which glob it was found", () => {
  const origin = (source: Source, path: string) => described({ files: [file(source, path)] })[1];
  assert.equal(origin(watched("/d"), "/d/a/b"), '    in "/d", --watch');
  assert.equal(origin(loaded("/d"), "/d/a"), '    in "/d", crt in "/h.cfg" line 1');
  assert.equal(origin(loaded("/a"), "/a.key"), '    beside "/a", crt in "/h.cfg" line 1');
  assert.equal(origin(watched("/*"), "/a.key"), '    of "/*", --watch');
});

Deno.test("the output mentions asking processes only if they are asked", () => {
  assert.ok(!described({}).some((line) => line.startsWith("Each process")));
  assert.match(
    described({ watchLoaded: true }).at(-1)!,
    /^Once HAProxy serves, the wrapper also asks it/,
  );
});

/** What is wrong with `sources`, by their relative names. */
async function absentOf(folder: TempFolder, sources: readonly Source[]) {
  const [settings, references] = ["watched", "loaded"].map((one) =>
    sources.filter(({ kind }) => kind === one)
  ) as [Source[], Source[]];
  const scan = await createScanner(settings, () => Promise.resolve(references)).scan();
  const { absent } = await findShortfalls(sources, scan);
  return absent.map(({ source, state }) => [source.path.slice(folder.path.length + 1), state]);
}

Deno.test("an existing file, or a directory with files in it, is not absent", async () => {
  await using folder = new TempFolder();
  folder.write("certs/a.pem");
  folder.write("etc/maps/a.map");
  folder.link("link.pem", "certs/a.pem");
  const references = ["certs", "certs/a.pem", "link.pem", "etc/maps"].map((one) => folder.at(one));
  const settings = ["etc", "c*/*.pem"].map((one) => folder.at(one));
  const sources = [...settings.map(watched), ...references.map(loaded)];
  assert.deepEqual(await absentOf(folder, sources), []);
});

Deno.test("a named file that does not exist is listed once, with its state", async () => {
  await using folder = new TempFolder();
  Deno.mkdirSync(folder.at("empty"));
  folder.write("file");
  folder.link("dangling.pem", "nowhere");
  folder.link("loop", "loop");
  using _socket = Deno.listen({ transport: "unix", path: folder.at("socket") });
  const ofReferences = [
    ["a.pem", "missing"],
    ["no/b.pem", "missing"],
    ["file/c.pem", "missing"],
    ["empty", "no file in it"],
    ["dangling.pem", "missing"],
    ["loop", "unreadable: Too many levels of symbolic links"],
    ["socket", "neither a file nor a directory"],
    ["n".repeat(300), "unreadable: File name too long"],
  ] as const;
  const references = ofReferences.map(([name]) => loaded(folder.at(name)));
  assert.deepEqual(await absentOf(folder, [...references, ...references]), ofReferences);
  const ofSettings = [
    ["*.pem", "matches nothing"],
    ["no/*.pem", "matches nothing"],
    ["empty/**", "matches nothing"],
    ["empty", "no file in it"],
  ] as const;
  const settings = ofSettings.map(([name]) => watched(folder.at(name)));
  assert.deepEqual(await absentOf(folder, settings), ofSettings);
});

Deno.test("an unreadable file is listed with the reason", async () => {
  await using folder = new TempFolder();
  const path = folder.write("a.pem");
  const scan = await createScanner([], () => Promise.resolve([loaded(path)])).scan();
  const mark = { content: "unreadable 1", modifiedMs: 0, stamp: "" };
  const fingerprint = { digest: "", files: new Map([[path, mark], ["/no", mark]]) };
  const { unreadable } = await findShortfalls([], { ...scan, seen: { tag: "taken", fingerprint } });
  assert.deepEqual([...unreadable], [
    [path, "it could not be read a moment ago"],
    ["/no", "No such file or directory"],
  ]);
});
