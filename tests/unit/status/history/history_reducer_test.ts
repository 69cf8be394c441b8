/** The history of real decisions. */
import assert from "node:assert/strict";
import type { DrainEnd } from "../../../../lib/haproxy/drain/drain.ts";
import type { HotApplyOutcome } from "../../../../lib/hot_apply/hot_apply.ts";
import type { Target } from "../../../../lib/loaded/targets.ts";
import { type History, newHistory } from "../../../../lib/status/history/history.ts";
import { reduceHistory } from "../../../../lib/status/history/history_reducer.ts";
import { decide, firstDecision } from "../../../../lib/supervisor/decisions/decide.ts";
import type { Event } from "../../../../lib/supervisor/state/events.ts";
import type { State } from "../../../../lib/supervisor/state/state.ts";
import {
  content,
  EVENTS,
  failed,
  hotApplyEnded,
  POLICY,
  processEnded,
  ready,
  restoredSet,
  settled,
  STATES,
  withPast,
} from "../../supervisor/samples.ts";

/** A supervisor whose clock advances by a second with each event. */
class Scene {
  history: History = newHistory(0);
  state: State;
  nowMs = 0;

  /** Without a state from the very start. */
  constructor(state: State | null = null, readonly policy = POLICY) {
    const [after, actions] = firstDecision(content("first"));
    this.state = state ?? after;
    if (state !== null) return;
    this.history = reduceHistory(this.history, {
      event: null,
      before: null,
      after,
      actions,
      nowMs: 0,
    });
  }

  happen(...events: readonly Event[]): this {
    for (const event of events) {
      const before = this.state;
      const [after, actions] = decide(before, event, this.policy);
      this.nowMs += 1_000;
      const step = { event, before, after, actions, nowMs: this.nowMs };
      this.history = reduceHistory(this.history, step);
      this.state = after;
    }
    return this;
  }

  get counts() {
    const { reloads, hotApplies, drainsEnded, processExits } = this.history.counts;
    return Object.fromEntries([...reloads, ...hotApplies, ...drainsEnded, ...processExits]);
  }
}

const CERTIFICATE: Target = {
  tag: "certificate",
  path: "/a.pem",
  name: "/a.pem",
  keyPath: "/a.pem.key",
  isMember: false,
};
const REPLACED = { target: CERTIFICATE, detail: "expires 2030-01-01", durationMs: 5 };
const REFUSED = { target: CERTIFICATE, reason: "has expired", awaited: "a valid one" };

const failedWith = (alerts: readonly string[]): Event => {
  const { outcome } = failed({ mayPass: true });
  if (outcome.tag !== "failed") throw new Error("wanted a failure");
  return { name: "handoff_ended", outcome: { ...outcome, alerts }, atMs: 10_000 };
};

Deno.test("a start is an attempt, and then serves; it is not a reload", () => {
  const scene = new Scene();
  assert.deepEqual(scene.history.attempt, { generation: 1, reason: "start", sinceMs: 0 });
  assert.equal(scene.history.desired?.digest, "first");
  scene.happen(ready("first"));
  const { attempt, processes, changes, lastSuccessMs, haproxyVersion } = scene.history;
  assert.equal(attempt, null);
  assert.deepEqual(processes.get(1), {
    generation: 1,
    pid: 1_000,
    servingSinceMs: 1_000,
    drainingSinceMs: null,
  });
  assert.deepEqual([lastSuccessMs, haproxyVersion], [1_000, "3.4.0"]);
  assert.deepEqual(changes.map(({ kind, result }) => [kind, result]), [["start", "success"]]);
  assert.deepEqual(scene.counts, {});
  assert.equal(scene.history.reloadSeconds.count, 0);
});

Deno.test("a reload is counted and timed, and the old process drains", () => {
  const scene = new Scene().happen(ready("first"), settled("new"), ready("new"));
  assert.deepEqual(scene.counts, { success: 1 });
  const { sum, count, buckets } = scene.history.reloadSeconds;
  assert.deepEqual([sum, count], [0.03, 1]);
  assert.deepEqual(buckets, [0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1]);
  assert.equal(scene.history.processes.get(1)?.drainingSinceMs, 3_000);
  assert.equal(scene.history.processes.get(2)?.drainingSinceMs, null);
  assert.deepEqual(scene.history.changes[0], {
    kind: "reload",
    generation: 2,
    result: "success",
    endedMs: 3_000,
    durationMs: 30,
    reason: "reloaded after a change",
    changed: ["/haproxy.cfg"],
    failure: null,
  });
});

Deno.test("a refused change stays open through its retries, until it succeeds", () => {
  const scene = new Scene().happen(ready("first"), settled("new"), failedWith(["[ALERT] a"]));
  assert.deepEqual(scene.history.failure, {
    generation: 2,
    reason: "haproxy exited with 1 before it was ready",
    alerts: ["[ALERT] a"],
    sinceMs: 3_000,
    lastTriedMs: 3_000,
  });
  assert.equal(scene.history.timerDueMs, 4_000);
  scene.happen(EVENTS.timer_due, settled("new"));
  assert.equal(scene.history.timerDueMs, null);
  assert.notEqual(scene.history.failure, null);
  scene.happen(failedWith(["[ALERT] b"]));
  const { sinceMs, lastTriedMs, alerts } = scene.history.failure!;
  assert.deepEqual([sinceMs, lastTriedMs, alerts], [3_000, 6_000, ["[ALERT] b"]]);
  assert.deepEqual(scene.counts, { failure: 2 });
  scene.happen(EVENTS.timer_due, settled("new"), ready("new"));
  assert.equal(scene.history.failure, null);
  assert.deepEqual(scene.counts, { failure: 2, success: 1 });
});

Deno.test("a revert ends a failure, but is not a success", () => {
  const scene = new Scene().happen(ready("first"), settled("new"), failedWith([]));
  scene.happen(settled("first"));
  assert.equal(scene.history.failure, null);
  assert.equal(scene.history.desired?.digest, "first");
  assert.equal(scene.history.lastSuccessMs, 1_000);
});

Deno.test("another refused change is another failure", () => {
  const scene = new Scene().happen(ready("first"), settled("new"), failedWith([]));
  scene.happen(settled("newer"), failedWith([]));
  assert.equal(scene.history.failure?.sinceMs, 5_000);
});

const hotApplying = (outcome: Partial<HotApplyOutcome>) =>
  new Scene(STATES.hot_applying).happen(hotApplyEnded(outcome));

Deno.test("a hot apply is counted by its kind, and is a success", () => {
  const { history, counts } = hotApplying({ applied: [REPLACED] });
  assert.deepEqual(counts, { "certificate success": 1 });
  assert.equal(history.lastSuccessMs, 1_000);
  const [change] = history.changes;
  assert.deepEqual([change?.kind, change?.generation, change?.changed, change?.durationMs], [
    "hot_apply",
    3,
    ["/a.pem"],
    5,
  ]);
});

Deno.test("a file that must not be served is a failure that names it", () => {
  const { history, counts } = hotApplying({ refused: [REFUSED] });
  assert.deepEqual(counts, { "certificate refused": 1 });
  assert.equal(history.lastSuccessMs, null);
  assert.equal(history.failure?.generation, null);
  assert.equal(history.failure?.reason, '"/a.pem" has expired, awaiting a valid one');
});

Deno.test("an unconfirmed hot apply is counted, and followed by a reload", () => {
  const next = { tag: "reload", reason: "x" } as const;
  assert.deepEqual(hotApplying({ unconfirmed: [CERTIFICATE], next }).counts, {
    "certificate unconfirmed": 1,
  });
});

const DRAIN_ENDS: readonly (readonly [DrainEnd, number, string])[] = [
  ["by_itself", 0, "drained"],
  ["by_itself", 139, "crashed"],
  ["terminated", 143, "terminated"],
  ["killed", 137, "killed"],
];

for (const [drainEnd, code, how] of DRAIN_ENDS) {
  Deno.test(`a drain that ends with ${code} (${drainEnd}) is ${how}`, () => {
    const scene = new Scene().happen(ready("first"), settled("new"), ready("new"));
    const { end } = processEnded(1, code);
    scene.happen({ name: "process_ended", end: { ...end, drainEnd }, atMs: 10_000 });
    assert.deepEqual(scene.counts, { success: 1, [how]: 1, [`draining ${code}`]: 1 });
    assert.deepEqual([...scene.history.processes.keys()], [2]);
  });
}

Deno.test("a drain that was cut short is counted by its reason, any other is not", () => {
  const scene = new Scene().happen(ready("first"), settled("new"), ready("new"));
  const { end } = processEnded(1, 143);
  scene.happen({
    name: "process_ended",
    end: { ...end, drainEnd: "terminated", endReason: "memory" },
    atMs: 10_000,
  });
  assert.deepEqual([...scene.history.counts.drainsCut], [["memory", 1]]);
  const drained = new Scene().happen(ready("first"), settled("new"), ready("new"));
  assert.equal(drained.happen(processEnded(1)).history.counts.drainsCut.size, 0);
});

Deno.test("the exits of a new process and of the serving one are counted apart", () => {
  const scene = new Scene().happen(ready("first"), settled("new"), processEnded(2, 1));
  assert.deepEqual(scene.counts, { "new 1": 1 });
  scene.happen(processEnded(1, 139));
  assert.deepEqual(scene.counts, { "new 1": 1, "serving 139": 1 });
});

Deno.test("a respawn is a start with a reason, and is counted", () => {
  const policy = { ...POLICY, respawn: 5 };
  const scene = new Scene(null, policy).happen(ready("first"), settled("new"), ready("new"));
  scene.happen(processEnded(2, 139));
  const reason = "respawned because generation 2 exited with 139";
  assert.deepEqual(scene.history.attempt, { generation: 3, reason, sinceMs: 4_000 });
  scene.happen(failed({ mayPass: true }));
  assert.equal(scene.history.failure?.generation, 3);
  // It begins after the pause.
  assert.deepEqual(scene.history.attempt, { generation: 4, reason, sinceMs: 6_000 });
  scene.happen(ready("new"));
  assert.deepEqual(
    scene.history.changes.slice(0, 2).map(({ kind, result, reason }) => [kind, result, reason]),
    [["start", "success", reason], ["start", "failure", reason]],
  );
  assert.deepEqual([scene.history.counts.respawns.get(""), scene.history.failure], [2, null]);
  assert.deepEqual(scene.counts, { success: 1, "serving 139": 1 });
});

Deno.test("a reload that replaces a lost process counts as a reload and as a respawn", () => {
  const policy = { ...POLICY, respawn: 5 };
  const scene = new Scene(null, policy).happen(ready("first"), settled("new"));
  scene.happen(processEnded(1, 139), ready("new"));
  const [last] = scene.history.changes;
  assert.deepEqual([last?.kind, last?.reason, last?.changed], [
    "reload",
    "reloaded after a change",
    ["/haproxy.cfg"],
  ]);
  assert.equal(scene.history.counts.respawns.get(""), 1);
  assert.deepEqual(scene.counts, { success: 1, "serving 139": 1 });
});

Deno.test("a start without a scan does not change what is desired", () => {
  const policy = { ...POLICY, respawn: 5, minReloadIntervalMs: 60_000 };
  const held = withPast(STATES.serving, { lastStartMs: 9_000 });
  const scene = new Scene(held, policy).happen(settled("held"), processEnded(3, 139));
  assert.equal(scene.history.desired?.digest, "held");
});

Deno.test("in the final drain all processes drain, and a stop does not count as a drain", () => {
  const drained = new Scene().happen(ready("first"), EVENTS.drain_requested);
  assert.equal(drained.history.processes.get(1)?.drainingSinceMs, 2_000);
  drained.happen(processEnded(1));
  assert.deepEqual(drained.counts, { drained: 1, "draining 0": 1 });
  const stopped = new Scene().happen(ready("first"), EVENTS.stop_requested, processEnded(1, 143));
  assert.deepEqual(stopped.counts, { "draining 143": 1 });
});

Deno.test("a cancelled handoff leaves no attempt and no change", () => {
  const scene = new Scene().happen(ready("first"), settled("new"), {
    name: "handoff_ended",
    outcome: { tag: "cancelled" },
    atMs: 10_000,
  });
  assert.equal(scene.history.attempt, null);
  assert.equal(scene.history.changes.length, 1);
});

Deno.test("the last fifty changes are kept, newest first", () => {
  const scene = new Scene().happen(ready("first"));
  for (let number = 0; number < 60; number++) {
    scene.happen(settled(`content ${number}`), ready(`content ${number}`));
  }
  assert.equal(scene.history.changes.length, 50);
  assert.equal(scene.history.changes[0]?.generation, 61);
  assert.equal(scene.history.counts.reloads.get("success"), 60);
});

Deno.test("a start from the last good files leaves the failure open, and is not a success", () => {
  const fallback = restoredSet({ directory: "/run/recorded", recordedMs: 0 });
  const scene = new Scene().happen({
    name: "handoff_ended",
    outcome: { ...failed({ mayPass: false }).outcome, alerts: ["[ALERT] x"], fallback },
    atMs: 10_000,
  });
  assert.equal(scene.history.attempt?.generation, 2);
  const { outcome } = ready("");
  const loaded = { ...outcome.loaded, fingerprint: null };
  scene.happen({ name: "handoff_ended", outcome: { ...outcome, loaded }, atMs: 10_000 });
  const { failure, lastSuccessMs, processes, changes } = scene.history;
  assert.deepEqual([failure?.generation, failure?.alerts, lastSuccessMs], [1, ["[ALERT] x"], null]);
  assert.deepEqual([...processes.keys()], [2]);
  assert.deepEqual(
    changes.map(({ kind, generation, result, reason }) => [kind, generation, result, reason]),
    [["start", 2, "success", "started from what served last"], ["start", 1, "failure", "start"]],
  );
  scene.happen(settled("mended"), ready("mended"));
  assert.equal(scene.history.failure, null);
  assert.equal(scene.history.lastSuccessMs, scene.nowMs);
});

Deno.test("if that fails as well, the failure of the files on disk stays the reason", () => {
  const fallback = restoredSet({ directory: "/run/recorded", recordedMs: 0 });
  const { outcome } = failed({ mayPass: false });
  const first = { ...outcome, failure: { tag: "no_listener" } as const, fallback };
  const scene = new Scene().happen({ name: "handoff_ended", outcome: first, atMs: 10_000 });
  const { history } = scene.happen(failed({ mayPass: false }));
  assert.match(history.failure?.reason ?? "", /opened no listener/);
  assert.deepEqual(history.changes.map(({ result }) => result), ["failure", "failure"]);
});
