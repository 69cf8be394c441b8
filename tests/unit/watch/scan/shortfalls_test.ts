import assert from "node:assert/strict";
import { type Absent, findShortfalls } from "../../../../lib/watch/scan/shortfalls.ts";
import { createScanner } from "../../../../lib/watch/scan/scan.ts";
import type { Source } from "../../../../lib/watch/scan/sources.ts";
import { TempFolder } from "../../../support/temp_folder.ts";

const watched = (path: string): Source => ({ kind: "watched", path, foundBy: "--watch" });
const loaded = (path: string): Source => ({ kind: "loaded", path, foundBy: "crt" });

/** What is wrong with `sources`, by their names in the folder. */
async function absentOf(folder: TempFolder, sources: readonly Source[]) {
  const [settings, named] = [watched, loaded].map((make) =>
    sources.filter(({ kind }) => kind === make("").kind)
  ) as [Source[], Source[]];
  const look = await createScanner(settings, () => Promise.resolve(named)).scan();
  const { absent } = await findShortfalls([...settings, ...named], look);
  return absent.map(({ source, state }: Absent) => [
    ...[source.path.slice(folder.path.length + 1), state],
  ]);
}

Deno.test("what is there, or in what files were found, is not absent", async () => {
  await using folder = new TempFolder();
  folder.write("certs/a.pem");
  folder.write("etc/maps/a.map");
  folder.link("link.pem", "certs/a.pem");
  const named = ["certs", "certs/a.pem", "link.pem", "etc/maps"].map((one) => folder.at(one));
  const settings = ["etc", "c*/*.pem"].map((one) => folder.at(one));
  assert.deepEqual(
    await absentOf(folder, [...settings.map(watched), ...named.map(loaded)]),
    [],
  );
});

Deno.test("what is named and not there is told with its state, once", async () => {
  await using folder = new TempFolder();
  Deno.mkdirSync(folder.at("empty"));
  folder.write("file");
  folder.link("dangling.pem", "nowhere");
  folder.link("loop", "loop");
  using _socket = Deno.listen({ transport: "unix", path: folder.at("socket") });
  const long = "n".repeat(300);
  const named = [
    "a.pem",
    "no/b.pem",
    "file/c.pem",
    "empty",
    "dangling.pem",
    "loop",
    "socket",
    long,
  ];
  const paths = [...named, ...named].map((name) => folder.at(name));
  assert.deepEqual(await absentOf(folder, paths.map(loaded)), [
    ["a.pem", "missing"],
    ["no/b.pem", "missing"],
    ["file/c.pem", "missing"],
    ["empty", "no file in it"],
    ["dangling.pem", "missing"],
    ["loop", "unreadable: Too many levels of symbolic links"],
    ["socket", "neither a file nor a directory"],
    [long, "unreadable: File name too long"],
  ]);
});

Deno.test("a glob or a directory to watch that stands for nothing is told", async () => {
  await using folder = new TempFolder();
  Deno.mkdirSync(folder.at("empty"));
  const paths = ["*.pem", "no/*.pem", "empty/**", "empty"].map((name) => folder.at(name));
  assert.deepEqual(await absentOf(folder, paths.map(watched)), [
    ["*.pem", "matches nothing"],
    ["no/*.pem", "matches nothing"],
    ["empty/**", "matches nothing"],
    ["empty", "no file in it"],
  ]);
});

Deno.test("why a file cannot be read is told by its path", async () => {
  await using folder = new TempFolder();
  const path = folder.write("a.pem");
  const look = await createScanner([], () => Promise.resolve([loaded(path)])).scan();
  assert.ok(look.seen.tag === "taken");
  const mark = { content: "unreadable 1", modifiedMs: 0, stamp: "" };
  const fingerprint = { digest: "", files: new Map([[path, mark], ["/no", mark]]) };
  const { unreadable } = await findShortfalls([], { ...look, seen: { tag: "taken", fingerprint } });
  assert.deepEqual([...unreadable], [
    [path, "it could not be read a moment ago"],
    ["/no", "No such file or directory"],
  ]);
});
