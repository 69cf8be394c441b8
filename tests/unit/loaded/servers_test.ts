import assert from "node:assert/strict";
import { digestWithoutServers, findServers, readServerLines } from "../../../lib/loaded/servers.ts";
import { sha256 } from "../../../lib/system/files/contents.ts";
import { fingerprintOf } from "../../../lib/watch/scan/fingerprint.ts";
import { TempFolder } from "../../support/machine/temp_folder.ts";

const FIRST = "backend a\n  server s1 10.0.0.1:80\n";
const SECOND = "backend b\n  server s2 10.0.0.2:80\n";

/** The paths of two files, and their fingerprint. */
async function scanned(folder: TempFolder) {
  const paths = [folder.write("a.cfg", FIRST), folder.write("b.cfg", SECOND)];
  const files = new Map();
  for (const path of paths) {
    const content = await sha256(Deno.readFileSync(path));
    files.set(path, { content, modifiedMs: 0, stamp: "" });
  }
  return { paths, fingerprint: await fingerprintOf(files) };
}

Deno.test("the servers of all files are remembered, and the digest of the rest", async () => {
  await using folder = new TempFolder();
  const { paths, fingerprint } = await scanned(folder);
  const found = await findServers(paths, fingerprint);
  assert.deepEqual([found?.tag, found?.path, found?.paths], ["server", paths[0], paths]);
  assert.match(found!.lines, /server s1[^]*server s2/);
  assert.equal(found!.lines, await readServerLines(paths));
  assert.equal(found!.others, await digestWithoutServers([FIRST.replace("s1", "s9"), SECOND]));
});

for (
  const [what, change] of [
    ["has changed since", (path: string) => Deno.writeTextFileSync(path, SECOND)],
    ["is gone", (path: string) => Deno.removeSync(path)],
    ["is too large", (path: string) => Deno.truncateSync(path, 9 * 2 ** 20)],
  ] as const
) {
  Deno.test(`nothing is known of the servers where a file ${what}`, async () => {
    await using folder = new TempFolder();
    const { paths, fingerprint } = await scanned(folder);
    change(paths[0]!);
    assert.equal(await findServers(paths, fingerprint), null);
  });
}

Deno.test("nothing is known of servers that a condition may leave out", async () => {
  await using folder = new TempFolder();
  const text = `.if defined(A)\n.endif\n${FIRST}`;
  const path = folder.write("a.cfg", text);
  const mark = { content: await sha256(new TextEncoder().encode(text)), modifiedMs: 0, stamp: "" };
  assert.equal(await findServers([path], await fingerprintOf(new Map([[path, mark]]))), null);
  assert.equal(await readServerLines([path]), null);
});
