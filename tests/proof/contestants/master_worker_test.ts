/** The outcome of a reload is read from the master's output, of each branch and of the one at hand. */
import assert from "node:assert/strict";
import { makeSite } from "../run/site.ts";
import { outcomeIn, startMasterWorker } from "./master_worker.ts";

for (
  const [outcome, branches, said] of [
    ["served", "2.6 to 3.4", "Loading success."],
    ["refused", "2.6 and 3.0", "Loading failure!"],
    ["refused", "3.2 and 3.4", "Failed to load worker (7394) exited with code 1 (Exit)"],
    [null, "all", "Reloading HAProxy"],
  ] as const
) {
  Deno.test(`"${said}" of ${branches} is ${outcome ?? "no outcome yet"}`, () => {
    assert.equal(outcomeIn(`[NOTICE]   (7293) : ${said}\n`), outcome);
  });
}

Deno.test("a refusal by the master at hand is recognized", async () => {
  await using room = new AsyncDisposableStack();
  const site = await makeSite(room);
  const write = (text: string) => Deno.writeTextFileSync(site.workspace.configuration, text);
  write(site.configuration(0));
  const master = await startMasterWorker(site);
  try {
    const breaking = () => write(`${site.configuration(1)}    nonsense\n`);
    const reload = () => master.reload(breaking, "refused");
    // HAProxy 2.6 loses signals in the first 100 ms or so.
    assert.equal(await reload().catch(reload), "refused");
  } finally {
    await master.end?.();
  }
});
