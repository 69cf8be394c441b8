import assert from "node:assert/strict";
import { waitFor } from "../../support/wait.ts";
import { aborted, cutOff, sleep, within } from "../../../lib/system/cut_off.ts";
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

Deno.test("work without a cancellation has a time limit alone", async () => {
  assert.equal(await within(10_000, Promise.resolve("done")), "done");
  assert.equal(await within(1, never), null);
  await assert.rejects(within(10_000, Promise.reject(new Error("a bug"))), /a bug/);
});

Deno.test("a sleep ends after its time, or at once with an abort", async () => {
  const startedMs = performance.now();
  await sleep(20, CANCEL);
  assert.ok(performance.now() - startedMs >= 19);
  await sleep(2 ** 30, CANCEL, AbortSignal.abort());
  const cancel = new AbortController();
  const sleeping = sleep(2 ** 30, cancel.signal, CANCEL);
  cancel.abort();
  await sleeping;
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

Deno.test("nothing is left at a signal that never aborts", async () => {
  const { signal } = new AbortController();
  const listeners = new Set<unknown>();
  signal.addEventListener = (_: string, listener: unknown) => void listeners.add(listener);
  signal.removeEventListener = (_: string, listener: unknown) => void listeners.delete(listener);
  const cancel = new AbortController();
  const waiting = aborted(signal, cancel.signal);
  assert.equal(listeners.size, 1);
  cancel.abort();
  await waiting;
  await aborted(signal, cancel.signal);
  await aborted(cancel.signal, signal);
  assert.equal(listeners.size, 0);
  await cutOff(Promise.resolve(), { timeoutMs: 10_000, cancel: signal });
  await sleep(0, signal);
  assert.equal(listeners.size, 0);
});
