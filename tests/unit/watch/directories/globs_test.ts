import assert from "node:assert/strict";
import { matchesOf } from "../../../../lib/watch/directories/globs.ts";
import { TempFolder } from "../../../support/machine/temp_folder.ts";
import { pathsOf, takeOne } from "../scan/taking.ts";

/** What a glob in the folder matches, by relative names. */
async function matches(folder: TempFolder, glob: string): Promise<string[]> {
  return (await matchesOf(folder.at(glob))).map((path) => path.slice(folder.path.length + 1));
}

Deno.test("** at the end matches everything below, and the directory itself", async () => {
  await using folder = new TempFolder();
  for (const name of ["certs/a.pem", "certs/deep/er/b.pem", "c.pem"]) folder.write(name);
  const below = ["certs/a.pem", "certs/deep", "certs/deep/er", "certs/deep/er/b.pem"];
  assert.deepEqual(await matches(folder, "certs/**"), ["certs", ...below]);
});

Deno.test("in brackets only ! negates, and no bracket matches a slash", async () => {
  await using folder = new TempFolder();
  for (const name of ["a", "b", "^", "x/a"]) folder.write(`in/${name}`);
  assert.deepEqual(await matches(folder, "in/[^a]"), ["in/^", "in/a"]);
  assert.deepEqual(await matches(folder, "in/[!a]"), ["in/^", "in/b", "in/x"]);
  assert.deepEqual(await matches(folder, "in/x[!b]a"), []);
});

Deno.test("a backslash makes the next character literal, and parentheses always are", async () => {
  await using folder = new TempFolder();
  for (const name of ["[a].pem", "a.pem", "site (1).pem", "site 1.pem"]) folder.write(name);
  assert.deepEqual(await matches(folder, "\\[a\\].p*"), ["[a].pem"]);
  assert.deepEqual(await matches(folder, "\\[a\\].pem"), ["[a].pem"]);
  assert.deepEqual(await matches(folder, "site *(1).pem"), ["site (1).pem"]);
});

Deno.test("linked directories are followed only before the first wildcard", async () => {
  await using folder = new TempFolder();
  folder.write("real/a.pem");
  folder.link("link", "real");
  assert.deepEqual(await matches(folder, "link/*.pem"), ["link/a.pem"]);
  assert.deepEqual(await matches(folder, "*/*.pem"), ["real/a.pem"]);
});

Deno.test("hidden names count if the glob spells them out: a volume's files count once", async () => {
  await using folder = new TempFolder();
  folder.write("certs/..2026_1/tls.crt");
  folder.link("certs/..data", "..2026_1");
  folder.link("certs/tls.crt", "..data/tls.crt");
  folder.write("certs/sub/.own/a.crt");
  assert.deepEqual(await matches(folder, "certs/**/*.crt"), ["certs/tls.crt"]);
  assert.deepEqual(await matches(folder, "certs/*/.own/*"), ["certs/sub/.own/a.crt"]);
});

Deno.test("if the fixed part is missing, is a file or runs through one, nothing matches", async () => {
  await using folder = new TempFolder();
  folder.write("file.pem");
  for (const glob of ["none/*", "file.pem/*", "file.pem/**", "file.pem/x/*", "file.pem/x/**"]) {
    assert.deepEqual(await matches(folder, glob), [], glob);
  }
});

/** Removes a directory just before it is listed, as kubelet may. */
async function whileVanishing(path: string, scan: () => Promise<void>): Promise<void> {
  const { stat, readDir } = Deno;
  const vanish = (at: string | URL) => {
    if (String(at) === path) Deno.removeSync(path, { recursive: true });
  };
  try {
    Deno.stat = (at) => (vanish(at), stat(at));
    Deno.readDir = (at) => (vanish(at), readDir(at));
    await scan();
  } finally {
    Object.assign(Deno, { stat, readDir });
  }
  assert.throws(() => Deno.statSync(path), Deno.errors.NotFound);
}

for (const name of ["certs/**", "certs/**/*.pem", "certs"]) {
  Deno.test(`"${name}" matches the rest if a directory vanishes meanwhile`, async () => {
    await using folder = new TempFolder();
    for (const file of ["a/a.pem", "b/b.pem", "c/c.pem"]) folder.write(`certs/${file}`);
    await whileVanishing(folder.at("certs/b"), async () => {
      const inventory = await takeOne("watched", folder.at(name));
      assert.deepEqual(inventory.unreadable, []);
      assert.deepEqual(pathsOf(inventory), [
        folder.at("certs/a/a.pem"),
        folder.at("certs/c/c.pem"),
      ]);
    });
  });
}
