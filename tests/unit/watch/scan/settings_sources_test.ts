import assert from "node:assert/strict";
import type { Source } from "../../../../lib/watch/scan/sources.ts";
import { TempFolder } from "../../../support/machine/temp_folder.ts";
import { pathsOf, relevantOf, take, takeOne } from "./taking.ts";

type Kind = Source["kind"];

/** The paths of a source's files; `?` follows those that are missing. */
async function filesOf(kind: Kind, path: string): Promise<string[]> {
  const { files, unreadable } = await takeOne(kind, path);
  assert.deepEqual(unreadable, []);
  return files.map(({ path, info }) => info === null ? `${path}?` : path);
}

/** The same with relative names. */
async function namesOf(kind: Kind, folder: TempFolder, name = ""): Promise<string[]> {
  const files = await filesOf(kind, folder.at(name));
  return files.map((path) => path.slice(folder.path.length + 1));
}

Deno.test("a file source is that file, whatever its name", async () => {
  await using folder = new TempFolder();
  for (const name of ["haproxy.conf", ".hidden", "backup~"]) {
    const path = folder.write(name);
    for (const kind of ["configuration", "env_file", "watched"] as const) {
      assert.deepEqual(await filesOf(kind, path), [path]);
    }
  }
  const link = folder.link("link.cfg", "haproxy.conf");
  assert.deepEqual(await filesOf("configuration", link), [link]);
});

Deno.test("HAProxy loads the visible .cfg files in a configuration directory, and nothing below", async () => {
  await using folder = new TempFolder();
  const others = ["a.conf", ".hidden.cfg", "a.cfg~", "a.cfg.bak", "d/e.cfg", "directory.cfg/x.cfg"];
  for (const name of ["b.cfg", "a.cfg", "B.cfg", ...others]) folder.write(name);
  folder.link("linked.cfg", "a.conf");
  const loaded = ["B.cfg", "a.cfg", "b.cfg", "linked.cfg"];
  assert.deepEqual(await namesOf("configuration", folder), loaded);
});

Deno.test("every visible file at any depth in a watched directory counts", async () => {
  await using folder = new TempFolder();
  await using elsewhere = new TempFolder();
  for (const name of ["b.pem", "a.map", "a/b.lua", ".hidden", "a~", ".git/index"]) {
    folder.write(name);
  }
  elsewhere.write("f.txt");
  folder.link("elsewhere", elsewhere.path);
  folder.link("dangling", "nowhere");
  folder.link("a/in_a_circle", "..");
  const found = ["a.map", "a/b.lua", "b.pem", "elsewhere/f.txt"];
  assert.deepEqual(await namesOf("watched", folder), found);
});

Deno.test("of two links to a directory the first always counts", async () => {
  await using folder = new TempFolder();
  for (const name of ["1", "2", "3"]) folder.write(`elsewhere/${name}`);
  for (const name of ["b", "a", "c"]) folder.link(`watched/${name}`, "../elsewhere");
  const expected = ["1", "2", "3"].map((name) => `watched/a/${name}`);
  for (let round = 0; round < 200; round++) {
    assert.deepEqual(await namesOf("watched", folder, "watched"), expected);
  }
});

Deno.test("a glob with *, ?, [], {} and ** means the visible files that match, sorted", async () => {
  await using folder = new TempFolder();
  for (const name of ["b.lst", "a.map", "c1.cfg", "deep/er/d.map"]) folder.write(name);
  for (const name of [".hidden.map", "directory.map/inner"]) folder.write(name);
  const matches = {
    "*.map": ["a.map"],
    "{*.map,*.lst}": ["a.map", "b.lst"],
    "c?.cfg": ["c1.cfg"],
    "[ab].*": ["a.map", "b.lst"],
    "[!ab]*.cfg": ["c1.cfg"],
    "deep/*/d.map": ["deep/er/d.map"],
    "**/d.map": ["deep/er/d.map"],
  };
  for (const [glob, names] of Object.entries(matches)) {
    assert.deepEqual(await namesOf("watched", folder, glob), names, glob);
  }
});

Deno.test("a file that does not exist yet is watched where it would appear", async () => {
  await using folder = new TempFolder();
  for (const [name, first] of [["*.pem", "new.pem"], ["missing/a.pem", "missing"]] as const) {
    const inventory = await takeOne("watched", folder.at(name));
    assert.deepEqual(inventory.files.filter(({ info }) => info !== null), []);
    assert.ok(inventory.directories.has(folder.path));
    assert.equal(relevantOf(inventory, [folder.at(first)]).length, 1);
  }
  const path = folder.at("missing/a.pem");
  assert.deepEqual(await filesOf("watched", path), [`${path}?`]);
});

const NOTHING = "No such file or directory";

const UNREADABLE: Readonly<Record<string, readonly [kind: Kind, path: string, reason: string]>> = {
  "a missing configuration": ["configuration", "missing", NOTHING],
  "a missing env file": ["env_file", "missing", NOTHING],
  "a directory as an env file": ["env_file", "", "Is a directory"],
  "a socket": ["configuration", "socket", "neither a file nor a directory"],
  "a circle of links": ["watched", "circle", "too many symbolic links"],
};

for (const [what, [kind, name, reason]] of Object.entries(UNREADABLE)) {
  Deno.test(`${what} cannot be read`, async () => {
    await using folder = new TempFolder();
    folder.link("circle", "circle");
    using _socket = Deno.listen({ transport: "unix", path: folder.at("socket") });
    const { files, unreadable } = await takeOne(kind, folder.at(name));
    assert.deepEqual({ files, unreadable }, {
      files: [],
      unreadable: [{ path: folder.at(name), reason }],
    });
  });
}

Deno.test("an unreadable file does not hide the others", async () => {
  await using folder = new TempFolder();
  const dangling = folder.link("d/b.cfg", "nowhere");
  const paths = [folder.write("a.cfg"), folder.write("d/c.cfg")];
  const { files, unreadable } = await take(
    ["missing", "a.cfg", "d"].map((name) => ({
      kind: "configuration",
      path: folder.at(name),
      foundBy: "",
    })),
  );
  assert.deepEqual(pathsOf({ files }), paths);
  assert.deepEqual(
    unreadable,
    [folder.at("missing"), dangling].map((path) => ({
      path,
      reason: NOTHING,
    })),
  );
});

Deno.test("next to a single file nothing is relevant; in a directory every visible name is", async () => {
  await using folder = new TempFolder();
  const path = folder.write("a.cfg");
  const names = ["a.cfg", "b.cfg", ".b.cfg.swp", "b.cfg~"].map((name) => folder.at(name));
  assert.deepEqual(relevantOf(await takeOne("configuration", path), names), [path]);
  const inDirectory = relevantOf(await takeOne("configuration", folder.path), names);
  assert.deepEqual(inDirectory, [path, folder.at("b.cfg")]);
});
