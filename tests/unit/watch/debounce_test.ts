import assert from "node:assert/strict";
import type { Hint } from "../../../lib/watch/events/file_events.ts";
import { Debounce, LONGEST_BURST_MS, WRITER_SILENCE_MS } from "../../../lib/watch/debounce.ts";

const writing = (path: string): Hint => ({ tag: "writing", path });
const done = (path: string): Hint => ({ tag: "settled", path });
const LOST: Hint = { tag: "lost" };

/** A debounce of 10 ms that has noted hints at their times. */
function debounceAfter(...hints: readonly (readonly [atMs: number, hint: Hint])[]): Debounce {
  const debounce = new Debounce(10);
  for (const [atMs, hint] of hints) debounce.note(hint, atMs);
  return debounce;
}

Deno.test("without a hint the sources are settled", () => {
  assert.equal(debounceAfter().remainingMs(0), 0);
});

for (const hint of [done("/a"), LOST]) {
  Deno.test(`after "${hint.tag}" it waits for the settle time`, () => {
    const debounce = debounceAfter([100, hint]);
    assert.equal(debounce.remainingMs(100), 10);
    assert.equal(debounce.remainingMs(104), 6);
    assert.equal(debounce.remainingMs(110), 0);
    assert.equal(debounce.remainingMs(5_000), 0);
  });
}

Deno.test("each further hint restarts the settle time", () => {
  assert.equal(debounceAfter([100, done("/a")], [108, done("/b")]).remainingMs(109), 9);
});

Deno.test("without a settle time a closed file counts at once", () => {
  const debounce = new Debounce(0);
  debounce.note(done("/a"), 100);
  assert.equal(debounce.remainingMs(100), 0);
});

Deno.test("it waits for an open file until its writer has been silent for long enough", () => {
  const debounce = debounceAfter([100, writing("/a")], [400, writing("/a")]);
  assert.equal(debounce.remainingMs(400), WRITER_SILENCE_MS);
  assert.equal(debounce.remainingMs(400 + WRITER_SILENCE_MS), 0);
});

Deno.test("a close ends the wait for its own file only", () => {
  const debounce = debounceAfter([100, writing("/a")], [100, writing("/b")]);
  debounce.note(done("/a"), 200);
  assert.equal(debounce.remainingMs(200), WRITER_SILENCE_MS - 100);
  debounce.note(done("/b"), 300);
  assert.equal(debounce.remainingMs(300), 10);
});

Deno.test("a loss of events says nothing about a writer", () => {
  const debounce = debounceAfter([100, writing("/a")], [200, LOST]);
  assert.equal(debounce.remainingMs(200), WRITER_SILENCE_MS - 100);
});

Deno.test("it waits for continuous changes only up to a limit", () => {
  const debounce = debounceAfter();
  for (let atMs = 0; atMs <= LONGEST_BURST_MS; atMs += 5) debounce.note(done("/a"), atMs);
  assert.equal(debounce.remainingMs(LONGEST_BURST_MS - 5), 5);
  assert.equal(debounce.remainingMs(LONGEST_BURST_MS), 0);
});

Deno.test("a long settle time extends the longest burst", () => {
  const debounce = new Debounce(500);
  for (let atMs = 0; atMs <= 4_900; atMs += 100) debounce.note(done("/a"), atMs);
  assert.equal(debounce.remainingMs(4_900), 100);
  assert.equal(debounce.remainingMs(5_000), 0);
});

Deno.test("a burst ends with a scan", () => {
  const debounce = debounceAfter([0, done("/a")], [LONGEST_BURST_MS, writing("/a")]);
  debounce.reset();
  assert.equal(debounce.remainingMs(LONGEST_BURST_MS), 0);
  debounce.note(done("/b"), LONGEST_BURST_MS);
  assert.equal(debounce.remainingMs(LONGEST_BURST_MS), 10);
});

Deno.test("it waits for a flood of writers as for one", () => {
  const hints = Array.from(
    { length: 200_000 },
    (_, index) => [index / 1_000, writing(`/${index}`)] as const,
  );
  const debounce = debounceAfter(...hints.slice(0, 100));
  for (const [atMs, hint] of hints) debounce.note(hint, atMs);
  assert.equal(Math.round(debounce.remainingMs(200)), WRITER_SILENCE_MS);
  // That may not have been the last of them.
  hints.forEach(([atMs], index) => debounce.note(done(`/${index}`), 200 + atMs));
  assert.ok(debounce.remainingMs(400) > 10);
  assert.equal(debounce.remainingMs(200 + WRITER_SILENCE_MS), 0);
  debounce.reset();
  assert.equal(debounce.remainingMs(200), 0);
});
