import assert from "node:assert/strict";
import { dirname } from "node:path";
import { followLinks } from "../../../../lib/system/files/link_chain.ts";
import { TempFolder } from "../../../support/machine/temp_folder.ts";

/** Follows `path`: where it leads, or why it leads nowhere. */
async function endOf(path: string): Promise<string> {
  const { end } = await followLinks(path);
  return end.tag === "found" ? end.realPath : `${end.tag}: ${end.reason}`;
}

const sorted = (paths: Iterable<string>) => [...paths].sort();

Deno.test("a plain file is watched in its directory, and that directory in its parent", async () => {
  await using folder = new TempFolder();
  const path = folder.write("a.cfg");
  const { directories, entries, end } = await followLinks(path);
  assert.ok(end.tag === "found");
  assert.equal(end.realPath, path);
  assert.ok(end.info.isFile);
  assert.deepEqual(sorted(directories), sorted([folder.path, dirname(folder.path)]));
  assert.deepEqual(sorted(entries), sorted([path, folder.path]));
});

Deno.test("a directory is found like a file, even the root", async () => {
  await using folder = new TempFolder();
  for (const [path, realPath] of [[`${folder.path}/./`, folder.path], ["/", "/"]] as const) {
    const { end } = await followLinks(path);
    assert.ok(end.tag === "found" && end.info.isDirectory);
    assert.equal(end.realPath, realPath);
  }
});

Deno.test("every link on the way is watched where it is, and so is the end", async () => {
  await using folder = new TempFolder();
  const file = folder.write("release/a.cfg");
  const current = folder.link("links/current", "../release");
  const link = folder.link("a.cfg", folder.at("links/current/a.cfg"));
  const { directories, entries, end } = await followLinks(link);
  assert.ok(end.tag === "found");
  assert.equal(end.realPath, file);
  for (const path of [link, current, file]) {
    assert.ok(entries.has(path), path);
    assert.ok(directories.has(dirname(path)), path);
  }
});

Deno.test("the links that Kubernetes makes for a volume are all watched", async () => {
  await using folder = new TempFolder();
  const file = folder.write("..2026_01/haproxy.cfg");
  const data = folder.link("..data", "..2026_01");
  const link = folder.link("haproxy.cfg", "..data/haproxy.cfg");
  const { directories, entries } = await followLinks(link);
  const places = [dirname(folder.path), folder.path, dirname(file)];
  assert.deepEqual(sorted(directories), sorted(places));
  assert.deepEqual(sorted(entries), sorted([link, data, file, folder.path, dirname(file)]));
});

Deno.test('".." behind a link starts from where the link leads', async () => {
  await using folder = new TempFolder();
  folder.write("deep/down/here");
  const file = folder.write("deep/a.cfg");
  folder.write("a.cfg", "the wrong one");
  folder.link("link", "deep/down");
  assert.equal(await endOf(folder.at("link").concat("/../a.cfg")), file);
});

Deno.test("a path that breaks off is watched at that point", async () => {
  await using folder = new TempFolder();
  const { directories, entries, end } = await followLinks(folder.at("missing/deep/a.cfg"));
  assert.deepEqual(end, { tag: "missing", reason: "No such file or directory" });
  assert.deepEqual(sorted(directories), sorted([folder.path, dirname(folder.path)]));
  assert.deepEqual(sorted(entries), sorted([folder.at("missing"), folder.path]));
});

Deno.test("a dangling link is watched, and so is its target", async () => {
  await using folder = new TempFolder();
  folder.write("far/other");
  const link = folder.link("near/a.cfg", "../far/a.cfg");
  const { directories, entries, end } = await followLinks(link);
  assert.equal(end.tag, "missing");
  for (const path of [link, folder.at("far/a.cfg")]) {
    assert.ok(entries.has(path), path);
    assert.ok(directories.has(dirname(path)), path);
  }
});

Deno.test("a path that continues past a file is missing", async () => {
  await using folder = new TempFolder();
  const file = folder.write("a.cfg");
  assert.equal(await endOf(`${file}/b`), "missing: Not a directory");
});

Deno.test("forty links in a row are followed, as the kernel does, and no more", async () => {
  await using folder = new TempFolder();
  const file = folder.write("0");
  for (let number = 1; number <= 41; number++) folder.link(`${number}`, `${number - 1}`);
  assert.equal(await endOf(folder.at("40")), file);
  assert.equal(await Deno.realPath(folder.at("40")), file);
  assert.equal(await endOf(folder.at("41")), "unreadable: too many symbolic links");
  await assert.rejects(() => Deno.realPath(folder.at("41")));
});
