import assert from "node:assert/strict";
import type { LogEntry } from "../../../../lib/system/log.ts";
import { takeInventory } from "../../../../lib/watch/scan/inventory.ts";
import { takeLoadedInventory } from "../../../../lib/watch/scan/loaded_inventory.ts";
import { createUnnamedReport } from "../../../../lib/watch/directories/unnamed.ts";
import { TempFolder } from "../../../support/temp_folder.ts";

/** Runs a script of `sh`, in which `$bad` is a name that is not UTF-8. */
async function run({ path }: TempFolder, script: string): Promise<void> {
  const args = ["-c", `bad=$(printf 'x\\377'); ${script}`];
  await new Deno.Command("sh", { args, cwd: path }).output();
}

/** Deno 2.6 leaves such names out, so that nothing can be said of them. */
async function areListed(): Promise<boolean> {
  await using folder = new TempFolder();
  await run(folder, ': > "$bad"');
  return folder.names().length > 0;
}

const tells = await areListed();

Deno.test("a configuration directory with a .cfg that cannot be named cannot be read, and that is why", async () => {
  await using folder = new TempFolder();
  folder.write("a.cfg");
  await run(folder, ': > "$bad.cfg"; : > "$bad"; mkdir "$bad.d"');
  const { files, unreadable } = await takeInventory([
    { kind: "configuration", path: folder.path, foundBy: "-f" },
  ]);
  assert.deepEqual(files.map(({ path }) => path), [folder.at("a.cfg")]);
  const wanted = { path: folder.at("x\ufffd.cfg"), reason: "its name is not UTF-8" };
  assert.deepEqual(unreadable, tells ? [wanted] : []);
});

Deno.test("what cannot be named in a watched directory, and below it, hinders nothing and is told", async () => {
  await using folder = new TempFolder();
  folder.write("d/a");
  await run(folder, ': > "$bad"; mkdir "$bad.d"; : > "d/$bad"; : > ".$bad"; ln -s nowhere link');
  const { files, unreadable, unnamed } = await takeInventory([
    { kind: "watched", path: folder.path, foundBy: "--watch" },
  ]);
  assert.deepEqual(files.map(({ path }) => path), [folder.at("d/a")]);
  assert.deepEqual(unreadable, []);
  const names = tells ? ["d/x\ufffd", "x\ufffd", "x\ufffd.d"] : [];
  assert.deepEqual([...unnamed].sort(), names.map((name) => folder.at(name)));
});

Deno.test("what cannot be named in a certificate directory hinders nothing and is told", async () => {
  await using folder = new TempFolder();
  folder.write("a.pem");
  folder.write("real \ufffd.pem");
  await run(folder, ': > "$bad.pem"');
  const sources = [{ kind: "loaded", path: folder.path, foundBy: "" }] as const;
  const { files, unnamed } = await takeLoadedInventory(sources, new Set());
  const found = [folder.at("a.pem"), folder.at("real \ufffd.pem")];
  assert.deepEqual(files.map(({ path }) => path), found);
  assert.deepEqual(unnamed, tells ? [folder.at("x\ufffd.pem")] : []);
});

Deno.test("a glob is expanded beside names that are not UTF-8", async () => {
  await using folder = new TempFolder();
  folder.write("d/a.map");
  await run(folder, ': > "$bad.map"; mkdir "$bad"; : > "d/$bad.map"; mkdir "d/$bad"');
  for (const glob of ["*/*.map", "**/*.map", "*/a.map", "d/*"]) {
    const { files, unreadable } = await takeInventory([
      { kind: "watched", path: folder.at(glob), foundBy: "--watch" },
    ]);
    assert.deepEqual(files.map(({ path }) => path), [folder.at("d/a.map")], glob);
    assert.deepEqual(unreadable, [], glob);
  }
});

Deno.test("of each path that cannot be named is told once, and of a flood of them of the first", () => {
  const logged: LogEntry[] = [];
  const report = createUnnamedReport((entry) => logged.push(entry));
  report(["/a\ufffd"]);
  report(["/a\ufffd", "/b\ufffd"]);
  report([]);
  report(["/a\ufffd"]);
  assert.deepEqual(logged.map(({ level, text }) => `${level}: ${text}`), [
    'warning: cannot watch "/a\ufffd": its name is not UTF-8; a change there causes no reload: rename it',
    'warning: cannot watch "/b\ufffd": its name is not UTF-8; a change there causes no reload: rename it',
  ]);
  for (let number = 0; number < 100; number++) report([`/${number}\ufffd`]);
  assert.equal(logged.length, 10);
});
