/** What the actions do with the supervisor's timer; the end-to-end tests carry out all others. */
import assert from "node:assert/strict";
import { RealEffects } from "../../../../lib/supervisor/actions/effects.ts";
import type { Parts } from "../../../../lib/supervisor/actions/parts.ts";
import { waitFor } from "../../../support/wait.ts";

const UNREADABLE = { seen: { tag: "unreadable", unreadable: [] } };

Deno.test("a scan for a retry that finds files unreadable leaves the timer of a later state alone", async () => {
  const scanned = Promise.withResolvers<unknown>();
  const dueMs: number[] = [];
  const effects = new RealEffects({
    settings: { watch: false, settleMs: 0, shutdownWaitMs: null },
    scanner: { scan: () => scanned.promise },
    leftovers: { processes: [] },
    sources: [],
    loadedFiles: { configurations: () => [] },
    post: () => dueMs.push(performance.now()),
    readKernelFile: () => null,
  } as unknown as Parts);
  effects.perform({ name: "scan_for_retry" });
  // Meanwhile the wrapper was asked to drain.
  const leftMs = performance.now();
  effects.perform({ name: "set_timer", delayMs: 1_500 });
  scanned.resolve(UNREADABLE);
  await waitFor("the timer", () => dueMs.length > 0);
  assert.ok(dueMs[0]! - leftMs > 1_400, `it was due after ${dueMs[0]! - leftMs} ms`);
  // Without another timer it is the next scan's.
  effects.perform({ name: "scan_for_retry" });
  await waitFor("the timer", () => dueMs.length > 1);
});
