import assert from "node:assert/strict";
import { Directories } from "../../../../lib/watch/directories/directories.ts";
import type { Inventory } from "../../../../lib/watch/scan/inventory.ts";
import { refreshInventory } from "../../../../lib/watch/scan/refresh.ts";
import type { Source } from "../../../../lib/watch/scan/sources.ts";
import { TempFolder } from "../../../support/machine/temp_folder.ts";
import { pathsOf, take as takeSources } from "./taking.ts";

const watched = (path: string): Source => ({ kind: "watched", path, foundBy: "" });

const take = (...paths: readonly string[]) => takeSources(paths.map(watched));

const refresh = (
  inventory: Inventory,
  touched: readonly string[],
  directories = new Directories(),
) => refreshInventory(inventory, new Set(touched), directories);

const sizesOf = (inventory: Inventory | null) => inventory?.files.map(({ info }) => info?.size);

Deno.test("only touched files get a new state, every time, and keep their place", async () => {
  await using folder = new TempFolder();
  const [a, b, c] = ["a", "b", "c"].map((name) => folder.write(name, "1")) as [string, ...string[]];
  const before = await take(a, b!, c!);
  for (const [name, text] of [["b", "22"], ["c", "333"]] as const) folder.write(name, text);
  const after = (await refresh(before, [b!]))!;
  assert.deepEqual(sizesOf(after), [1, 2, 1]);
  assert.deepEqual(pathsOf(after), [a, b, c]);
  assert.equal(after.files[0], before.files[0]);
  assert.deepEqual(sizesOf(before), [1, 1, 1]);
  assert.deepEqual(sizesOf(await refresh(after, [c!])), [1, 2, 3]);
});

Deno.test("a file with several names gets a new state under all of them", async () => {
  await using folder = new TempFolder();
  const [a, link] = [folder.write("a", "1"), folder.link("link", "a")];
  const before = await take(a, link);
  folder.write("a", "22");
  assert.deepEqual(sizesOf(await refresh(before, [a])), [2, 2]);
});

Deno.test("a file that was replaced by a rename gets a new state", async () => {
  await using folder = new TempFolder();
  const [a, temporary] = [folder.write("a", "1"), folder.write("temporary", "22")];
  const before = await take(a);
  Deno.renameSync(temporary, a);
  assert.deepEqual(sizesOf(await refresh(before, [temporary, a])), [2]);
});

Deno.test("files that came, went or became something else need a full scan", async () => {
  await using folder = new TempFolder();
  const [gone, link, directory] = ["gone", "link", "directory"].map((name) => folder.write(name));
  const before = await take(folder.path);
  for (const path of [gone, link, directory]) Deno.removeSync(path!);
  folder.link("link", "elsewhere");
  Deno.mkdirSync(directory!);
  for (const path of [gone!, link!, directory!, folder.write("new"), folder.path]) {
    assert.equal(await refresh(before, [path]), null, path);
  }
});

Deno.test("a link that changed or is gone, like Kubernetes' ..data, needs a full scan", async () => {
  await using folder = new TempFolder();
  folder.write("..1/a");
  const data = folder.link("..data", "..1");
  const before = await take(folder.link("a", "..data/a"));
  folder.write("..2/a");
  const temporary = folder.link("..data_tmp", "..2");
  Deno.renameSync(temporary, data);
  assert.equal(await refresh(before, [temporary, data]), null);
  Deno.removeSync(data);
  assert.equal(await refresh(before, [data]), null);
});

Deno.test("a touched file that may name others needs a full scan", async () => {
  await using folder = new TempFolder();
  const path = folder.write("a");
  const certificateList = { kind: "loaded", namesFiles: true } as const;
  for (const one of [{ kind: "configuration" }, { kind: "env_file" }, certificateList] as const) {
    const before = await takeSources([{ path, foundBy: "", ...one }]);
    assert.equal(await refresh(before, [path]), null);
  }
});

Deno.test("touching an entry of a whole directory rereads only that directory", async () => {
  await using folder = new TempFolder();
  for (const name of ["one/a", "many/1", "many/2"]) folder.write(name, "1");
  let nowMs = 0;
  const directories = new Directories(null, { most: 11, now: () => ++nowMs });
  const sources = ["one/a", "many"].map((name) => watched(folder.at(name)));
  const before = await takeSources(sources, directories);
  assert.equal(before.files[1]?.whole?.entries, 2);
  const touched = [folder.write("many/3")];
  folder.write("one/a", "22");
  nowMs += 1_000;
  const after = await refresh(before, touched, directories);
  assert.equal(after?.files[1]?.whole?.entries, 3);
  assert.equal(after?.files[0], before.files[0]);
  assert.equal(await refresh(before, touched), null);
});
