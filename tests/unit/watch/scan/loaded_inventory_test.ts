import assert from "node:assert/strict";
import { takeLoadedInventory } from "../../../../lib/watch/scan/loaded_inventory.ts";
import type { Source } from "../../../../lib/watch/scan/sources.ts";
import { TempFolder } from "../../../support/temp_folder.ts";

const source = (path: string, ...sideFiles: readonly string[]): Source => ({
  ...{ kind: "loaded", path, foundBy: "" },
  ...sideFiles.length > 0 ? { sideFiles: (own) => sideFiles.map((one) => own + one) } : {},
});

const take = (sources: readonly Source[], known: readonly string[] = []) =>
  takeLoadedInventory(sources, new Set(known));

const pathsOf = async (...sources: readonly Source[]) =>
  (await take(sources)).files.map(({ path }) => path);

Deno.test("files that are there are found, what is missing is no fault", async () => {
  await using folder = new TempFolder();
  const [a, b] = [folder.write("a"), folder.write("d/b")];
  const sources = [a, b, folder.at("missing"), folder.at("no/where")].map((path) => source(path));
  const { files, unreadable } = await take(sources);
  assert.deepEqual(files.map(({ path, realPath }) => [path, realPath]), [[a, a], [b, b]]);
  assert.equal(files[0]?.source, sources[0]);
  assert.equal(files[0]?.info?.size, 1);
  assert.deepEqual(unreadable, []);
});

Deno.test("a file is found once, and not at all if it is known already", async () => {
  await using folder = new TempFolder();
  const [a, b] = [folder.write("a"), folder.write("b")];
  const { files } = await take([source(b), source(a), source(a)], [b]);
  assert.deepEqual(files.map(({ path }) => path), [a]);
});

Deno.test("side files are found as far as they are there, and belong to their certificate", async () => {
  await using folder = new TempFolder();
  const [certificate, key] = [folder.write("a.pem"), folder.write("a.pem.key")];
  const one = source(certificate, ".ocsp", ".key");
  const { files, isRelevant } = await take([one]);
  assert.deepEqual(files.map((file) => [file.path, file.source]), [[certificate, one], [key, one]]);
  assert.ok(isRelevant(`${certificate}.ocsp`));
  assert.ok(!isRelevant(`${certificate}.sctl`));
});

Deno.test("of a directory each visible file counts, but nothing below it", async () => {
  await using folder = new TempFolder();
  for (const name of ["b", "a", ".hidden", "a~", "d/e"]) folder.write(`certs/${name}`);
  folder.link("certs/link", "d/e");
  folder.link("certs/nowhere", "missing");
  const certs = folder.at("certs");
  const { files, isRelevant, directories } = await take([source(certs)]);
  assert.deepEqual(
    files.map(({ path }) => path),
    ["a", "b", "link"].map((one) => `${certs}/${one}`),
  );
  assert.ok(directories.has(certs));
  assert.ok(isRelevant(`${certs}/new`));
  assert.ok(!isRelevant(`${certs}/.new`));
  assert.ok(!isRelevant(`${certs}/d/new`));
});

Deno.test("beside a single file nothing is relevant", async () => {
  await using folder = new TempFolder();
  const { isRelevant } = await take([source(folder.write("a"))]);
  assert.ok(isRelevant(folder.at("a")));
  assert.ok(!isRelevant(folder.at("b")));
});

Deno.test("a missing file is watched where it would come, if that directory is there", async () => {
  await using folder = new TempFolder();
  const [here, nowhere] = [folder.at("a"), folder.at("no/where")];
  const { directories, isRelevant } = await take([source(here), source(nowhere)]);
  assert.ok(directories.has(folder.path));
  assert.ok(isRelevant(here));
  assert.ok(!directories.has(folder.at("no")));
  const { directories: none } = await take([source("/nowhere at all/a")]);
  assert.deepEqual([...none], []);
});

Deno.test("below a file nothing is looked for", async () => {
  await using folder = new TempFolder();
  const { files } = await take([source(`${folder.write("a")}/b`)]);
  assert.deepEqual(files, []);
});

Deno.test("a linked file goes by the link's name, and the link and its end are watched", async () => {
  await using folder = new TempFolder();
  const [end, path] = [folder.write("real/a"), folder.link("links/a", "../real/a")];
  const { files, directories, isRelevant } = await take([source(path)]);
  assert.deepEqual(files.map(({ path, realPath }) => [path, realPath]), [[path, end]]);
  for (const name of ["real", "links"]) assert.ok(directories.has(folder.at(name)));
  assert.ok(isRelevant(path) && isRelevant(end));
});

Deno.test("a linked directory is one, and a file in it goes by the link's name", async () => {
  await using folder = new TempFolder();
  const end = folder.write("real/a");
  const link = folder.link("link", "real");
  for (const sources of [[source(link)], [source(`${link}/a`)]]) {
    const { files, directories, isRelevant } = await take(sources);
    assert.deepEqual(files.map(({ path, realPath }) => [path, realPath]), [[`${link}/a`, end]]);
    assert.ok(directories.has(folder.at("real")));
    assert.ok(isRelevant(link) && isRelevant(end));
  }
});

Deno.test("a link that leads nowhere is watched where its end would come", async () => {
  await using folder = new TempFolder();
  Deno.mkdirSync(folder.at("real"));
  const path = folder.link("a", "real/a");
  const { files, directories, isRelevant } = await take([source(path)]);
  assert.deepEqual(files, []);
  assert.ok(directories.has(folder.at("real")));
  assert.ok(isRelevant(folder.at("real/a")));
});

Deno.test("only regular files count", async () => {
  await using folder = new TempFolder();
  const fifo = folder.at("fifo");
  assert.ok(new Deno.Command("mkfifo", { args: [fifo] }).outputSync().success);
  assert.deepEqual(await pathsOf(source(fifo), source(folder.path), source("/dev/null")), []);
});

Deno.test("Kubernetes' files are found where ..data leads, before and after it is swapped", async () => {
  await using folder = new TempFolder();
  for (const version of ["..1", "..2"]) folder.write(`${version}/tls.crt`, version);
  folder.link("..data", "..1");
  const path = folder.link("tls.crt", "..data/tls.crt");
  const look = async () => {
    const { files, isRelevant } = await take([source(path), source(folder.path)]);
    assert.ok(isRelevant(folder.at("..data")));
    assert.equal(files.length, 1);
    return files[0]!.realPath;
  };
  assert.equal(await look(), folder.at("..1/tls.crt"));
  folder.link("..data_tmp", "..2");
  Deno.renameSync(folder.at("..data_tmp"), folder.at("..data"));
  assert.equal(await look(), folder.at("..2/tls.crt"));
});

Deno.test("where a directory is missing its coming is watched for, but never in the root", async () => {
  await using folder = new TempFolder();
  const { directories } = await take([source(folder.at("missing/deeper/a")), source("/missing/a")]);
  assert.ok(directories.has(folder.path));
  assert.ok(!directories.has("/"));
});
