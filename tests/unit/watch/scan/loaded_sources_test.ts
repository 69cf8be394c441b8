import assert from "node:assert/strict";
import { Directories } from "../../../../lib/watch/directories/directories.ts";
import type { Source } from "../../../../lib/watch/scan/sources.ts";
import { TempFolder } from "../../../support/machine/temp_folder.ts";
import { pathsOf, relevantOf, take } from "./taking.ts";

const source = (path: string, ...extensions: readonly string[]): Source => ({
  kind: "loaded",
  path,
  foundBy: "",
  ...extensions.length > 0 ? { sideFiles: { extensions, replacesCrt: false } } : {},
});

const realPathsOf = async (...sources: readonly Source[]) =>
  (await take(sources)).files.map(({ path, realPath }) => [path, realPath]);

Deno.test("existing files are found, missing ones are no error", async () => {
  await using folder = new TempFolder();
  const [a, b] = [folder.write("a"), folder.write("d/b")];
  const missing = [folder.at("missing"), folder.at("no/where"), `${a}/below a file`];
  const sources = [a, b, ...missing].map((path) => source(path));
  const { files, unreadable } = await take(sources);
  assert.deepEqual(files.map(({ path, realPath }) => [path, realPath]), [[a, a], [b, b]]);
  assert.equal(files[0]?.source, sources[0]);
  assert.equal(files[0]?.info?.size, 1);
  assert.deepEqual(unreadable, []);
});

Deno.test("a file is found once, and not at all if the settings already name it", async () => {
  await using folder = new TempFolder();
  const [a, b] = [folder.write("a"), folder.write("b")];
  const watched = { kind: "watched", path: b, foundBy: "" } as const;
  const { files } = await take([watched, source(b), source(a), source(a)]);
  assert.deepEqual(files.map(({ path, source }) => [path, source.kind]), [
    [b, "watched"],
    [a, "loaded"],
  ]);
});

Deno.test("existing side files are found, and belong to their certificate", async () => {
  await using folder = new TempFolder();
  const [certificate, key] = [folder.write("a.pem"), folder.write("a.pem.key")];
  const one = source(certificate, ".ocsp", ".key");
  // The same certificate under another keyword.
  const inventory = await take([one, source(certificate)]);
  assert.deepEqual(inventory.files.map((file) => [file.path, file.source]), [
    [certificate, one],
    [key, one],
  ]);
  const ocsp = `${certificate}.ocsp`;
  assert.deepEqual(relevantOf(inventory, [ocsp, `${certificate}.sctl`]), [ocsp]);
});

Deno.test("files that are named are found by a listing, also if they are most of what may be followed", async () => {
  await using folder = new TempFolder();
  const listed: (readonly string[] | null)[] = [];
  class Recorded extends Directories {
    override async names(...[path, isWanted]: Parameters<Directories["names"]>) {
      const names = await super.names(path, isWanted);
      listed.push(names?.sort() ?? null);
      return names;
    }
  }
  const names = Array.from({ length: 8 }, (_, number) => `${number}.pem`);
  const sources = names.map((name) => source(folder.write(name), ".key"));
  const found = await take(sources, new Recorded(null, { most: 10 }));
  assert.deepEqual(pathsOf(found), names.map((name) => folder.at(name)));
  assert.deepEqual(listed, [names]);
});

Deno.test("of a directory that is too large to list, the files that are named are found", async () => {
  await using folder = new TempFolder();
  for (let number = 0; number < 20; number++) folder.write(`${number}.pem`);
  const [certificate, key] = [folder.at("7.pem"), folder.write("7.pem.key")];
  const sources = [source(certificate, ".ocsp", ".key"), source(folder.at("missing.pem"))];
  const found = await take(sources, new Directories(null, { most: 10 }));
  assert.deepEqual(pathsOf(found), [certificate, key]);
  const ocsp = `${certificate}.ocsp`;
  assert.deepEqual(relevantOf(found, [ocsp, folder.at("8.pem")]), [ocsp]);
});

Deno.test("every visible file in a directory counts, but nothing in its subdirectories", async () => {
  await using folder = new TempFolder();
  for (const name of ["b", "a", ".hidden", "a~", "d/e"]) folder.write(`certs/${name}`);
  folder.link("certs/link", "d/e");
  folder.link("certs/nowhere", "missing");
  const certs = folder.at("certs");
  const inventory = await take([source(certs)]);
  assert.deepEqual(pathsOf(inventory), ["a", "b", "link"].map((one) => `${certs}/${one}`));
  assert.ok(inventory.directories.has(certs));
  const names = ["new", ".new", "d/new"].map((name) => `${certs}/${name}`);
  assert.deepEqual(relevantOf(inventory, names), [`${certs}/new`]);
});

Deno.test("a missing file is watched where it would appear, if the directory exists", async () => {
  await using folder = new TempFolder();
  const [here, nowhere] = [folder.at("a"), folder.at("no/where/a")];
  const inventory = await take([source(here)]);
  assert.ok(inventory.directories.has(folder.path));
  assert.deepEqual(relevantOf(inventory, [here, folder.at("b")]), [here]);
  const { directories } = await take([source(nowhere)]);
  assert.ok(directories.has(folder.path) && !directories.has(folder.at("no")));
  assert.equal((await take([source("/nowhere at all/a")])).directories.size, 0);
});

Deno.test("a linked file has the link's name, and both ends of the link are watched", async () => {
  await using folder = new TempFolder();
  const [end, path] = [folder.write("real/a"), folder.link("links/a", "../real/a")];
  assert.deepEqual(await realPathsOf(source(path)), [[path, end]]);
  Deno.removeSync(end);
  const inventory = await take([source(path)]);
  assert.deepEqual(inventory.files, []);
  for (const name of ["real", "links"]) assert.ok(inventory.directories.has(folder.at(name)));
  assert.deepEqual(relevantOf(inventory, [path, end]), [path, end]);
});

Deno.test("a linked directory is followed, and a file in it has the link's name", async () => {
  await using folder = new TempFolder();
  const end = folder.write("real/a");
  const link = folder.link("link", "real");
  for (const one of [source(link), source(`${link}/a`)]) {
    assert.deepEqual(await realPathsOf(one), [[`${link}/a`, end]]);
    const inventory = await take([one]);
    assert.ok(inventory.directories.has(folder.at("real")));
    assert.deepEqual(relevantOf(inventory, [link, end]), [link, end]);
  }
});

Deno.test("only regular files count", async () => {
  await using folder = new TempFolder();
  const fifo = folder.at("fifo");
  assert.ok(new Deno.Command("mkfifo", { args: [fifo] }).outputSync().success);
  const paths = [fifo, folder.path, "/dev/null"];
  assert.deepEqual(await realPathsOf(...paths.map((path) => source(path))), []);
});
