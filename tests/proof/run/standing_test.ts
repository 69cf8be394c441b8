/** What is right moves with the reloads, for all threads. */
import assert from "node:assert/strict";
import { waitFor } from "../../support/wait.ts";
import { Standing } from "./standing.ts";

Deno.test("the new content is right at once, the old one for a while longer", async () => {
  const standing = new Standing();
  const shared = new Standing(standing.memory);
  const seen = () => [shared.oldest, shared.newest, shared.reload];
  standing.begin(1, 1);
  assert.deepEqual(seen(), [0, 1, 1]);
  standing.begin(2, null);
  assert.deepEqual(seen(), [0, 1, 2]);
  standing.serves(1);
  assert.deepEqual(seen(), [0, 1, 2]);
  await waitFor("the old content to be too old", () => shared.oldest === 1);
  assert.equal(shared.isOver, false);
  standing.end();
  assert.equal(shared.isOver, true);
});
