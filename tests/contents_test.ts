import assert from "node:assert/strict";
import { sha256, sha256All, type SizedFile } from "../lib/contents.ts";
import { TempFolder } from "./temp_folder.ts";

/** That many files, every seventh of them larger than a portion. */
function writeMany(folder: TempFolder, count: number): SizedFile[] {
  return Array.from({ length: count }, (_, index) => {
    const text = String(index).padEnd(index % 7 === 6 ? 600_000 : 10, "x");
    return { path: folder.write(String(index), text), size: text.length };
  });
}

const digestOf = ({ path }: SizedFile) => sha256(Deno.readFileSync(path));

Deno.test("few files and many have the digests of their contents, in order", async () => {
  await using folder = new TempFolder();
  const all = writeMany(folder, 250);
  const digests = await Promise.all(all.map(digestOf));
  for (const count of [0, 1, 100, 101, 250]) {
    assert.deepEqual(await sha256All(all.slice(0, count)), digests.slice(0, count));
  }
});

Deno.test("a file has the digest of what it holds, whatever size it was said to have", async () => {
  await using folder = new TempFolder();
  const all = writeMany(folder, 120);
  const digests = await Promise.all(all.map(digestOf));
  assert.deepEqual(await sha256All(all.map(({ path }) => ({ path, size: 0 }))), digests);
});

Deno.test("in place of the digest of a file that cannot be read stands why, among few and many", async () => {
  await using folder = new TempFolder();
  const all = writeMany(folder, 201);
  // The first of a portion, and one in the middle.
  for (const index of [0, 50]) Deno.removeSync(all[index]!.path);
  all[150] = { path: folder.path, size: 0 };
  for (const count of [60, 201]) {
    const found = await sha256All(all.slice(0, count));
    assert.ok(found[0] instanceof Deno.errors.NotFound);
    assert.ok(found[50] instanceof Deno.errors.NotFound);
    assert.equal(found[51], await digestOf(all[51]!));
    assert.equal(found.filter((one) => one instanceof Error).length, count === 60 ? 2 : 3);
  }
});
