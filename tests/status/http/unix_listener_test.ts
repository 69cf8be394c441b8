import assert from "node:assert/strict";
import { listenAt, type UnixListening } from "../../../lib/status/http/unix_listener.ts";
import { testNeeding } from "../../requirements.ts";
import { TempFolder } from "../../temp_folder.ts";
import { withUmask } from "./listening.ts";

const rootTest = testNeeding(Deno.uid() === 0 ? null : "needs root");

function opened(listening: UnixListening) {
  assert.ok(listening.tag === "opened", JSON.stringify(listening));
  return listening;
}

const modeOf = (path: string) => Deno.lstatSync(path).mode! & 0o777;

for (const umask of [0o000, 0o022, 0o177]) {
  Deno.test(`with a umask of ${umask.toString(8)} the socket is bound for its user alone`, async () => {
    await using folder = new TempFolder();
    const path = folder.at("socket");
    let boundWith = 0;
    const observing = <Result>(mask: number, work: () => Result): Result =>
      withUmask(mask, () => {
        const result = work();
        boundWith = modeOf(path);
        return result;
      });
    const before = Deno.umask(umask);
    const listening = opened(await listenAt(path, observing));
    assert.equal(Deno.umask(before), umask);
    assert.equal(boundWith, 0o600);
    assert.equal(modeOf(path), 0o600);
    listening.close();
    assert.deepEqual(folder.names(), []);
  });
}

Deno.test("without a way to keep others out nothing is opened", async () => {
  await using folder = new TempFolder();
  const listening = await listenAt(folder.at("socket"), null);
  assert.ok(listening.tag === "not_listening");
  assert.match(
    listening.reason,
    /could not be kept from other users.*; listen on 127\.0\.0\.1 instead/,
  );
  assert.deepEqual(folder.names(), []);
});

Deno.test({
  name: "what has taken the socket's place meanwhile is left at the end",
  // Ours is left to the end of the program then, since Deno would remove what is there.
  sanitizeResources: false,
  async fn() {
    await using folder = new TempFolder();
    const path = folder.at("socket");
    const listening = opened(await listenAt(path, withUmask));
    Deno.removeSync(path);
    folder.write("socket", "another's");
    listening.close();
    assert.equal(Deno.readTextFileSync(path), "another's");
  },
});

Deno.test("another socket that has taken its place is left, too", async () => {
  await using folder = new TempFolder();
  const path = folder.at("socket");
  const listening = opened(await listenAt(path, withUmask));
  Deno.removeSync(path);
  const other = Deno.listen({ transport: "unix", path });
  listening.close();
  assert.equal(Deno.lstatSync(path).isSocket, true);
  other.close();
  listening.listener.close();
});

rootTest("another user's socket is left, though nobody listens there", async () => {
  await using folder = new TempFolder();
  const path = folder.at("socket");
  // Deno would remove it as it closes.
  const first = Deno.listen({ transport: "unix", path: folder.at("first") });
  Deno.renameSync(folder.at("first"), path);
  first.close();
  Deno.chownSync(path, 12_345, 12_345);
  const listening = await listenAt(path, withUmask);
  assert.ok(listening.tag === "not_listening");
  assert.equal(listening.reason, "the socket that is there belongs to user 12345, wanted 0");
  assert.equal(Deno.lstatSync(path).isSocket, true);
  Deno.chownSync(path, 0, 0);
  opened(await listenAt(path, withUmask)).close();
});
