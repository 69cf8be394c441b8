import assert from "node:assert/strict";
import { MOST_TEXT_BYTES } from "../../../lib/config/tokens.ts";
import { createTextReader, type TextFile } from "../../../lib/loaded/text_cache.ts";
import { TempFolder } from "../../support/machine/temp_folder.ts";

const file = (path: string): TextFile => ({ path, info: Deno.statSync(path) });

/** As if the file had last changed at that time. */
const changedAt = (time: Date, path: string): TextFile => {
  const { info } = file(path);
  return { path, info: { ...info!, ctime: time, mtime: time } };
};
const [LONG_AGO, JUST_NOW] = [new Date(5_000), new Date("2100-01-01T00:00:00Z")];

Deno.test("the texts are given once, in order, until one changes", async () => {
  await using folder = new TempFolder();
  const [a, b] = [folder.write("a", "1"), folder.write("b", "2")];
  const read = createTextReader();
  const files = () => [file(b), file(a)];
  assert.deepEqual(await read(files()), [{ path: b, text: "2" }, { path: a, text: "1" }]);
  assert.equal(await read(files()), null);
  folder.write("a", "3");
  assert.deepEqual(await read(files()), [{ path: b, text: "2" }, { path: a, text: "3" }]);
  assert.equal(await read(files()), null);
});

Deno.test("a different order, name or number of files is a change", async () => {
  await using folder = new TempFolder();
  const [a, b, c] = ["a", "b", "c"].map((name) => file(folder.write(name, "")));
  const read = createTextReader();
  for (const files of [[a!, b!], [b!, a!], [b!, c!], [b!], []]) {
    assert.deepEqual(await read(files), files.map(({ path }) => ({ path, text: "" })));
    assert.equal(await read(files), null);
  }
});

Deno.test("a file that cannot be read is empty until it can", async () => {
  await using folder = new TempFolder();
  const path = folder.at("a");
  const read = createTextReader();
  assert.deepEqual(await read([{ path, info: null }]), [{ path, text: "" }]);
  assert.equal(await read([{ path, info: null }]), null);
  // It appeared after the scan.
  folder.write("a", "1");
  assert.deepEqual(await read([{ path, info: null }]), [{ path, text: "1" }]);
});

Deno.test("a file that could not be read is read again, even with the same times", async () => {
  await using folder = new TempFolder();
  const { path, info } = changedAt(LONG_AGO, folder.write("a", "1"));
  const read = createTextReader();
  await Deno.remove(path);
  assert.deepEqual(await read([{ path, info }]), [{ path, text: "" }]);
  folder.write("a", "1");
  assert.deepEqual(await read([{ path, info }]), [{ path, text: "1" }]);
});

Deno.test("a file with the same times is read again only if it had just changed", async () => {
  await using folder = new TempFolder();
  for (const [time, isRead] of [[LONG_AGO, false], [JUST_NOW, true]] as const) {
    const state = changedAt(time, folder.write("a", "1"));
    const read = createTextReader();
    assert.notEqual(await read([state]), null);
    folder.write("a", "2");
    assert.equal(await read([state]) !== null, isRead);
  }
});

Deno.test("a file rewritten with the same text is no change", async () => {
  await using folder = new TempFolder();
  const path = folder.write("a", "1");
  const read = createTextReader();
  await read([changedAt(LONG_AGO, path)]);
  Deno.removeSync(path);
  folder.write("a", "1");
  assert.equal(await read([file(path)]), null);
});

Deno.test("a file that exceeds the limit is empty, and not tried again", async () => {
  await using folder = new TempFolder();
  const large = folder.write("large", "x".repeat(MOST_TEXT_BYTES - 2));
  const [small, other] = [folder.write("small", "three"), folder.write("other", "1")];
  const read = createTextReader();
  const files = [large, small, other].map((path) => changedAt(LONG_AGO, path));
  const texts = await read(files);
  assert.deepEqual(texts?.map(({ text }) => text.length), [MOST_TEXT_BYTES - 2, 0, 1]);
  assert.equal(await read(files), null);
});
