import assert from "node:assert/strict";
import { createAsk } from "../../../../lib/haproxy/runtime/asking.ts";
import { TempFolder } from "../../../support/temp_folder.ts";
import { ScriptedHaproxy } from "../../../support/scripted_haproxy.ts";

const answer = (command: string) => `${command}?\n`;

Deno.test("each command has its answer", async () => {
  await using folder = new TempFolder();
  await using _ = new ScriptedHaproxy(folder.at("socket"), answer);
  const ask = createAsk(folder.at("socket"));
  assert.deepEqual([await ask("a"), await ask("b")], ["a?\n", "b?\n"]);
});

Deno.test("who has not answered once is not asked again", async () => {
  await using folder = new TempFolder();
  const ask = createAsk(folder.at("socket"));
  assert.equal(await ask("a"), null);
  await using haproxy = new ScriptedHaproxy(folder.at("socket"), answer);
  assert.equal(await ask("b"), null);
  assert.deepEqual(haproxy.commands, []);
});

Deno.test("an abort ends the waiting for an answer, and nothing more is asked", async () => {
  await using folder = new TempFolder();
  using listener = Deno.listen({ transport: "unix", path: folder.at("socket") });
  const cancel = new AbortController();
  const ask = createAsk(folder.at("socket"), cancel.signal);
  const asked = ask("a");
  using _ = await listener.accept();
  cancel.abort();
  assert.deepEqual([await asked, await ask("b")], [null, null]);
});
