/** What served last starts if the files on disk do not, and serves until they do. */
import assert from "node:assert/strict";
import type { Failure } from "../../../../lib/haproxy/failure/failure.ts";
import { decide } from "../../../../lib/supervisor/decisions/decide.ts";
import { mayLieInFiles } from "../../../../lib/supervisor/decisions/last_good_fallback.ts";
import type { Event } from "../../../../lib/supervisor/state/events.ts";
import {
  changing,
  decideAll,
  EVENTS,
  expectService,
  expectState,
  failed,
  find,
  linesOf,
  names,
  POLICY,
  processEnded,
  ready,
  rejected,
  reloadRequested,
  restoredSet,
  SERVICE,
  settled,
  STATES,
} from "../samples.ts";

const LAST_GOOD = { directory: "/run/recorded", recordedMs: Date.UTC(2026, 10, 24, 12) } as const;
const SET = restoredSet(LAST_GOOD);

/** A start fails, and there is a set to fall back to. */
function failedWithSet({ mayPass = false, code = 1 } = {}): Event {
  const { outcome } = failed({ mayPass });
  assert.ok(outcome.tag === "failed");
  const failure: Failure = { tag: "died", ending: { tag: "exited", code } };
  const end = { ...outcome, failure, fallback: SET };
  return { name: "handoff_ended", outcome: end, atMs: 10_000 };
}

const OWN_FAILURE = failed({ mayPass: false });
/** The set itself is ready: it has no fingerprint of the files on disk. */
const READY = ready("", { fingerprint: null });

/** The set serves after generation 1 has failed. */
const servingSet = () =>
  expectState(decideAll(STATES.starting, [failedWithSet(), READY])[0], "serving");

Deno.test("a failed start is followed by one from what served last", () => {
  const [next, actions] = decide(STATES.starting, failedWithSet(), POLICY);
  const { attempt, failed } = expectState(next, "starting");
  const cause = { tag: "last_good", set: SET };
  assert.deepEqual(attempt, { number: 2, fingerprint: null, cause });
  assert.deepEqual(failed?.attempt, STATES.starting.attempt);
  assert.deepEqual(actions.slice(1), [
    { name: "discard", generation: 1 },
    { name: "start_handoff", attempt, takeOverFrom: null },
  ]);
  assert.equal(find(actions, "log")?.entry.level, "error");
});

Deno.test("while the set serves, the failed content counts as rejected, and what is on disk as unknown", () => {
  const [next, actions] = decideAll(STATES.starting, [failedWithSet(), READY]);
  assert.deepEqual(expectService(next, "serving"), {
    serving: { ...SERVICE.serving, number: 2, fingerprint: null, lastGood: LAST_GOOD },
    lastGeneration: 2,
    rejected: rejected("new", { generation: 1 }),
    past: STATES.starting.past,
  });
  assert.deepEqual(names(actions), ["log", "verify"]);
});

Deno.test("the failed files are not retried by themselves, but other content and signals are tried", () => {
  const serving = servingSet();
  assert.deepEqual(decide(serving, settled("new"), POLICY), [serving, []]);
  assert.deepEqual(decide(serving, changing("new"), POLICY), [serving, []]);
  for (const event of [settled("other"), reloadRequested("SIGHUP", "new")]) {
    const [next, actions] = decide(serving, event, POLICY);
    assert.equal(expectState(next, "reloading").attempt.number, 3);
    assert.equal(find(actions, "start_handoff")?.takeOverFrom, 2);
  }
});

Deno.test("a failure that may pass is retried after a second, then after two", () => {
  const [waiting, actions] = decideAll(STATES.starting, [failedWithSet({ mayPass: true }), READY]);
  assert.deepEqual(find(actions, "set_timer"), { name: "set_timer", delayMs: 1_000 });
  const retry = [EVENTS.timer_due, settled("new"), failed({ mayPass: true })];
  const [again, next] = decideAll(waiting, retry);
  assert.deepEqual(find(next, "set_timer"), { name: "set_timer", delayMs: 2_000 });
  assert.deepEqual(expectService(again, "retrying").serving.lastGood, LAST_GOOD);
  assert.match(linesOf(next)[0]!, /generation 2 keeps serving, from what served last; retry in 2s/);
});

Deno.test("as soon as the files on disk start, they take over from the set, which drains", () => {
  const [next, actions] = decideAll(servingSet(), [settled("mended"), ready("mended")]);
  const { serving, rejected, past } = expectService(next, "serving");
  assert.deepEqual([serving.number, serving.lastGood, rejected], [3, undefined, null]);
  assert.deepEqual(past.old.draining, [2]);
  assert.deepEqual(find(actions, "drain"), { name: "drain", generation: 2 });
});

Deno.test("nothing is hot-applied to the set", () => {
  const [next] = decideAll(servingSet(), [settled("other"), OWN_FAILURE]);
  expectState(next, "serving");
});

Deno.test("if the set fails too, the exit status is that of the files on disk", () => {
  for (const second of [OWN_FAILURE, failedWithSet({ code: 9 })]) {
    const [next, actions] = decideAll(STATES.starting, [failedWithSet({ code: 3 }), second]);
    assert.deepEqual(next, { name: "stopping", exitCode: 3 });
    assert.match(linesOf(actions)[0]!, /^generation 2, started from what served last, did not/);
  }
});

Deno.test("files that settle on the failed content need no scan, on other content they do", () => {
  const [, same] = decideAll(STATES.starting, [failedWithSet(), settled("new"), READY]);
  assert.equal(same.at(-1)?.name, "verify");
  for (
    const events of [
      [failedWithSet(), settled("mended"), READY],
      [settled("half"), failedWithSet(), READY],
    ]
  ) {
    const [next, actions] = decideAll(STATES.starting, events);
    assert.deepEqual(actions.at(-1), { name: "scan_soon" });
    assert.equal(expectService(next, "serving").serving.changedDuringRead, false);
    assert.equal(decide(next, settled("mended"), POLICY)[0].name, "reloading");
  }
});

Deno.test("rejected content is tried again if it was written during the read of the start from disk", () => {
  const [next] = decideAll(STATES.starting, [settled("half"), failedWithSet(), READY]);
  assert.equal(decide(next, settled("new"), POLICY)[0].name, "reloading");
});

Deno.test("a signal while the set starts reloads once it serves", () => {
  const events = [failedWithSet(), reloadRequested("SIGHUP", "new"), READY];
  const [, actions] = decideAll(STATES.starting, events);
  assert.deepEqual(actions.at(-1), { name: "scan_and_reload", order: "SIGHUP" });
});

Deno.test("files that were unreadable at the start are loaded as soon as they are readable", () => {
  const attempt = { ...STATES.starting.attempt, fingerprint: null };
  const [next, actions] = decideAll({ ...STATES.starting, attempt }, [failedWithSet(), READY]);
  assert.deepEqual(names(actions), ["log", "scan_soon"]);
  assert.equal(decide(next, settled("new"), POLICY)[0].name, "reloading");
});

Deno.test("a drain while the set starts discards it", () => {
  const [next, actions] = decideAll(STATES.starting, [failedWithSet(), EVENTS.drain_requested]);
  assert.equal(next.name, "draining");
  assert.deepEqual(find(actions, "discard"), { name: "discard", generation: 2 });
});

const FAILURES: readonly (readonly [Failure, boolean])[] = [
  [{ tag: "died", ending: { tag: "exited", code: 1 } }, true],
  [{ tag: "timed_out", afterMs: 1 }, true],
  [{ tag: "no_listener" }, true],
  [{ tag: "wrong_pid", found: 1, started: 2 }, true],
  [{ tag: "master_worker", line: "x" }, true],
  [{ tag: "program_section", line: "x" }, true],
  [{ tag: "not_prepared", reason: "the env file", exitCode: 64 }, true],
  [{ tag: "not_prepared", reason: "the private folder", exitCode: 73 }, false],
  [{ tag: "not_spawned", reason: "x", exitCode: 127 }, false],
];

Deno.test("the set is tried unless other files cannot help", () => {
  const answers = FAILURES.map(([failure]) => [failure, mayLieInFiles(failure)]);
  assert.deepEqual(answers, FAILURES);
});

const RESPAWNING = { ...POLICY, respawn: 2 };
const LOST = decide(STATES.serving, processEnded(3, 139), RESPAWNING)[0];

Deno.test("a respawn also falls back to what served last", () => {
  const [next, actions] = decideAll(LOST, [failedWithSet(), READY], RESPAWNING);
  const { serving: { lastGood }, rejected, past } = expectService(next, "serving");
  assert.deepEqual([lastGood, rejected?.generation, past.old.draining], [LAST_GOOD, 4, [2]]);
  assert.match(linesOf(actions)[0]!, /^generation 5 serves, .*from what served last/);
});

Deno.test("a set that fails in a respawn counts as one respawn, and the attempts end", () => {
  const [again] = decideAll(LOST, [failedWithSet(), failedWithSet()], RESPAWNING);
  const { attempt, failed, lost } = expectState(again, "starting");
  const { number, fingerprint, cause } = attempt;
  assert.deepEqual([cause.tag, number, failed, lost?.failures], ["respawn", 6, undefined, 1]);
  assert.deepEqual(fingerprint, expectState(LOST, "starting").attempt.fingerprint);
  const [end] = decideAll(again, [failedWithSet(), OWN_FAILURE], RESPAWNING);
  assert.equal(expectState(end, "stopping").exitCode, 139);
});
