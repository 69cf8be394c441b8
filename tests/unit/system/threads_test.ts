import assert from "node:assert/strict";
import { atOnce, inSteps } from "../../../lib/system/threads.ts";

/** Some milliseconds of work in each step. */
function* work(events: string[]): Generator<void, string> {
  for (let step = 1; step <= 3; step++) {
    const startedMs = performance.now();
    while (performance.now() - startedMs < 6);
    events.push(`step ${step}`);
    yield;
  }
  return "done";
}

Deno.test("other work runs between long steps", async () => {
  const events: string[] = [];
  setTimeout(() => events.push("other"), 0);
  assert.equal(await inSteps(work(events)), "done");
  assert.deepEqual(events, ["step 1", "other", "step 2", "step 3"]);
});

Deno.test("at once, nothing runs between steps", () => {
  const events: string[] = [];
  queueMicrotask(() => events.push("other"));
  assert.equal(atOnce(work(events)), "done");
  assert.deepEqual(events, ["step 1", "step 2", "step 3"]);
});
