import assert from "node:assert/strict";
import type { Applied, HotApplyOutcome, Refused } from "../../../../lib/hot_apply/hot_apply.ts";
import type { Use } from "../../../../lib/loaded/targets.ts";
import type { Action, StateOf } from "../../../../lib/supervisor/state/events.ts";
import { endHotApply } from "../../../../lib/supervisor/decisions/hot_apply_result.ts";
import {
  content,
  decideAll,
  EVENTS,
  expectState,
  find,
  hotApplyEnded,
  names,
  POLICY,
  SERVICE,
  settled,
  STATES,
} from "../samples.ts";

const use: Use = { tag: "ca_file", path: "/ca.pem", name: "/ca.pem" };
const REPLACED: Applied = { use, detail: "2 certificates", durationMs: 4.6 };
const REFUSED: Refused = { use, reason: "is gone", awaited: "its return" };

const end = (
  outcome: Partial<HotApplyOutcome> = {},
  { state = STATES.hot_applying as StateOf<"hot_applying">, policy = POLICY } = {},
) => endHotApply(state, hotApplyEnded(outcome), policy);

const textsOf = (actions: readonly Action[]) =>
  actions.flatMap((action) => action.name === "log" ? [action.entry.text] : []);

Deno.test("after a change in place the same generation serves the new content", () => {
  const fingerprint = content("given");
  const [next, actions] = end({ fingerprint, applied: [REPLACED] });
  const serving = { ...SERVICE.serving, fingerprint };
  assert.deepEqual(next, { ...SERVICE, name: "serving", serving });
  assert.deepEqual(textsOf(actions), [
    'CA file "/ca.pem" updated in generation 3 without a reload in 5 ms (2 certificates)',
  ]);
  assert.deepEqual(names(actions), ["log"]);
});

Deno.test("a change in place ends what was rejected before", () => {
  const rejected = {
    generation: 2,
    fingerprint: content("bad"),
    changedDuringRead: false,
    failures: 1,
  };
  const [next] = end({}, { state: { ...STATES.hot_applying, rejected } });
  assert.equal(expectState(next, "serving").rejected, null);
});

Deno.test("what was refused is rejected until something changes, with a warning", () => {
  const [next, actions] = end({ refused: [REFUSED], fingerprint: content("served") });
  const { rejected, serving } = expectState(next, "serving");
  const fingerprint = content("new");
  assert.deepEqual(rejected, {
    ...{ generation: null, fingerprint, changedDuringRead: false, failures: 0 },
    refused: [REFUSED],
  });
  assert.deepEqual(serving.fingerprint, content("served"));
  assert.deepEqual(textsOf(actions), [
    'CA file "/ca.pem" is gone; generation 3 keeps the old one and awaits its return',
  ]);
  assert.equal(find(actions, "log")?.entry.level, "warning");
});

Deno.test("what was refused before for the same reason is not told again", () => {
  const other: Refused = { ...REFUSED, use: { ...use, path: "/other.pem" } };
  const empty: Refused = { ...REFUSED, reason: "is empty" };
  const rejected = {
    ...{ generation: null, fingerprint: content("bad"), changedDuringRead: false, failures: 0 },
    refused: [REFUSED],
  };
  const state: StateOf<"hot_applying"> = { ...STATES.hot_applying, rejected };
  for (const [refused, said] of [[[REFUSED], 0], [[REFUSED, other], 1], [[empty], 1]] as const) {
    const [next, actions] = end({ refused }, { state });
    assert.equal(textsOf(actions).length, said);
    assert.deepEqual(expectState(next, "serving").rejected?.refused, refused);
  }
});

Deno.test("what is refused and reloaded for something else is told as such", () => {
  const next = { tag: "reload", reason: null } as const;
  assert.deepEqual(textsOf(end({ refused: [REFUSED], next })[1]), [
    'CA file "/ca.pem" is gone; the reload that is needed for something else takes it as it is',
  ]);
  const { state } = afterRejection(null);
  assert.match(textsOf(end({ refused: [REFUSED], next }, { state })[1])[0]!, /keeps the old one/);
});

Deno.test("what becomes fit by itself is tried again then, but at least once an hour", () => {
  for (const [fitInMs, delayMs] of [[1_000.2, 1_001], [3_600_001, 3_600_000]] as const) {
    const [next, actions] = end({ refused: [REFUSED], fitInMs });
    const { isDue, rejected } = expectState(next, "retrying");
    assert.equal(isDue, false);
    assert.deepEqual(rejected.fingerprint, content("new"));
    assert.deepEqual(find(actions, "set_timer"), { name: "set_timer", delayMs });
  }
});

Deno.test("where the files changed again they are looked at, and what was applied is kept", () => {
  const fingerprint = content("given");
  const [next, actions] = end({ fingerprint, applied: [REPLACED], next: { tag: "look" } });
  assert.deepEqual(expectState(next, "serving").serving.fingerprint, fingerprint);
  assert.deepEqual(names(actions), ["log", "scan_soon"]);
});

Deno.test("what only a reload can do is reloaded, and the reason is said", () => {
  const next = { tag: "reload", reason: '"/ca.pem": it is longer' } as const;
  const [state, actions] = end({ fingerprint: content("served"), next });
  const { attempt, serving } = expectState(state, "reloading");
  assert.deepEqual(attempt, {
    number: 4,
    fingerprint: content("new"),
    cause: { tag: "change" },
  });
  assert.deepEqual(serving.fingerprint, content("served"));
  assert.deepEqual(names(actions), ["log", "clear_timer", "start_handoff"]);
  assert.deepEqual(textsOf(actions), [
    'cannot change generation 3 in place, reloading: "/ca.pem": it is longer',
  ]);
});

Deno.test("a reload that nobody has to be told of is not", () => {
  assert.deepEqual(textsOf(end({ next: { tag: "reload", reason: null } })[1]), []);
});

Deno.test("what serves keeps what was applied before the reload", () => {
  const fingerprint = content("half");
  const next = { tag: "reload", reason: "no" } as const;
  const [state, actions] = end({ fingerprint, applied: [REPLACED], next });
  assert.deepEqual(expectState(state, "reloading").serving.fingerprint, fingerprint);
  assert.equal(textsOf(actions).length, 2);
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
  const fingerprint = content("new");
  const rejected = { generation: null, fingerprint, changedDuringRead: false, failures: 0 };
  const attempt = { fingerprint, cause: { tag: "retry" } } as const;
  const state = { ...STATES.hot_applying, rejected, attempt };
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

Deno.test("files that changed meanwhile are scanned again", () => {
  const pending = { order: null, changedDuringRead: true };
  assert.deepEqual(end({}, { state: { ...STATES.hot_applying, pending } })[1], [{
    name: "scan_soon",
  }]);
});

Deno.test("many files, applied or refused, are told of in few lines", () => {
  const [, actions] = end({
    applied: Array.from({ length: 8 }, () => REPLACED),
    refused: Array.from({ length: 8 }, () => REFUSED),
  });
  const texts = textsOf(actions);
  assert.equal(texts.length, 5 + 1 + 5 + 1);
  assert.equal(texts[5], "3 more files updated in generation 3 without a reload");
  assert.equal(texts[11], "3 more files are unfit; generation 3 keeps the old ones");
});

/** Only the certificates were changed, since generation 4 was rejected. */
function afterRejection(retryMs: number | null, more: Partial<StateOf<"hot_applying">> = {}) {
  const rejected = {
    generation: 4,
    fingerprint: content("new"),
    changedDuringRead: false,
    failures: 2,
  };
  const rejection = { rejected, retryMs };
  const state: StateOf<"hot_applying"> = { ...STATES.hot_applying, rejection, ...more };
  return { rejected, state };
}

Deno.test("after a rejection what was applied is kept, and the rejection counts on", () => {
  const { rejected, state } = afterRejection(null);
  const fingerprint = content("half");
  const [next, actions] = end({ fingerprint, applied: [REPLACED] }, { state });
  const serving = { ...SERVICE.serving, fingerprint };
  assert.deepEqual(next, { ...SERVICE, name: "serving", serving, rejected });
  assert.deepEqual(names(actions), ["log", "verify"]);
  assert.equal(find(actions, "verify")?.generation, 4);
});

Deno.test("after a rejection that may pass the retry comes, whatever became of the certificates", () => {
  const { rejected, state } = afterRejection(2_000);
  for (const next of [{ tag: "nothing" }, { tag: "reload", reason: "no" }] as const) {
    const [after, actions] = end({ next }, { state });
    assert.deepEqual(expectState(after, "retrying").rejected, rejected);
    const logs = next.tag === "nothing" ? [] : ["log"];
    assert.deepEqual(names(actions), [...logs, "verify", "set_timer"]);
    assert.equal(find(actions, "set_timer")?.delayMs, 2_000);
  }
});

Deno.test("after a rejection a signal meanwhile is not forgotten", () => {
  const { state } = afterRejection(null, {
    pending: { order: "SIGUSR2", changedDuringRead: false },
  });
  assert.deepEqual(end({}, { state })[1], [{ name: "scan_and_reload", order: "SIGUSR2" }]);
});

Deno.test("after a rejection a certificate that becomes valid is tried again then, or with the retry", () => {
  for (const [retryMs, fitInMs, delayMs] of [[null, 500.5, 501], [200, 500, 200]] as const) {
    const { state } = afterRejection(retryMs);
    const [next, actions] = end({ refused: [REFUSED], fitInMs }, { state });
    assert.equal(next.name, "retrying");
    assert.equal(find(actions, "set_timer")?.delayMs, delayMs);
  }
});

Deno.test("after a rejection what was refused is remembered, and not told again at the next change", () => {
  const { rejected, state } = afterRejection(null);
  const [next, first] = end({ refused: [REFUSED] }, { state });
  const remembered = expectState(next, "serving").rejected;
  assert.deepEqual(remembered, { ...rejected, refused: [REFUSED] });
  assert.equal(textsOf(first).length, 1);
  const again = afterRejection(null, { rejected: remembered });
  const [last, second] = end({ refused: [REFUSED] }, again);
  assert.deepEqual(textsOf(second), []);
  assert.deepEqual(expectState(last, "serving").rejected?.refused, [REFUSED]);
  const [mended] = end({}, { state: afterRejection(null, { rejected: remembered }).state });
  assert.deepEqual(expectState(mended, "serving").rejected, rejected);
});

Deno.test("what was changed in place decides what can be changed next, confirmed or not", () => {
  const authority = { tag: "ca_file", path: "/ca", name: "/ca" } as const;
  const certificate = { path: "/a", name: "/a", keyPath: null, isMember: false };
  const one = { ...certificate, tag: "certificate" } as const;
  const uses = { byPath: new Map([["/ca", [authority]], ["/a", [one]]]), replacesCrt: false };
  const state = { ...STATES.hot_applying, serving: { ...SERVICE.serving, uses } };
  const done = { use: one, detail: "", durationMs: 1 };
  const left = (outcome: Parameters<typeof end>[0]) => {
    const [next] = end(outcome, { state });
    return [..."serving" in next ? next.serving.uses.byPath.keys() : []];
  };
  assert.deepEqual(left({ applied: [done] }), ["/a"]);
  assert.deepEqual(left({ unconfirmed: [authority] }), ["/ca"]);
  assert.deepEqual(left({}), ["/ca", "/a"]);
});
