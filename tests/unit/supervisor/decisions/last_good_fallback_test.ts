/** What served last takes the place of what does not start, until that does. */
import assert from "node:assert/strict";
import type { Failure } from "../../../../lib/haproxy/failure/failure.ts";
import { decide } from "../../../../lib/supervisor/decisions/decide.ts";
import type { Event, StateOf } from "../../../../lib/supervisor/state/events.ts";
import { mayLieInFiles } from "../../../../lib/supervisor/decisions/last_good_fallback.ts";
import {
  changing,
  content,
  decideAll,
  EVENTS,
  expectState,
  failed,
  find,
  names,
  POLICY,
  processEnded,
  ready,
  reloadRequested,
  settled,
  STATES,
} from "../samples.ts";

const LAST_GOOD = { directory: "/run/kept", keptMs: Date.UTC(2026, 10, 24, 12) } as const;

/** A start fails, and there is a set that can serve instead. */
function failedWithSet({ mayPass = false, code = 1 } = {}): Event {
  const { outcome } = failed({ mayPass });
  assert.ok(outcome.tag === "failed");
  const failure: Failure = { tag: "died", ending: { tag: "exited", code } };
  return {
    name: "handoff_ended",
    outcome: { ...outcome, failure, lastGood: LAST_GOOD },
    atMs: 10_000,
  };
}

/** The set itself is ready: it has no fingerprint of what is on disk. */
const READY: Event = {
  name: "handoff_ended",
  outcome: { ...ready("").outcome, loaded: { ...ready("").outcome.loaded, fingerprint: null } },
  atMs: 10_000,
};

const CAUSE = { tag: "last_good", lastGood: LAST_GOOD } as const;

/** The set serves after generation 1 has failed. */
const servingSet = (options = {}) =>
  decideAll(STATES.starting, [failedWithSet(options), READY])[0] as StateOf<"serving">;

Deno.test("a start that fails is followed by one from what served last", () => {
  const [next, actions] = decide(STATES.starting, failedWithSet(), POLICY);
  const { attempt, failed } = expectState(next, "starting");
  assert.deepEqual(attempt, { number: 2, fingerprint: null, cause: CAUSE });
  assert.deepEqual(failed?.attempt, STATES.starting.attempt);
  assert.deepEqual(names(actions), ["log", "discard", "start_handoff"]);
  assert.deepEqual(find(actions, "discard"), { name: "discard", generation: 1 });
  assert.deepEqual(find(actions, "start_handoff"), {
    name: "start_handoff",
    attempt,
    takeOverFrom: null,
  });
  assert.equal(find(actions, "log")?.entry.level, "error");
});

Deno.test("without a set a failed start is the end, as ever", () => {
  const [next, actions] = decide(STATES.starting, failed({ mayPass: false }), POLICY);
  assert.deepEqual(next, { name: "stopping", exitCode: 1 });
  assert.deepEqual(names(actions), ["log", "cancel_handoff", "clear_timer", "terminate_all"]);
});

Deno.test("while the set serves, what failed counts as rejected, and nothing is known of the disk", () => {
  const [next, actions] = decideAll(STATES.starting, [failedWithSet(), READY]);
  const { serving, rejected, draining, lastGeneration } = expectState(next, "serving");
  assert.deepEqual([serving.number, serving.fingerprint, serving.changedDuringRead], [
    2,
    null,
    false,
  ]);
  assert.deepEqual(serving.lastGood, LAST_GOOD);
  assert.deepEqual(rejected, {
    generation: 1,
    fingerprint: content("new"),
    changedDuringRead: false,
    failures: 1,
  });
  assert.deepEqual([draining, lastGeneration], [[], 2]);
  assert.deepEqual(names(actions), ["log", "verify"]);
});

Deno.test("the files that failed are not tried again by themselves, others and signals are", () => {
  const serving = servingSet();
  assert.deepEqual(decide(serving, settled("new"), POLICY), [serving, []]);
  assert.deepEqual(decide(serving, changing("new"), POLICY), [serving, []]);
  for (const event of [settled("other"), reloadRequested("SIGHUP", "new")]) {
    const [next, actions] = decide(serving, event, POLICY);
    assert.equal(expectState(next, "reloading").attempt.number, 3);
    assert.equal(find(actions, "start_handoff")?.takeOverFrom, 2);
  }
});

Deno.test("what may pass is tried again after a second, then after two", () => {
  const [waiting, actions] = decideAll(STATES.starting, [failedWithSet({ mayPass: true }), READY]);
  assert.deepEqual(find(actions, "set_timer"), { name: "set_timer", delayMs: 1_000 });
  expectState(waiting, "retrying");
  const [again, next] = decideAll(waiting, [
    EVENTS.timer_due,
    settled("new"),
    failed({ mayPass: true }),
  ]);
  assert.deepEqual(find(next, "set_timer"), { name: "set_timer", delayMs: 2_000 });
  assert.deepEqual(expectState(again, "retrying").serving.lastGood, LAST_GOOD);
  assert.match(
    find(next, "log")!.entry.text,
    /generation 2 keeps serving, from what served last, /,
  );
});

Deno.test("the real configuration takes over from the set, which drains", () => {
  const [next, actions] = decideAll(servingSet(), [settled("mended"), ready("mended")]);
  const { serving, rejected, draining } = expectState(next, "serving");
  assert.deepEqual([serving.number, serving.lastGood, rejected], [3, undefined, null]);
  assert.deepEqual(draining, [2]);
  assert.deepEqual(find(actions, "drain"), { name: "drain", generation: 2 });
});

Deno.test("nothing is changed in place in the set", () => {
  const [next] = decideAll(servingSet(), [settled("other"), failed({ mayPass: false })]);
  expectState(next, "serving");
});

Deno.test("if the set fails as well, all ends with the status of what was wanted, and both are told", () => {
  const [, first] = decideAll(STATES.starting, [failedWithSet({ code: 3 })]);
  assert.match(find(first, "log")!.entry.text, /^generation 1 did not start: .* 3 /);
  for (const second of [failed({ mayPass: false }), failedWithSet({ code: 9 })]) {
    const [next, actions] = decideAll(STATES.starting, [failedWithSet({ code: 3 }), second]);
    assert.deepEqual(next, { name: "stopping", exitCode: 3 });
    assert.match(
      find(actions, "log")!.entry.text,
      /^generation 2, started from what served last, did not/,
    );
  }
});

Deno.test("sources that settle on what has failed need no look, on something else they do", () => {
  const start = [failedWithSet()];
  const [, same] = decideAll(STATES.starting, [...start, settled("new"), READY]);
  assert.equal(same.at(-1)?.name, "verify");
  const [next, other] = decideAll(STATES.starting, [...start, settled("mended"), READY]);
  assert.deepEqual(other.at(-1), { name: "scan_soon" });
  assert.equal(expectState(next, "serving").serving.changedDuringRead, false);
  assert.equal(decide(next, settled("mended"), POLICY)[0].name, "reloading");
});

Deno.test("what was written while the real start read it is tried again", () => {
  const [next, actions] = decideAll(STATES.starting, [settled("half"), failedWithSet(), READY]);
  assert.deepEqual(actions.at(-1), { name: "scan_soon" });
  assert.equal(decide(next, settled("new"), POLICY)[0].name, "reloading");
});

Deno.test("a signal while the set starts reloads once it serves", () => {
  const [, actions] = decideAll(STATES.starting, [
    failedWithSet(),
    reloadRequested("SIGHUP", "new"),
    READY,
  ]);
  assert.deepEqual(actions.at(-1), { name: "scan_and_reload", order: "SIGHUP" });
});

Deno.test("files that could not be read at the start are loaded as soon as they can", () => {
  const { attempt } = STATES.starting;
  const unread = { ...STATES.starting, attempt: { ...attempt, fingerprint: null } };
  const [next, actions] = decideAll(unread, [failedWithSet(), READY]);
  assert.deepEqual(names(actions), ["log", "scan_soon"]);
  assert.equal(decide(next, settled("new"), POLICY)[0].name, "reloading");
});

Deno.test("a stop while the set starts ends it, its death ends all with its status", () => {
  const [starting] = decide(STATES.starting, failedWithSet(), POLICY);
  const [stopping, actions] = decide(starting, EVENTS.stop_requested, POLICY);
  assert.equal(expectState(stopping, "stopping").exitCode, 143);
  assert.ok(names(actions).includes("cancel_handoff"));
  const [draining, discarded] = decide(starting, EVENTS.drain_requested, POLICY);
  assert.equal(draining.name, "draining");
  assert.deepEqual(find(discarded, "discard"), { name: "discard", generation: 2 });
  const [dead] = decide(servingSet(), processEnded(2, 139), POLICY);
  assert.equal(expectState(dead, "stopping").exitCode, 139);
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

for (const [failure, mayHelp] of FAILURES) {
  Deno.test(`other files are ${mayHelp ? "tried" : "no cure"} for ${JSON.stringify(failure)}`, () => {
    assert.equal(mayLieInFiles(failure), mayHelp);
  });
}

const OWN_FAILURE = failed({ mayPass: false });
const RESPAWNING = { ...POLICY, respawn: 2 };

Deno.test("the place of what ended by itself is filled from what served last, too", () => {
  const [lost] = decide(STATES.serving, processEnded(3, 139), RESPAWNING);
  const [next] = decide(lost, failedWithSet(), RESPAWNING);
  assert.equal(expectState(next, "starting").attempt.cause.tag, "last_good");
  const [serving, actions] = decide(next, READY, RESPAWNING);
  const { serving: { lastGood }, rejected, draining } = expectState(serving, "serving");
  assert.deepEqual([lastGood, rejected?.generation, draining], [LAST_GOOD, 4, [2]]);
  assert.match(find(actions, "log")!.entry.text, /^generation 5 serves, .*from what served last/);
});

Deno.test("a set that fails in the place of what ended counts as one respawn, and the tries come to an end", () => {
  const [first] = decide(STATES.serving, processEnded(3, 139), RESPAWNING);
  const [again] = decideAll(first, [failedWithSet(), failedWithSet()], RESPAWNING);
  const { attempt, failed, lost } = expectState(again, "starting");
  assert.deepEqual([attempt.cause.tag, attempt.number, failed, lost?.failures], [
    "respawn",
    6,
    undefined,
    1,
  ]);
  assert.deepEqual(attempt.fingerprint, expectState(first, "starting").attempt.fingerprint);
  const [end, actions] = decideAll(
    again,
    [failedWithSet(), OWN_FAILURE],
    RESPAWNING,
  );
  assert.equal(expectState(end, "stopping").exitCode, 139);
  assert.match(find(actions, "log")!.entry.text, /^generation 7 did not start: .*139$/);
});
