import assert from "node:assert/strict";
import { describeForeign, ownUser, readOwnFile } from "../../../../lib/system/files/ownership.ts";
import { TempFolder } from "../../../support/machine/temp_folder.ts";

const user = Deno.uid()!;

Deno.test("the user is found by a new file, which leaves nothing behind", async () => {
  await using folder = new TempFolder();
  assert.equal(ownUser([folder.at("missing"), folder.path]), user);
  assert.deepEqual(folder.names(), []);
  assert.throws(() => ownUser([folder.at("missing")]), Deno.errors.NotFound);
  assert.throws(() => ownUser([]), Deno.errors.NotFound);
});

const OWN = { isDirectory: true, isFile: false, isSocket: false, uid: 7, mode: 0o40700 };
const FOREIGN: readonly (readonly [Partial<typeof OWN>, string | null])[] = [
  [{}, null],
  [{ mode: 0o42700 }, null],
  [{ mode: 0o40500 }, null],
  [{ uid: 8 }, "belongs to user 8, wanted 7"],
  [{ uid: 0 }, "belongs to user 0, wanted 7"],
  [{ mode: 0o40701 }, "has mode 0701, wanted none for group and others"],
  [{ mode: 0o42770 }, "has mode 2770, wanted none for group and others"],
  [{ isDirectory: false, isFile: true }, "is not a directory"],
  [{ isDirectory: false }, "is not a directory"],
];

Deno.test("a folder is ours if it has our user and no bits for others", () => {
  for (const [change, reason] of FOREIGN) {
    const found = describeForeign({ ...OWN, ...change }, { kind: "directory", user: 7 });
    assert.equal(found, reason, JSON.stringify(change));
  }
});

Deno.test("our own file is read, but a FIFO, a link or another user's file is not even opened", async () => {
  await using folder = new TempFolder();
  Deno.writeTextFileSync(folder.at("own"), "text", { mode: 0o600 });
  assert.deepEqual(
    await readOwnFile(folder.at("own"), user, 100),
    new TextEncoder().encode("text"),
  );
  const refused = (name: string, reason: RegExp) =>
    assert.rejects(() => readOwnFile(folder.at(name), user, 100), reason);
  Deno.writeTextFileSync(folder.at("open"), "text", { mode: 0o644 });
  await refused("open", /it has mode 0644, wanted none/);
  folder.link("link", "own");
  await refused("link", /it is not a regular file/);
  new Deno.Command("mkfifo", { args: [folder.at("fifo")] }).outputSync();
  await refused("fifo", /it is not a regular file/);
  await refused("missing", /No such file/);
  await assert.rejects(() => readOwnFile(folder.at("own"), user + 1, 100), /it belongs to user/);
});
