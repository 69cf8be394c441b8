import assert from "node:assert/strict";
import type { Hint } from "../../../lib/watch/events/file_events.ts";
import { Debounce, LONGEST_BURST_MS, WRITER_SILENCE_MS } from "../../../lib/watch/debounce.ts";

const writing = (path: string): Hint => ({ tag: "writing", path });
const done = (path: string): Hint => ({ tag: "settled", path });
const LOST: Hint = { tag: "lost" };

/** A quiet time of 10 ms to settle that has noted hints at their times. */
function quietAfter(...hints: readonly (readonly [atMs: number, hint: Hint])[]): Debounce {
  const quiet = new Debounce({ settleMs: 10 });
  for (const [atMs, hint] of hints) quiet.note(hint, atMs);
  return quiet;
}

Deno.test("without a hint all is quiet", () => {
  assert.equal(quietAfter().remainingMs(0), 0);
});

for (const hint of [done("/a"), LOST]) {
  Deno.test(`after "${hint.tag}" the settle time is waited for`, () => {
    const quiet = quietAfter([100, hint]);
    assert.equal(quiet.remainingMs(100), 10);
    assert.equal(quiet.remainingMs(104), 6);
    assert.equal(quiet.remainingMs(110), 0);
    assert.equal(quiet.remainingMs(5_000), 0);
  });
}

Deno.test("each further hint begins the settle time anew", () => {
  assert.equal(quietAfter([100, done("/a")], [108, done("/b")]).remainingMs(109), 9);
});

Deno.test("without a settle time a closed file counts at once", () => {
  const quiet = new Debounce({ settleMs: 0 });
  quiet.note(done("/a"), 100);
  assert.equal(quiet.remainingMs(100), 0);
});

Deno.test("a file that is written is waited for until its writer has been silent for long", () => {
  const quiet = quietAfter([100, writing("/a")], [400, writing("/a")]);
  assert.equal(quiet.remainingMs(400), WRITER_SILENCE_MS);
  assert.equal(quiet.remainingMs(400 + WRITER_SILENCE_MS), 0);
});

Deno.test("a close ends the wait for its file alone", () => {
  const quiet = quietAfter([100, writing("/a")], [100, writing("/b")]);
  quiet.note(done("/a"), 200);
  assert.equal(quiet.remainingMs(200), WRITER_SILENCE_MS - 100);
  quiet.note(done("/b"), 300);
  assert.equal(quiet.remainingMs(300), 10);
});

Deno.test("that events were lost says nothing of a writer", () => {
  const quiet = quietAfter([100, writing("/a")], [200, LOST]);
  assert.equal(quiet.remainingMs(200), WRITER_SILENCE_MS - 100);
});

Deno.test("changes that never pause are waited for only so long", () => {
  const quiet = quietAfter();
  for (let atMs = 0; atMs <= LONGEST_BURST_MS; atMs += 5) quiet.note(done("/a"), atMs);
  assert.equal(quiet.remainingMs(LONGEST_BURST_MS - 5), 5);
  assert.equal(quiet.remainingMs(LONGEST_BURST_MS), 0);
});

Deno.test("a long settle time makes the longest burst longer", () => {
  const quiet = new Debounce({ settleMs: 500 });
  for (let atMs = 0; atMs <= 4_900; atMs += 100) quiet.note(done("/a"), atMs);
  assert.equal(quiet.remainingMs(4_900), 100);
  assert.equal(quiet.remainingMs(5_000), 0);
});

Deno.test("a burst does not go on after a look", () => {
  const quiet = quietAfter([0, done("/a")], [LONGEST_BURST_MS, writing("/a")]);
  quiet.reset();
  assert.equal(quiet.remainingMs(LONGEST_BURST_MS), 0);
  quiet.note(done("/b"), LONGEST_BURST_MS);
  assert.equal(quiet.remainingMs(LONGEST_BURST_MS), 10);
});

Deno.test("a flood of writers is waited for as one", () => {
  const hints = Array.from(
    { length: 200_000 },
    (_, index) => [index / 1_000, writing(`/${index}`)] as const,
  );
  const quiet = quietAfter(...hints.slice(0, 100));
  for (const [atMs, hint] of hints) quiet.note(hint, atMs);
  assert.equal(Math.round(quiet.remainingMs(200)), WRITER_SILENCE_MS);
  // Nobody knows whether that was the last of them.
  hints.forEach(([atMs], index) => quiet.note(done(`/${index}`), 200 + atMs));
  assert.ok(quiet.remainingMs(400) > 10);
  assert.equal(quiet.remainingMs(200 + WRITER_SILENCE_MS), 0);
  quiet.reset();
  assert.equal(quiet.remainingMs(200), 0);
});
