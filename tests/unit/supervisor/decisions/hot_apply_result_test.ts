import assert from "node:assert/strict";
import type { Applied, HotApplyOutcome, Refused } from "../../../../lib/hot_apply/hot_apply.ts";
import type { Target } from "../../../../lib/loaded/targets.ts";
import { endHotApply } from "../../../../lib/supervisor/decisions/hot_apply_result.ts";
import type { StateOf } from "../../../../lib/supervisor/state/state.ts";
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

const target: Target = { tag: "ca_file", path: "/ca.pem", name: "/ca.pem" };
const APPLIED: Applied = { target, detail: "2 certificates", durationMs: 4.6 };
const REFUSED: Refused = { target, reason: "is gone", awaited: "its return" };
const RELOAD = { tag: "reload", reason: null } as const;
const ONE_A_MINUTE = { ...POLICY, minReloadIntervalMs: 60_000 };

const end = (
  outcome: Partial<HotApplyOutcome>,
  { state = STATES.hot_applying as StateOf<"hot_applying">, policy = POLICY } = {},
) => endHotApply(state, hotApplyEnded(outcome), policy);

Deno.test("after a hot apply the same generation serves the new content", () => {
  const fingerprint = content("given");
  const [next, actions] = end({ fingerprint, applied: [APPLIED] });
  const serving = { ...SERVICE.serving, fingerprint };
  assert.deepEqual(next, { name: "serving", service: { ...SERVICE, serving } });
  assert.deepEqual(names(actions), ["log"]);
  assert.deepEqual(linesOf(actions), [
    'CA file "/ca.pem" updated in generation 3 without a reload in 5 ms (2 certificates)',
  ]);
});

Deno.test("a hot apply clears an earlier rejection", () => {
  const state = withService(STATES.hot_applying, { rejected: rejected("bad") });
  assert.equal(expectService(end({}, { state })[0], "serving").rejected, null);
});

Deno.test("a refused file counts as rejected until something changes, with a warning", () => {
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

Deno.test("a file refused before for the same reason is not logged again", () => {
  const other: Refused = { ...REFUSED, target: { ...target, path: "/other.pem" } };
  const empty: Refused = { ...REFUSED, reason: "is empty" };
  const before = rejected("bad", { generation: null, refused: [REFUSED] });
  const state = withService(STATES.hot_applying, { rejected: before });
  for (const [refused, lines] of [[[REFUSED], 0], [[REFUSED, other], 1], [[empty], 1]] as const) {
    const [next, actions] = end({ refused }, { state });
    assert.equal(linesOf(actions).length, lines);
    assert.deepEqual(expectService(next, "serving").rejected?.refused, refused);
  }
});

Deno.test("a file that becomes valid later is retried then, and at least once an hour", () => {
  for (const [fitInMs, delayMs] of [[1_000.2, 1_001], [3_600_001, 3_600_000]] as const) {
    const [next, actions] = end({ refused: [REFUSED], fitInMs });
    const { isDue, service } = expectState(next, "retrying");
    assert.deepEqual([isDue, service.rejected?.fingerprint], [false, content("new")]);
    assert.deepEqual(find(actions, "set_timer"), { name: "set_timer", delayMs });
  }
});

Deno.test("files that changed again are scanned, and applied files are kept", () => {
  const fingerprint = content("given");
  const [next, actions] = end({ fingerprint, applied: [APPLIED], next: { tag: "scan" } });
  assert.deepEqual(expectService(next, "serving").serving.fingerprint, fingerprint);
  assert.deepEqual(names(actions), ["log", "scan_soon"]);
});

Deno.test("a reload follows if needed, with a line if there is a reason, and applied files are kept", () => {
  const fingerprint = content("half");
  const reason = '"/ca.pem": it is longer';
  const [next, actions] = end({ fingerprint, next: { tag: "reload", reason } });
  const { attempt, service } = expectState(next, "reloading");
  assert.deepEqual(attempt, STATES.reloading.attempt);
  assert.deepEqual(service.serving.fingerprint, fingerprint);
  assert.deepEqual(names(actions), ["log", "clear_timer", "start_handoff"]);
  assert.deepEqual(linesOf(actions), [`cannot hot-apply to generation 3, reloading: ${reason}`]);
  assert.deepEqual(linesOf(end({ next: RELOAD })[1]), []);
});

Deno.test("a refused file that another change reloads is logged as such", () => {
  assert.deepEqual(linesOf(end({ refused: [REFUSED], next: RELOAD })[1]), [
    'CA file "/ca.pem" is gone; loaded as it is, by a reload that another change needs',
  ]);
  const [, actions] = end({ refused: [REFUSED], next: RELOAD }, { state: afterRejection(null) });
  assert.match(linesOf(actions)[0]!, /keeps the old one/);
});

Deno.test("the reload waits for the interval and then happens, whatever was applied before", () => {
  const fingerprint = content("half");
  const [delayed, actions] = end({ next: RELOAD, fingerprint }, { policy: ONE_A_MINUTE });
  assert.equal(delayed.name, "delaying");
  assert.deepEqual(find(actions, "set_timer"), { name: "set_timer", delayMs: 51_000 });
  const [next] = decideAll(delayed, [EVENTS.timer_due, settled("new", 70_000)], ONE_A_MINUTE);
  assert.equal(next.name, "reloading");
});

Deno.test("a retry that needs a reload does not wait again", () => {
  const attempt = { fingerprint: content("new"), cause: { tag: "retry" } } as const;
  const before = withService(STATES.hot_applying, { rejected: rejected("new") });
  const [next] = end({ next: RELOAD }, { state: { ...before, attempt }, policy: ONE_A_MINUTE });
  assert.deepEqual(expectState(next, "reloading").attempt, { number: 4, ...attempt });
});

Deno.test("a signal in the meantime reloads what is on disk, needed or not, without a delay", () => {
  const pending = { order: "SIGHUP", changedDuringRead: false } as const;
  for (const state of [STATES.hot_applying, afterRejection(null)]) {
    for (const next of [RELOAD, { tag: "nothing" }] as const) {
      const options = { state: { ...state, pending }, policy: ONE_A_MINUTE };
      const [after, actions] = end({ next }, options);
      assert.equal(after.name, "serving");
      assert.deepEqual(actions, [{ name: "scan_and_reload", order: "SIGHUP" }]);
    }
  }
});

Deno.test("many applied or refused files are logged in few lines", () => {
  const lines = linesOf(
    end({ applied: Array(8).fill(APPLIED), refused: Array(8).fill(REFUSED) })[1],
  );
  assert.equal(lines.length, 5 + 1 + 5 + 1);
  assert.equal(lines[5], "3 more files updated in generation 3 without a reload");
  assert.equal(lines[11], "3 more files must not be served; generation 3 keeps the old ones");
});

const REJECTED = rejected("new", { failures: 2 });

/** Only the certificates were applied, because generation 4 was rejected. */
function afterRejection(retryMs: number | null): StateOf<"hot_applying"> {
  return { ...STATES.hot_applying, rejection: { rejected: REJECTED, retryMs } };
}

Deno.test("after a rejection, applied files are kept and the rejection stands", () => {
  const fingerprint = content("half");
  const [next, actions] = end({ fingerprint, applied: [APPLIED] }, { state: afterRejection(null) });
  const serving = { ...SERVICE.serving, fingerprint };
  assert.deepEqual(expectService(next, "serving"), { ...SERVICE, serving, rejected: REJECTED });
  assert.deepEqual(names(actions), ["log", "verify"]);
  assert.equal(find(actions, "verify")?.generation, 4);
});

Deno.test("after a rejection the retry is when due, or when a certificate becomes valid if that is sooner", () => {
  const times = [[2_000, null, 2_000], [null, 500.5, 501], [200, 500, 200]] as const;
  for (const [retryMs, fitInMs, delayMs] of times) {
    for (const next of [{ tag: "nothing" }, RELOAD] as const) {
      const [after, actions] = end({ next, fitInMs }, { state: afterRejection(retryMs) });
      assert.deepEqual(expectService(after, "retrying").rejected, REJECTED);
      assert.deepEqual(names(actions), ["verify", "set_timer"]);
      assert.equal(find(actions, "set_timer")?.delayMs, delayMs);
    }
  }
});

Deno.test("after a rejection, refused files are remembered and not logged again at the next change", () => {
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

Deno.test("hot-applied files decide what can be hot-applied next, confirmed or not", () => {
  const authority = { tag: "ca_file", path: "/ca", name: "/ca" } as const;
  const certificate = { path: "/a", name: "/a", keyPath: "/a.key", isMember: false };
  const one = { ...certificate, tag: "certificate" } as const;
  const targets = { byPath: new Map([["/ca", [authority]], ["/a", [one]]]), replacesCrt: false };
  const state = withService(STATES.hot_applying, { serving: { ...SERVICE.serving, targets } });
  const left = (outcome: Parameters<typeof end>[0]) => [
    ...expectService(end(outcome, { state })[0], "serving").serving.targets.byPath.keys(),
  ];
  assert.deepEqual(left({ applied: [{ target: one, detail: "", durationMs: 1 }] }), ["/a"]);
  assert.deepEqual(left({ unconfirmed: [authority] }), ["/ca"]);
  assert.deepEqual(left({}), ["/ca", "/a"]);
});
