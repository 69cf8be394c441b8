import assert from "node:assert/strict";
import { takeInventory } from "../../../../lib/watch/scan/inventory.ts";
import type { Source } from "../../../../lib/watch/scan/sources.ts";
import { TempFolder } from "../../../support/temp_folder.ts";

/** The paths of the files that one source stands for; `?` is behind those that are missing. */
async function filesOf(kind: Source["kind"], path: string): Promise<string[]> {
  const { files, unreadable } = await takeInventory([{ kind, path, foundBy: "" }]);
  assert.deepEqual(unreadable, []);
  return files.map(({ path, info }) => info === null ? `${path}?` : path);
}

async function unreadableOf(kind: Source["kind"], path: string) {
  const { files, unreadable } = await takeInventory([{ kind, path, foundBy: "" }]);
  assert.deepEqual(files, []);
  return unreadable;
}

Deno.test("a file stands for itself, whatever it is called", async () => {
  await using folder = new TempFolder();
  for (const name of ["haproxy.conf", ".hidden", "backup~"]) {
    const path = folder.write(name);
    for (const kind of ["configuration", "env_file", "watched"] as const) {
      assert.deepEqual(await filesOf(kind, path), [path]);
    }
  }
});

Deno.test("a linked file goes by the name of the link", async () => {
  await using folder = new TempFolder();
  folder.write("real.cfg");
  const link = folder.link("link.cfg", "real.cfg");
  assert.deepEqual(await filesOf("configuration", link), [link]);
});

Deno.test("of a configuration directory HAProxy loads the visible .cfg files of itself", async () => {
  await using folder = new TempFolder();
  for (
    const name of [
      "b.cfg",
      "a.cfg",
      "B.cfg",
      "a.conf",
      ".hidden.cfg",
      "a.cfg~",
      "a.cfg.bak",
      "d/e.cfg",
    ]
  ) {
    folder.write(name);
  }
  folder.write("directory.cfg/inner.cfg");
  folder.link("linked.cfg", "a.conf");
  const loaded = ["B.cfg", "a.cfg", "b.cfg", "linked.cfg"].map((name) => folder.at(name));
  assert.deepEqual(await filesOf("configuration", folder.path), loaded);
});

Deno.test("of a watched directory every visible file below it counts", async () => {
  await using folder = new TempFolder();
  await using elsewhere = new TempFolder();
  for (const name of ["b.pem", "a.map", "d/e/c.lua", ".hidden", "a~", ".git/index"]) {
    folder.write(name);
  }
  elsewhere.write("f.txt");
  folder.link("elsewhere", elsewhere.path);
  folder.link("dangling", "nowhere");
  const found = ["a.map", "b.pem", "d/e/c.lua", "elsewhere/f.txt"].map((name) => folder.at(name));
  assert.deepEqual(await filesOf("watched", folder.path), found);
});

Deno.test("a watched directory that is linked in a circle is walked once", async () => {
  await using folder = new TempFolder();
  const path = folder.write("d/a");
  folder.link("d/up", "..");
  assert.deepEqual(await filesOf("watched", folder.path), [path]);
});

Deno.test("of two links to one directory it is always the first that counts", async () => {
  await using folder = new TempFolder();
  for (const name of ["1", "2", "3"]) folder.write(`elsewhere/${name}`);
  const watched = folder.at("watched");
  for (const name of ["b", "a", "c"]) folder.link(`watched/${name}`, "../elsewhere");
  const expected = ["1", "2", "3"].map((name) => `${watched}/a/${name}`);
  for (let round = 0; round < 200; round++) {
    assert.deepEqual(await filesOf("watched", watched), expected);
  }
});

Deno.test("a glob stands for the visible files that match, sorted", async () => {
  await using folder = new TempFolder();
  for (const name of ["b.pem", "a.pem", ".c.pem", "d.key", "e/f.pem"]) folder.write(name);
  folder.write("directory.pem/inner");
  const paths = await filesOf("watched", folder.at("*.pem"));
  assert.deepEqual(paths, [folder.at("a.pem"), folder.at("b.pem")]);
  assert.deepEqual(await filesOf("watched", folder.at("*/f.pem")), [folder.at("e/f.pem")]);
});

Deno.test("a glob may have *, ?, [], {} and **, as the README says", async () => {
  await using folder = new TempFolder();
  for (const name of ["a.map", "b.lst", "c1.cfg", "deep/er/d.map"]) folder.write(name);
  const matches = async (glob: string) =>
    (await filesOf("watched", folder.at(glob))).map((path) => path.slice(folder.path.length + 1));
  assert.deepEqual(await matches("*.map"), ["a.map"]);
  assert.deepEqual(await matches("{*.map,*.lst}"), ["a.map", "b.lst"]);
  assert.deepEqual(await matches("c?.cfg"), ["c1.cfg"]);
  assert.deepEqual(await matches("[ab].*"), ["a.map", "b.lst"]);
  assert.deepEqual(await matches("[!ab]*.cfg"), ["c1.cfg"]);
  assert.deepEqual(await matches("deep/*/d.map"), ["deep/er/d.map"]);
  assert.deepEqual(await matches("**/d.map"), ["deep/er/d.map"]);
});

Deno.test("a glob that matches nothing is watched where matches would come", async () => {
  await using folder = new TempFolder();
  const source = { kind: "watched", path: folder.at("*.pem"), foundBy: "" } as const;
  const { files, directories, isRelevant } = await takeInventory([source]);
  assert.deepEqual(files, []);
  assert.ok(directories.has(folder.path));
  assert.ok(isRelevant(folder.at("new.pem")));
});

Deno.test("a watched file may be missing, and is watched where it would come", async () => {
  await using folder = new TempFolder();
  const path = folder.at("missing/a.pem");
  assert.deepEqual(await filesOf("watched", path), [`${path}?`]);
  const { directories, isRelevant } = await takeInventory([{ kind: "watched", path, foundBy: "" }]);
  assert.ok(directories.has(folder.path));
  assert.ok(isRelevant(folder.at("missing")));
});

for (const kind of ["configuration", "env_file"] as const) {
  Deno.test(`a missing source of the kind ${kind} cannot be read`, async () => {
    await using folder = new TempFolder();
    const path = folder.at("missing");
    const reason = "No such file or directory";
    assert.deepEqual(await unreadableOf(kind, path), [{ path, reason }]);
  });
}

Deno.test("a directory is no env file", async () => {
  await using folder = new TempFolder();
  const { path } = folder;
  assert.deepEqual(await unreadableOf("env_file", path), [{ path, reason: "Is a directory" }]);
});

Deno.test("a device is no source", async () => {
  const path = "/dev/null";
  const reason = "neither a file nor a directory";
  assert.deepEqual(await unreadableOf("configuration", path), [{ path, reason }]);
});

Deno.test("a dangling link in a configuration directory cannot be read", async () => {
  await using folder = new TempFolder();
  const path = folder.link("a.cfg", "nowhere");
  const reason = "No such file or directory";
  assert.deepEqual(await unreadableOf("configuration", folder.path), [{ path, reason }]);
});

Deno.test("links that are watched in a circle cannot be read", async () => {
  await using folder = new TempFolder();
  const path = folder.link("a", "a");
  const reason = "too many symbolic links";
  assert.deepEqual(await unreadableOf("watched", path), [{ path, reason }]);
});

Deno.test("one source that cannot be read does not hide the others", async () => {
  await using folder = new TempFolder();
  const path = folder.write("a.cfg");
  const { files, unreadable } = await takeInventory([
    { kind: "configuration", path: folder.at("missing"), foundBy: "" },
    { kind: "configuration", path, foundBy: "" },
  ]);
  assert.deepEqual(files.map(({ path }) => path), [path]);
  assert.deepEqual(unreadable.map(({ path }) => path), [folder.at("missing")]);
});

Deno.test("beside a single file nothing is relevant, in a directory every visible name is", async () => {
  await using folder = new TempFolder();
  const path = folder.write("a.cfg");
  const single = await takeInventory([{ kind: "configuration", path, foundBy: "" }]);
  assert.ok(single.isRelevant(path));
  assert.ok(!single.isRelevant(folder.at("b.cfg")));
  const whole = await takeInventory([{ kind: "configuration", path: folder.path, foundBy: "" }]);
  assert.ok(whole.isRelevant(folder.at("b.cfg")));
  assert.ok(!whole.isRelevant(folder.at(".b.cfg.swp")));
  assert.ok(!whole.isRelevant(folder.at("b.cfg~")));
});
