import assert from "node:assert/strict";
import { waitFor } from "../../support/wait.ts";
import { aborted, cutOff } from "../../../lib/system/cut_off.ts";
import { collectGarbage } from "../../../lib/system/garbage.ts";

const never = new Promise<never>(() => {});
const CANCEL = new AbortController().signal;

Deno.test("the wait ends with the result, the timeout or the cancellation", async () => {
  const limits = { timeoutMs: 10_000, cancel: CANCEL };
  assert.equal(await cutOff(Promise.resolve("done"), limits), "done");
  const timedOut = await cutOff(never, { ...limits, timeoutMs: 1 });
  assert.deepEqual(timedOut, { tag: "timed_out", afterMs: 1 });
  const cancelled = await cutOff(never, { ...limits, cancel: AbortSignal.abort() });
  assert.deepEqual(cancelled, { tag: "cancelled" });
  await assert.rejects(cutOff(Promise.reject(new Error("a bug")), limits), /a bug/);
});

Deno.test("an abort is noticed after a garbage collection, which loses that of AbortSignal.any on Deno 2.6", async () => {
  const cancel = new AbortController();
  let isHeard = false;
  aborted(CANCEL, cancel.signal).then(() => isHeard = true);
  for (let round = 0; round < 3; round++) {
    await new Promise((resolve) => setTimeout(resolve, 5));
    collectGarbage();
  }
  cancel.abort();
  await waitFor("the abort to be noticed", () => isHeard);
});
