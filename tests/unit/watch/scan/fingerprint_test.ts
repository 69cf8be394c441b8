import assert from "node:assert/strict";
import {
  abridged,
  changedPaths,
  createFingerprinter,
  type Fingerprint,
  type Fingerprinter,
  isTooLarge,
} from "../../../../lib/watch/scan/fingerprint.ts";
import { MOST_DIGESTED_BYTES } from "../../../../lib/system/files/contents.ts";
import type { SourceFile } from "../../../../lib/watch/scan/inventory.ts";
import { TempFolder } from "../../../support/machine/temp_folder.ts";

const EMPTY_SHA_256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

const source = { kind: "configuration", path: "/", foundBy: "-f" } as const;
const file = (path: string): SourceFile => ({
  path,
  realPath: path,
  info: Deno.statSync(path),
  source,
});
const missing = (path: string): SourceFile => ({ path, realPath: path, info: null, source });

/** Takes the fingerprint of files that can all be read. */
async function take(
  files: readonly SourceFile[],
  fingerprint: Fingerprinter = createFingerprinter(),
): Promise<Fingerprint> {
  const outcome = await fingerprint(files);
  assert.ok(outcome.tag === "taken");
  return outcome.fingerprint;
}

const digestOf = async (...files: SourceFile[]) => (await take(files)).digest;

Deno.test("a fingerprint names the content and the time of each file", async () => {
  await using folder = new TempFolder();
  const path = folder.write("empty", "");
  Deno.utimeSync(path, 5, 5);
  const { files } = await take([file(path), missing("/missing")]);
  const known = Array.from(files, ([path, { content, modifiedMs }]) => [path, content, modifiedMs]);
  assert.deepEqual(known, [
    [path, EMPTY_SHA_256, 5_000],
    ["/missing", "missing", 0],
  ]);
});

Deno.test("a file that is replaced after its state was read has the new state with the new content", async () => {
  await using folder = new TempFolder();
  const path = folder.write("a", "old");
  const looked = file(path);
  await Deno.rename(folder.write("b", "new"), path);
  const [mark] = (await take([looked])).files.values();
  const [fresh] = (await take([file(path)])).files.values();
  assert.deepEqual(mark, fresh);
});

Deno.test("equal contents give equal digests, regardless of times, modes and inodes", async () => {
  await using folder = new TempFolder();
  const path = folder.write("a", "text");
  const before = await digestOf(file(path));
  Deno.removeSync(path);
  folder.write("a", "text");
  Deno.utimeSync(path, 5, 5);
  Deno.chmodSync(path, 0o600);
  assert.equal(await digestOf(file(path)), before);
});

Deno.test("other contents, other names and a missing file give other digests", async () => {
  await using folder = new TempFolder();
  const [a, b, c] = [folder.write("a", "1"), folder.write("b", "2"), folder.write("c", "1")];
  const digests = await Promise.all([
    digestOf(),
    digestOf(file(a)),
    digestOf(file(b)),
    digestOf(file(c)),
    digestOf(missing(a)),
    digestOf(file(a), file(b)),
  ]);
  assert.equal(new Set(digests).size, digests.length);
  // HAProxy's order follows from the names.
  assert.equal(await digestOf(file(b), file(a)), digests.at(-1));
});

/** Writes other content unnoticed by a fingerprinter that sees the same state again. */
async function digestsAround(
  folder: TempFolder,
  ageMs: number,
): Promise<readonly [string, string]> {
  const path = folder.write("a", "before");
  const unchanged = file(path);
  const fingerprint = createFingerprinter(() => unchanged.info!.ctime!.getTime() + ageMs);
  const before = await take([unchanged], fingerprint);
  folder.write("a", "after");
  const after = await take([{ ...unchanged }], fingerprint);
  return [before.digest, after.digest];
}

Deno.test("a file with the same times is read again only if it had just changed, because times are coarse", async () => {
  await using folder = new TempFolder();
  const [before, after] = await digestsAround(folder, 10_000);
  assert.equal(after, before);
  const [young, later] = await digestsAround(folder, 1_000);
  assert.notEqual(later, young);
});

Deno.test("a file whose state was not asked for again is not read again, however recent it is", async () => {
  await using folder = new TempFolder();
  const looked = file(folder.write("a", "before"));
  const fingerprint = createFingerprinter();
  const before = await take([looked], fingerprint);
  folder.write("a", "after");
  assert.equal((await take([looked], fingerprint)).digest, before.digest);
  assert.notEqual((await take([file(looked.path)], fingerprint)).digest, before.digest);
});

Deno.test("a missing file that comes back is read", async () => {
  await using folder = new TempFolder();
  const fingerprint = createFingerprinter(() => Date.now() + 60_000);
  const path = folder.write("a", "text");
  const before = await take([file(path)], fingerprint);
  const without = await take([missing(path)], fingerprint);
  assert.notEqual(without.digest, before.digest);
  assert.deepEqual(await take([file(path)], fingerprint), before);
});

Deno.test("unreadable files are named with the reason, and there is no fingerprint", async () => {
  await using folder = new TempFolder();
  const path = folder.write("a");
  const gone = file(path);
  Deno.removeSync(path);
  const directory = file(folder.path);
  assert.deepEqual(await createFingerprinter()([gone, missing("/missing"), directory]), {
    tag: "unreadable",
    unreadable: [
      { path, reason: "No such file or directory" },
      { path: folder.path, reason: "Is a directory" },
    ],
  });
});

/** A fingerprint whose files have these contents. */
function holding(contents: Readonly<Record<string, string>>): Fingerprint {
  const files = Object.entries(contents);
  return {
    digest: JSON.stringify(files),
    files: new Map(files.map(([path, content]) => [path, { content, modifiedMs: 0, stamp: "" }])),
  };
}

Deno.test("changed, new and removed files are listed in order, unchanged ones are not", () => {
  const before = holding({ "/same": "1", "/removed": "1", "/changed": "1" });
  const after = holding({ "/same": "1", "/new": "1", "/changed": "2" });
  assert.deepEqual(changedPaths(before, after), ["/changed", "/new", "/removed"]);
  assert.deepEqual(changedPaths(before, before), []);
  assert.equal(changedPaths(null, after), null, "nobody knows what has changed");
  assert.equal(changedPaths(before, null), null);
});

Deno.test("the stamp shows that a file was written, even with the same content", async () => {
  await using folder = new TempFolder();
  const path = folder.write("a.cfg", "one");
  const fingerprinter = createFingerprinter();
  const stamp = async () => (await take([file(path)], fingerprinter)).files.get(path)?.stamp;
  const { digest } = await take([file(path)], fingerprinter);
  const first = await stamp();
  assert.equal(await stamp(), first);
  Deno.writeTextFileSync(path, "one");
  Deno.utimeSync(path, new Date(), new Date(Date.now() + 5_000));
  assert.notEqual(await stamp(), first);
  assert.equal((await take([file(path)], fingerprinter)).digest, digest);
});

/** A sparse file of that many bytes. */
function sparse(folder: TempFolder, name: string, bytes = MOST_DIGESTED_BYTES + 1): SourceFile {
  const path = folder.write(name, "");
  Deno.truncateSync(path, bytes);
  Deno.utimeSync(path, 5, 5);
  return file(path);
}

Deno.test("a large file is not read: another size or time counts as other content", async () => {
  await using folder = new TempFolder();
  const [large, small] = [sparse(folder, "large"), file(folder.write("small"))];
  const fingerprint = createFingerprinter();
  const first = await take([large, small], fingerprint);
  const [content] = [...first.files.values()].map(({ content }) => content);
  assert.ok(isTooLarge(content!));
  // It is not even tried.
  assert.equal((await take([{ ...large }, small], fingerprint)).digest, first.digest);
  const later = sparse(folder, "large", MOST_DIGESTED_BYTES + 2);
  const second = await take([later, small], fingerprint);
  assert.deepEqual(changedPaths(first, second), [large.path]);
  const few = await take([sparse(folder, "large", 10), small], fingerprint);
  assert.deepEqual(changedPaths(second, few), [large.path]);
  assert.ok(!isTooLarge(few.files.get(large.path)!.content));
});

Deno.test("one scan reads a limited number of large files, and the others do not count as changed", async () => {
  await using folder = new TempFolder();
  const all = Array.from(
    { length: 5 },
    (_, index) => sparse(folder, String(index), MOST_DIGESTED_BYTES),
  );
  const fingerprint = createFingerprinter();
  const first = await take(all, fingerprint);
  const large = [...first.files.values()].map(({ content }) => isTooLarge(content));
  assert.deepEqual(large, [false, false, false, false, true]);
  assert.equal((await take(all.map((one) => ({ ...one })), fingerprint)).digest, first.digest);
});

Deno.test("a whole directory changes only with its digest", async () => {
  await using folder = new TempFolder();
  const whole = { digest: "1", entries: 9, newestMs: 7, durationMs: 1 };
  const directory = { ...file(folder.path), whole };
  const fingerprint = createFingerprinter();
  const first = await take([directory], fingerprint);
  assert.equal(first.files.get(folder.path)?.modifiedMs, 7);
  const again = await take([{ ...directory, whole: { ...whole, durationMs: 2 } }], fingerprint);
  assert.equal(again, first);
  const other = await take([{ ...directory, whole: { ...whole, digest: "2" } }], fingerprint);
  assert.deepEqual(changedPaths(first, other), [folder.path]);
});

Deno.test("a long list of paths is abridged for people", () => {
  const paths = Array.from({ length: 12_000 }, (_, index) => `/${index}`);
  assert.equal(abridged(paths.slice(0, 100)).length, 100);
  assert.deepEqual(abridged(paths).slice(99), ["/99", "… and 11900 more"]);
});
