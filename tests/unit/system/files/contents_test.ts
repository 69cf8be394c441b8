import assert from "node:assert/strict";
import { closeSync, constants, openSync } from "node:fs";
import {
  copyInPortions,
  MOST_DIGESTED_BYTES,
  readFile,
  readTextFile,
  sha256,
  sha256All,
  type SizedFile,
  TooLarge,
} from "../../../../lib/system/files/contents.ts";
import { waitFor } from "../../../support/wait.ts";
import { TempFolder } from "../../../support/machine/temp_folder.ts";

/** `count` files, every seventh of them larger than a portion. */
function writeMany(folder: TempFolder, count: number): SizedFile[] {
  return Array.from({ length: count }, (_, index) => {
    const text = String(index).padEnd(index % 7 === 6 ? 600_000 : 10, "x");
    return { path: folder.write(String(index), text), size: text.length };
  });
}

const digestOf = ({ path }: SizedFile) => sha256(Deno.readFileSync(path));

Deno.test("few or many files have the digests of their contents, in order", async () => {
  await using folder = new TempFolder();
  const all = writeMany(folder, 250);
  const digests = await Promise.all(all.map(digestOf));
  for (const count of [0, 1, 100, 101, 250]) {
    assert.deepEqual(await sha256All(all.slice(0, count)), digests.slice(0, count));
  }
});

Deno.test("a file has the digest of its content, whatever size it was said to have", async () => {
  await using folder = new TempFolder();
  const all = writeMany(folder, 120);
  const digests = await Promise.all(all.map(digestOf));
  assert.deepEqual(await sha256All(all.map(({ path }) => ({ path, size: 0 }))), digests);
});

Deno.test("an unreadable file has the reason instead of a digest, among few files and many", async () => {
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

/** A sparse file of that many bytes. */
function sparse(folder: TempFolder, name: string, bytes: number): string {
  const path = folder.write(name, "");
  Deno.truncateSync(path, bytes);
  return path;
}

Deno.test("a file that is or becomes too large has no digest, among few files and many", async () => {
  await using folder = new TempFolder();
  const large = sparse(folder, "large", MOST_DIGESTED_BYTES + 1);
  const small = folder.write("small");
  for (const count of [1, 120]) {
    const files = Array.from({ length: count }, () => ({ path: small, size: 5 }));
    // As if it had been small when it was examined.
    const [found] = await sha256All([{ path: large, size: 5 }, ...files]);
    assert.ok(found instanceof TooLarge);
  }
});

Deno.test("a large file has the digest of its content, and other work continues meanwhile", async () => {
  await using folder = new TempFolder();
  const path = sparse(folder, "large", MOST_DIGESTED_BYTES);
  let turns = 0;
  const timer = setInterval(() => turns++, 1);
  const [digest] = await sha256All([{ path, size: MOST_DIGESTED_BYTES }]);
  clearInterval(timer);
  // What `head -c 256M /dev/zero | sha256sum` prints.
  assert.equal(digest, "a6d72ac7690f53be6ae46ba88506bd97302a093f7108472bd9efc3cefda06484");
  assert.ok(turns > 3, `${turns} turns`);
});

Deno.test("a file is read whole up to the limit, and not beyond it", async () => {
  await using folder = new TempFolder();
  for (const length of [0, 1, 65_535, 65_536, 65_537, 300_000]) {
    const path = folder.write("file", "x".repeat(length));
    assert.equal(await readTextFile(path, length), "x".repeat(length));
    assert.equal(await readTextFile(path, length + 1), "x".repeat(length));
    if (length > 0) await assert.rejects(readFile(path, length - 1), TooLarge);
  }
  await assert.rejects(readFile(sparse(folder, "6GB", 6 * 2 ** 30), 1_000_000), TooLarge);
});

Deno.test("a copy in portions equals the file, and its digest is returned", async () => {
  await using folder = new TempFolder();
  for (const length of [0, 10, 2 ** 20, 3_000_000]) {
    const from = folder.write("from", "y".repeat(length));
    const to = folder.at(`to-${length}`);
    assert.equal(await copyInPortions(from, to), await sha256(Deno.readFileSync(from)));
    assert.deepEqual(Deno.readFileSync(to), Deno.readFileSync(from));
    assert.equal(Deno.statSync(to).mode! & 0o777, 0o600);
    await assert.rejects(copyInPortions(from, to), Deno.errors.AlreadyExists);
  }
  const nothing = await copyInPortions(folder.at("none"), folder.at("to-none"));
  assert.ok(nothing instanceof Deno.errors.NotFound);
});

/** Only then can a FIFO be opened for writing without waiting. */
function hasReader(path: string): boolean {
  try {
    closeSync(openSync(path, constants.O_WRONLY | constants.O_NONBLOCK));
    return true;
  } catch (error) {
    assert.equal((error as { readonly code?: string }).code, "ENXIO");
    return false;
  }
}

Deno.test("a FIFO that has come into the place of a file is not waited for", async () => {
  await using folder = new TempFolder();
  const all = writeMany(folder, 201);
  for (const index of [0, 50]) {
    const { path } = all[index]!;
    Deno.removeSync(path);
    new Deno.Command("mkfifo", { args: [path] }).outputSync();
  }
  const isRefused = (found: unknown) => /neither a file nor a directory/.test(`${found}`);
  for (const count of [60, 201]) {
    const found = await sha256All(all.slice(0, count));
    assert.ok(isRefused(found[0]) && isRefused(found[50]), `${found[0]}, ${found[50]}`);
    assert.equal(found[51], await digestOf(all[51]!));
  }
  await assert.rejects(readFile(all[0]!.path, 1_000), isRefused);
  // A reader that waits would keep this program alive.
  for (const index of [0, 50]) {
    const { path } = all[index]!;
    await Deno.writeTextFile(path, "");
    await waitFor("all readers to be gone", () => !hasReader(path));
  }
});

Deno.test("a FIFO among many files, with a writer that writes nothing, is not waited for", async () => {
  await using folder = new TempFolder();
  const files = writeMany(folder, 200);
  const { path } = files[150]!;
  Deno.removeSync(path);
  new Deno.Command("mkfifo", { args: [path] }).outputSync();
  await using writer = new Deno.Command("sh", {
    args: ["-c", 'exec 3<>"$1"; echo; exec sleep 60', "sh", path],
    stdout: "piped",
  }).spawn();
  const reader = writer.stdout.getReader();
  await reader.read();
  const digests = await sha256All(files);
  writer.kill("SIGKILL");
  await reader.cancel();
  assert.ok(digests[150] instanceof Deno.errors.NotSupported);
  assert.equal(digests[151], await digestOf(files[151]!));
});
