/** Names that are not UTF-8. */
import assert from "node:assert/strict";
import type { Inventory } from "../../../../lib/watch/scan/inventory.ts";
import { TempFolder } from "../../../support/machine/temp_folder.ts";
import { pathsOf, takeOne } from "./taking.ts";

/** Runs an `sh` script in which `$bad` is such a name. */
async function run({ path }: TempFolder, script: string): Promise<void> {
  const args = ["-c", `bad=$(printf 'x\\377'); ${script}`];
  await new Deno.Command("sh", { args, cwd: path }).output();
}

/** Deno 2.6 omits such names, so nothing can be said about them. */
async function areListed(): Promise<boolean> {
  await using folder = new TempFolder();
  await run(folder, ': > "$bad"');
  return folder.names().length > 0;
}

const isListed = await areListed();

function found(folder: TempFolder, { files, unreadable, unnamed }: Inventory) {
  const name = (path: string) => path.slice(folder.path.length + 1);
  return {
    files: pathsOf({ files }).map(name),
    unreadable: unreadable.map(({ path, reason }) => `${name(path)}: ${reason}`),
    unnamed: unnamed.map(name).sort(),
  };
}

Deno.test("a .cfg with such a name in a configuration directory is unreadable, and the reason says why", async () => {
  await using folder = new TempFolder();
  folder.write("a.cfg");
  await run(folder, ': > "$bad.cfg"; : > "$bad"; mkdir "$bad.d"');
  assert.deepEqual(found(folder, await takeOne("configuration", folder.path)), {
    files: ["a.cfg"],
    unreadable: isListed ? ["x\ufffd.cfg: its name is not UTF-8"] : [],
    unnamed: [],
  });
});

Deno.test("at any depth in a watched directory such names do no harm and are reported", async () => {
  await using folder = new TempFolder();
  folder.write("d/a");
  await run(folder, ': > "$bad"; mkdir "$bad.d"; : > "d/$bad"; : > ".$bad"; ln -s nowhere link');
  assert.deepEqual(found(folder, await takeOne("watched", folder.path)), {
    files: ["d/a"],
    unreadable: [],
    unnamed: isListed ? ["d/x\ufffd", "x\ufffd", "x\ufffd.d"] : [],
  });
});

Deno.test("in a directory of certificates such a name does no harm and is reported", async () => {
  await using folder = new TempFolder();
  for (const name of ["a.pem", "real \ufffd.pem"]) folder.write(name);
  await run(folder, ': > "$bad.pem"');
  assert.deepEqual(found(folder, await takeOne("loaded", folder.path)), {
    files: ["a.pem", "real \ufffd.pem"],
    unreadable: [],
    unnamed: isListed ? ["x\ufffd.pem"] : [],
  });
});

Deno.test("such names do not stop the expansion of a glob", async () => {
  await using folder = new TempFolder();
  folder.write("d/a.map");
  await run(folder, ': > "$bad.map"; mkdir "$bad"; : > "d/$bad.map"; mkdir "d/$bad"');
  for (const glob of ["*/*.map", "**/*.map", "*/a.map", "d/*"]) {
    const { files, unreadable } = found(folder, await takeOne("watched", folder.at(glob)));
    assert.deepEqual({ files, unreadable }, { files: ["d/a.map"], unreadable: [] }, glob);
  }
});
