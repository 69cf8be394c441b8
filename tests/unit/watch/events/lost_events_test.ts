import assert from "node:assert/strict";
import type { LogEntry } from "../../../../lib/system/log.ts";
import { createLossReport } from "../../../../lib/watch/events/lost_events.ts";
import { waitFor } from "../../../support/wait.ts";

const ABOUT_NAME = new TypeError("path contains invalid UTF-8 characters");

/** A report with its log, and a rescan pause of 50 ms. */
class Losses implements Disposable {
  rescans = 0;
  readonly logged: LogEntry[] = [];
  readonly report = createLossReport({
    onLoss: () => this.rescans++,
    log: (entry) => this.logged.push(entry),
    rescanPauseMs: 50,
  });

  [Symbol.dispose](): void {
    this.report.close();
  }
}

Deno.test("a flood of losses leads to one line and two rescans: at once, and after the pause", async () => {
  using losses = new Losses();
  for (let lost = 0; lost < 10_000; lost++) await losses.report.report(ABOUT_NAME);
  assert.equal(losses.rescans, 1);
  await waitFor("the second rescan", () => losses.rescans > 1);
  await losses.report.report(ABOUT_NAME);
  assert.equal(losses.rescans, 2);
  await waitFor("what came in the second pause", () => losses.rescans > 2);
  assert.deepEqual(losses.logged.map(({ level, text }) => `${level}: ${text}`), [
    "warning: file events may have been lost: an entry of a watched directory has a name that " +
    "is not UTF-8; all sources are scanned again, now and after each further loss, at most every 50ms",
  ]);
});

Deno.test("a single loss leads to a single rescan", async () => {
  using losses = new Losses();
  await losses.report.report(ABOUT_NAME);
  using later = new Losses();
  await later.report.report(ABOUT_NAME);
  await later.report.report(ABOUT_NAME);
  await waitFor("the second rescan of what began later", () => later.rescans === 2);
  assert.equal(losses.rescans, 1);
});

Deno.test("a possible loss leads to a rescan and no line", async () => {
  using losses = new Losses();
  for (let times = 0; times < 3; times++) losses.report.rescanSoon();
  assert.equal(losses.rescans, 1);
  await waitFor("the second rescan", () => losses.rescans === 2);
  assert.deepEqual(losses.logged, []);
});

Deno.test("another error is reported by its own text, and the next event is taken only after a pause", async () => {
  using losses = new Losses();
  const startedMs = performance.now();
  await losses.report.report(new Error("Input/output error (os error 5)"));
  assert.ok(performance.now() - startedMs > 900);
  assert.match(losses.logged[0]!.text, /been lost: Input\/output error; all/);
});

Deno.test("causes whose texts differ each time do not flood the log", async () => {
  using losses = new Losses();
  for (let cause = 0; cause < 100; cause++) {
    await losses.report.report(new TypeError(`UTF-8 ${cause}`));
  }
  assert.equal(losses.logged.length, 10);
});
