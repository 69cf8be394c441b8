import assert from "node:assert/strict";
import { shortCache } from "../../../lib/status/short_cache.ts";
import { waitFor } from "../../support/wait.ts";

Deno.test("calls within a moment get the same value, later ones a new one", async () => {
  let made = 0;
  const { get, forget } = shortCache(() => ++made);
  assert.deepEqual([get(), get(), get()], [1, 1, 1]);
  forget();
  assert.deepEqual([get(), get()], [2, 2]);
  await waitFor("another", () => get() === 3);
  assert.equal(made, 3);
});
