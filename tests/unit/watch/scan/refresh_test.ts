import assert from "node:assert/strict";
import { Directories } from "../../../../lib/watch/directories/directories.ts";
import { type Inventory, takeInventory } from "../../../../lib/watch/scan/inventory.ts";
import { refreshInventory } from "../../../../lib/watch/scan/refresh.ts";
import type { Source } from "../../../../lib/watch/scan/sources.ts";
import { TempFolder } from "../../../support/temp_folder.ts";

const take = (...paths: readonly string[]) =>
  takeInventory(paths.map((path): Source => ({ kind: "watched", path, foundBy: "" })));

const refresh = (inventory: Inventory, ...touched: readonly string[]) =>
  refreshInventory(inventory, new Set(touched));

const sizesOf = (inventory: Inventory | null) => inventory?.files.map(({ info }) => info?.size);

Deno.test("only what was touched is looked at again, and stays in its place", async () => {
  await using folder = new TempFolder();
  const [a, b, c] = ["a", "b", "c"].map((name) => folder.write(name, "1")) as [string, ...string[]];
  const before = await take(a, b!, c!);
  folder.write("b", "22");
  folder.write("c", "333");
  const after = await refresh(before, b!);
  assert.deepEqual(sizesOf(after), [1, 2, 1]);
  assert.deepEqual(after?.files.map(({ path }) => path), [a, b, c]);
  assert.equal(after?.files[0], before.files[0]);
  assert.equal(after?.files[2], before.files[2]);
  assert.deepEqual(sizesOf(before), [1, 1, 1]);
  assert.equal(after?.isRelevant, before.isRelevant);
});

Deno.test("what was refreshed can be refreshed again", async () => {
  await using folder = new TempFolder();
  const [a, b] = [folder.write("a", "1"), folder.write("b", "1")];
  let inventory = await take(a, b);
  folder.write("b", "22");
  inventory = (await refresh(inventory, b))!;
  folder.write("a", "333");
  assert.deepEqual(sizesOf(await refresh(inventory, a)), [3, 2]);
});

Deno.test("a file that several names lead to is looked at again under all of them", async () => {
  await using folder = new TempFolder();
  const [a, link] = [folder.write("a", "1"), folder.link("link", "a")];
  const before = await take(a, link);
  folder.write("a", "22");
  assert.deepEqual(sizesOf(await refresh(before, a)), [2, 2]);
});

Deno.test("where nothing was touched nothing is looked at", async () => {
  await using folder = new TempFolder();
  const before = await take(folder.write("a", "1"));
  folder.write("a", "22");
  const after = await refresh(before);
  assert.equal(after?.files[0], before.files[0]);
});

Deno.test("a file that was replaced by a rename is looked at again", async () => {
  await using folder = new TempFolder();
  const [a, temporary] = [folder.write("a", "1"), folder.write("temporary", "22")];
  const before = await take(a);
  Deno.renameSync(temporary, a);
  assert.deepEqual(sizesOf(await refresh(before, temporary, a)), [2]);
});

Deno.test("files that came, went or became something else want a look at everything", async () => {
  await using folder = new TempFolder();
  const [gone, link, directory] = ["gone", "link", "directory"].map((name) => folder.write(name));
  const before = await take(folder.path);
  for (const path of [gone, link, directory]) Deno.removeSync(path!);
  folder.link("link", "elsewhere");
  Deno.mkdirSync(directory!);
  for (const path of [gone!, link!, directory!, folder.write("new"), folder.path]) {
    assert.equal(await refresh(before, path), null, path);
  }
});

Deno.test("a changed link, Kubernetes' ..data among them, wants a look at everything", async () => {
  await using folder = new TempFolder();
  folder.write("..1/a");
  folder.link("..data", "..1");
  const before = await take(folder.link("a", "..data/a"));
  folder.write("..2/a");
  folder.link("..data_tmp", "..2");
  Deno.renameSync(folder.at("..data_tmp"), folder.at("..data"));
  assert.equal(await refresh(before, folder.at("..data_tmp"), folder.at("..data")), null);
});

Deno.test("what names files may name others once it was touched, and wants a look at everything", async () => {
  await using folder = new TempFolder();
  const path = folder.write("a");
  for (const one of [{ kind: "configuration" }, { kind: "env_file" }, LIST] as const) {
    const before = await takeInventory([{ path, foundBy: "", ...one }]);
    assert.equal(await refresh(before, path), null);
  }
});

/** As a certificate list is. */
const LIST = { kind: "loaded", namesFiles: true } as const;

Deno.test("a link that is gone, Kubernetes' ..data among them, wants a look at everything", async () => {
  await using folder = new TempFolder();
  folder.write("..1/a");
  const data = folder.link("..data", "..1");
  const before = await take(folder.link("a", "..data/a"));
  Deno.removeSync(data);
  assert.equal(await refresh(before, data), null);
});

Deno.test("what is touched in a whole directory is a new look at that directory alone", async () => {
  await using folder = new TempFolder();
  const [a] = [folder.write("one/a", "1"), folder.write("many/1"), folder.write("many/2")];
  let nowMs = 0;
  const directories = new Directories(null, { most: 11, now: () => ++nowMs });
  const sources = ["one/a", "many"].map((name): Source => ({
    ...{ kind: "watched", path: folder.at(name), foundBy: "" },
  }));
  const before = await takeInventory(sources, directories);
  const [, many] = before.files;
  assert.equal(many?.whole?.entries, 2);
  folder.write("many/3");
  folder.write("one/a", "22");
  nowMs += 1_000;
  const after = await refreshInventory(before, new Set([folder.at("many/3")]), directories);
  assert.equal(after?.files[1]?.whole?.entries, 3);
  assert.equal(after?.files[0], before.files[0]);
  assert.equal(a, after?.files[0]?.path);
  assert.equal(await refreshInventory(before, new Set([folder.at("many/3")])), null);
});
