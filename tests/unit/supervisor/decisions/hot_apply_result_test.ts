import assert from "node:assert/strict";
import type { Applied, HotApplyOutcome, Refused } from "../../../../lib/hot_apply/hot_apply.ts";
import type { Use } from "../../../../lib/loaded/targets.ts";
import type { StateOf } from "../../../../lib/supervisor/state/state.ts";
import { endHotApply } from "../../../../lib/supervisor/decisions/hot_apply_result.ts";
import {
  content,
  decideAll,
  EVENTS,
  expectService,
  expectState,
  find,
  hotApplyEnded,
  linesOf,
  names,
  POLICY,
  rejected,
  SERVICE,
  settled,
  STATES,
  withService,
} from "../samples.ts";

const use: Use = { tag: "ca_file", path: "/ca.pem", name: "/ca.pem" };
const APPLIED: Applied = { use, detail: "2 certificates", durationMs: 4.6 };
const REFUSED: Refused = { use, reason: "is gone", awaited: "its return" };

const end = (
  outcome: Partial<HotApplyOutcome> = {},
  { state = STATES.hot_applying as StateOf<"hot_applying">, policy = POLICY } = {},
) => endHotApply(state, hotApplyEnded(outcome), policy);

Deno.test("after a hot apply the same generation serves the new content", () => {
  const fingerprint = content("given");
  const [next, actions] = end({ fingerprint, applied: [APPLIED] });
  const serving = { ...SERVICE.serving, fingerprint };
  assert.deepEqual(next, { name: "serving", service: { ...SERVICE, serving } });
  assert.deepEqual(linesOf(actions), [
    'CA file "/ca.pem" updated in generation 3 without a reload in 5 ms (2 certificates)',
  ]);
  assert.deepEqual(names(actions), ["log"]);
});

Deno.test("a hot apply ends what was rejected before", () => {
  const state = withService(STATES.hot_applying, { rejected: rejected("bad") });
  assert.equal(expectService(end({}, { state })[0], "serving").rejected, null);
});

Deno.test("what was refused is rejected until something changes, with a warning", () => {
  const [next, actions] = end({ refused: [REFUSED], fingerprint: content("served") });
  assert.deepEqual(expectService(next, "serving"), {
    ...SERVICE,
    rejected: rejected("new", { generation: null, failures: 0, refused: [REFUSED] }),
  });
  assert.deepEqual(linesOf(actions), [
    'CA file "/ca.pem" is gone; generation 3 keeps the old one, waiting for its return',
  ]);
  assert.equal(find(actions, "log")?.entry.level, "warning");
});

Deno.test("what was refused before for the same reason is not told again", () => {
  const other: Refused = { ...REFUSED, use: { ...use, path: "/other.pem" } };
  const empty: Refused = { ...REFUSED, reason: "is empty" };
  const before = rejected("bad", { generation: null, refused: [REFUSED] });
  const state = withService(STATES.hot_applying, { rejected: before });
  for (const [refused, said] of [[[REFUSED], 0], [[REFUSED, other], 1], [[empty], 1]] as const) {
    const [next, actions] = end({ refused }, { state });
    assert.equal(linesOf(actions).length, said);
    assert.deepEqual(expectService(next, "serving").rejected?.refused, refused);
  }
});

Deno.test("what is refused and reloaded for something else is told as such", () => {
  const next = { tag: "reload", reason: null } as const;
  assert.deepEqual(linesOf(end({ refused: [REFUSED], next })[1]), [
    'CA file "/ca.pem" is gone; loaded as it is, by a reload that another change needs',
  ]);
  const state = afterRejection(null);
  assert.match(linesOf(end({ refused: [REFUSED], next }, { state })[1])[0]!, /keeps the old one/);
});

Deno.test("what becomes fit by itself is tried again then, but at least once an hour", () => {
  for (const [fitInMs, delayMs] of [[1_000.2, 1_001], [3_600_001, 3_600_000]] as const) {
    const [next, actions] = end({ refused: [REFUSED], fitInMs });
    const { isDue, service } = expectState(next, "retrying");
    assert.equal(isDue, false);
    assert.deepEqual(service.rejected?.fingerprint, content("new"));
    assert.deepEqual(find(actions, "set_timer"), { name: "set_timer", delayMs });
  }
});

Deno.test("files that changed again are scanned, and what was applied is kept", () => {
  const fingerprint = content("given");
  const [next, actions] = end({ fingerprint, applied: [APPLIED], next: { tag: "look" } });
  assert.deepEqual(expectService(next, "serving").serving.fingerprint, fingerprint);
  assert.deepEqual(names(actions), ["log", "scan_soon"]);
});

Deno.test("what only a reload can do is reloaded, and the reason is said", () => {
  const next = { tag: "reload", reason: '"/ca.pem": it is longer' } as const;
  const [state, actions] = end({ fingerprint: content("served"), next });
  const { attempt, service } = expectState(state, "reloading");
  assert.deepEqual(attempt, STATES.reloading.attempt);
  assert.deepEqual(service.serving.fingerprint, content("served"));
  assert.deepEqual(names(actions), ["log", "clear_timer", "start_handoff"]);
  assert.deepEqual(linesOf(actions), [
    'cannot hot-apply to generation 3, reloading: "/ca.pem": it is longer',
  ]);
});

Deno.test("a reload that nobody has to be told of is not", () => {
  assert.deepEqual(linesOf(end({ next: { tag: "reload", reason: null } })[1]), []);
});

Deno.test("what serves keeps what was applied before the reload", () => {
  const fingerprint = content("half");
  const next = { tag: "reload", reason: "no" } as const;
  const [state, actions] = end({ fingerprint, applied: [APPLIED], next });
  assert.deepEqual(expectService(state, "reloading").serving.fingerprint, fingerprint);
  assert.equal(linesOf(actions).length, 2);
});

Deno.test("the reload waits for the least time since the last one", () => {
  const policy = { ...POLICY, minReloadIntervalMs: 60_000 };
  const next = { tag: "reload", reason: null } as const;
  const [state, actions] = end({ next, fingerprint: content("served") }, { policy });
  assert.equal(state.name, "delaying");
  assert.deepEqual(find(actions, "set_timer"), { name: "set_timer", delayMs: 51_000 });
});

Deno.test("a held reload comes when its time has come, whatever was applied before", () => {
  const policy = { ...POLICY, minReloadIntervalMs: 60_000 };
  const outcome = { next: { tag: "reload", reason: null }, fingerprint: content("half") } as const;
  const [held] = end(outcome, { policy });
  const [next] = decideAll(held, [EVENTS.timer_due, settled("new", 70_000)], policy);
  assert.equal(next.name, "reloading");
});

Deno.test("a retry that only a reload can do has waited already", () => {
  const policy = { ...POLICY, minReloadIntervalMs: 60_000 };
  const attempt = { fingerprint: content("new"), cause: { tag: "retry" } } as const;
  const before = withService(STATES.hot_applying, { rejected: rejected("new") });
  const state = { ...before, attempt };
  const [next] = end({ next: { tag: "reload", reason: null } }, { state, policy });
  assert.deepEqual(expectState(next, "reloading").attempt, { number: 4, ...attempt });
});

Deno.test("a signal meanwhile reloads what is on disk then, needed or not, and waits for nothing", () => {
  const policy = { ...POLICY, minReloadIntervalMs: 60_000 };
  const pending = { order: "SIGHUP", changedDuringRead: false } as const;
  const state: StateOf<"hot_applying"> = { ...STATES.hot_applying, pending };
  for (const next of [{ tag: "reload", reason: null }, { tag: "nothing" }] as const) {
    const [after, actions] = end({ next }, { state, policy });
    assert.equal(after.name, "serving");
    assert.deepEqual(actions, [{ name: "scan_and_reload", order: "SIGHUP" }]);
  }
});

Deno.test("many files, applied or refused, are told of in few lines", () => {
  const [, actions] = end({
    applied: Array.from({ length: 8 }, () => APPLIED),
    refused: Array.from({ length: 8 }, () => REFUSED),
  });
  const texts = linesOf(actions);
  assert.equal(texts.length, 5 + 1 + 5 + 1);
  assert.equal(texts[5], "3 more files updated in generation 3 without a reload");
  assert.equal(texts[11], "3 more files must not be served; generation 3 keeps the old ones");
});

const REJECTED = rejected("new", { failures: 2 });

/** Only the certificates were applied, because generation 4 was rejected. */
const afterRejection = (retryMs: number | null): StateOf<"hot_applying"> => ({
  ...STATES.hot_applying,
  rejection: { rejected: REJECTED, retryMs },
});

Deno.test("after a rejection what was applied is kept, and the rejection counts on", () => {
  const state = afterRejection(null);
  const fingerprint = content("half");
  const [next, actions] = end({ fingerprint, applied: [APPLIED] }, { state });
  const serving = { ...SERVICE.serving, fingerprint };
  assert.deepEqual(expectService(next, "serving"), { ...SERVICE, serving, rejected: REJECTED });
  assert.deepEqual(names(actions), ["log", "verify"]);
  assert.equal(find(actions, "verify")?.generation, 4);
});

Deno.test("after a rejection that may pass the retry comes, whatever became of the certificates", () => {
  const state = afterRejection(2_000);
  for (const next of [{ tag: "nothing" }, { tag: "reload", reason: "no" }] as const) {
    const [after, actions] = end({ next }, { state });
    assert.deepEqual(expectService(after, "retrying").rejected, REJECTED);
    const logs = next.tag === "nothing" ? [] : ["log"];
    assert.deepEqual(names(actions), [...logs, "verify", "set_timer"]);
    assert.equal(find(actions, "set_timer")?.delayMs, 2_000);
  }
});

Deno.test("after a rejection a signal meanwhile is not forgotten", () => {
  const pending = { order: "SIGUSR2", changedDuringRead: false } as const;
  const state = { ...afterRejection(null), pending };
  assert.deepEqual(end({}, { state })[1], [{ name: "scan_and_reload", order: "SIGUSR2" }]);
});

Deno.test("after a rejection a certificate that becomes valid is tried again then, or with the retry", () => {
  for (const [retryMs, fitInMs, delayMs] of [[null, 500.5, 501], [200, 500, 200]] as const) {
    const state = afterRejection(retryMs);
    const [next, actions] = end({ refused: [REFUSED], fitInMs }, { state });
    assert.equal(next.name, "retrying");
    assert.equal(find(actions, "set_timer")?.delayMs, delayMs);
  }
});

Deno.test("after a rejection what was refused is remembered, and not told again at the next change", () => {
  const [next, first] = end({ refused: [REFUSED] }, { state: afterRejection(null) });
  const remembered = expectService(next, "serving").rejected;
  assert.deepEqual(remembered, { ...REJECTED, refused: [REFUSED] });
  assert.equal(linesOf(first).length, 1);
  const state = withService(afterRejection(null), { rejected: remembered });
  const [last, second] = end({ refused: [REFUSED] }, { state });
  assert.deepEqual(linesOf(second), []);
  assert.deepEqual(expectService(last, "serving").rejected?.refused, [REFUSED]);
  assert.deepEqual(expectService(end({}, { state })[0], "serving").rejected, REJECTED);
});

Deno.test("what was hot-applied decides what can be hot-applied next, confirmed or not", () => {
  const authority = { tag: "ca_file", path: "/ca", name: "/ca" } as const;
  const certificate = { path: "/a", name: "/a", keyPath: null, isMember: false };
  const one = { ...certificate, tag: "certificate" } as const;
  const uses = { byPath: new Map([["/ca", [authority]], ["/a", [one]]]), replacesCrt: false };
  const state = withService(STATES.hot_applying, { serving: { ...SERVICE.serving, uses } });
  const done = { use: one, detail: "", durationMs: 1 };
  const left = (outcome: Parameters<typeof end>[0]) => [
    ...expectService(end(outcome, { state })[0], "serving").serving.uses.byPath.keys(),
  ];
  assert.deepEqual(left({ applied: [done] }), ["/a"]);
  assert.deepEqual(left({ unconfirmed: [authority] }), ["/ca"]);
  assert.deepEqual(left({}), ["/ca", "/a"]);
});
