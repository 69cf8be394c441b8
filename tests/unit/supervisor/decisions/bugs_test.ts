import assert from "node:assert/strict";
import type { Target } from "../../../../lib/loaded/targets.ts";
import { standIn } from "../../../../lib/supervisor/decisions/bugs.ts";
import { decide } from "../../../../lib/supervisor/decisions/decide.ts";
import type { Action, Broken, Decision } from "../../../../lib/supervisor/state/events.ts";
import type { State } from "../../../../lib/supervisor/state/state.ts";
import {
  bug,
  content,
  decideAll,
  EVENTS,
  expectService,
  expectState,
  find,
  hotApplyEnded,
  names,
  POLICY,
  processEnded,
  SERVICE,
  settled,
  STATES,
  withService,
} from "../samples.ts";

const target: Target = { tag: "map", path: "/haproxy.cfg", id: 0 };

const START: Action = {
  name: "start_handoff",
  takeOverFrom: 3,
  attempt: STATES.reloading.attempt,
};
const HOT_APPLY: Action = {
  name: "hot_apply",
  generation: 3,
  request: {
    changed: [target],
    isPart: false,
    before: content("served"),
    after: content("new"),
  },
};

/** The decision after a bug in `broken`, including its stand-in event. */
function breakIn(state: State, broken: Broken, policy = POLICY): Decision {
  const event = bug(broken);
  const replacement = standIn(event);
  const [next, first] = decide(state, event, policy);
  if (replacement === null) return [next, first];
  const [last, second] = decide(next, replacement, policy);
  return [last, [...first, ...second]];
}

for (const broken of [START, EVENTS.handoff_ended]) {
  Deno.test(`a reload in which ${broken.name} broke is rejected and retried, and serving continues`, () => {
    const [next, actions] = breakIn(STATES.reloading, broken);
    const { serving, rejected } = expectService(next, "retrying");
    assert.equal(serving, SERVICE.serving);
    assert.deepEqual(rejected?.fingerprint, content("new"));
    assert.deepEqual(names(actions), ["log", "discard", "verify", "set_timer"]);
    assert.match(
      find(actions, "log")!.entry.text,
      /^generation 4 rejected: a bug in the wrapper: TypeError: x is undefined .*; generation 3 keeps/,
    );
  });

  Deno.test(`a first start in which ${broken.name} broke exits with 70`, () => {
    const [next, actions] = breakIn(STATES.starting, broken);
    assert.equal(expectState(next, "stopping").exitCode, 70);
    assert.ok(find(actions, "terminate_all"));
    assert.match(find(actions, "log")!.entry.text, /a bug in the wrapper: TypeError/);
  });

  Deno.test(`a respawn in which ${broken.name} broke counts, and another follows`, () => {
    const respawning = { ...POLICY, respawn: 5 };
    const [lost] = decide(STATES.serving, processEnded(3, 139), respawning);
    const [next, actions] = breakIn(lost, broken, respawning);
    assert.equal(expectState(next, "starting").lost?.failures, 1);
    assert.equal(find(actions, "start_handoff")?.attempt.number, 5);
  });
}

Deno.test("after a broken hot apply the process's content is unknown, and a reload follows", () => {
  const [next, actions] = breakIn(STATES.hot_applying, HOT_APPLY);
  const { service: { serving }, attempt } = expectState(next, "reloading");
  assert.deepEqual(attempt.fingerprint, content("new"));
  assert.ok(find(actions, "start_handoff"));
  assert.equal(serving.fingerprint?.files.get("/haproxy.cfg")?.content, "unknown");
  const [failed] = decideAll(next, [{ ...EVENTS.bug, broken: null }]);
  assert.equal(failed, next);
  for (const text of ["served", "new"]) {
    const idle = withService(STATES.serving, { serving });
    assert.equal(decide(idle, settled(text), POLICY)[0].name, "reloading");
  }
});

Deno.test("a reload follows a hot apply whose end could not be handled", () => {
  const applied = { target, detail: "1 entry", durationMs: 1 };
  const [next] = breakIn(STATES.hot_applying, hotApplyEnded({ applied: [applied] }));
  assert.equal(expectService(next, "reloading").serving.number, 3);
});

for (const state of [STATES.delaying, STATES.retrying, STATES.leaving] as const) {
  Deno.test(`a timer lost in the state ${state.name} fires a second later`, () => {
    const [next, actions] = breakIn(state, EVENTS.timer_due);
    assert.equal(next, state);
    assert.deepEqual(actions, [{ name: "set_timer", delayMs: 1_000 }]);
  });
}

const SERVING = [
  "serving",
  "delaying",
  "retrying",
  "reloading",
  "hot_applying",
  "leaving",
] as const;

for (const name of SERVING) {
  Deno.test(`in the state ${name} only a lost end of the serving process or a lost request to end drains`, () => {
    for (const broken of [EVENTS.stop_requested, EVENTS.drain_requested, processEnded(3)]) {
      const [next, actions] = breakIn(STATES[name], broken);
      assert.equal(expectState(next, "draining").exitCode, 70);
      assert.equal(actions.at(-1)?.name, "drain_all");
    }
    for (const broken of [null, processEnded(2), EVENTS.settled, { name: "status" }] as const) {
      assert.deepEqual(breakIn(STATES[name], broken), [STATES[name], []]);
    }
  });
}

Deno.test("before anything serves, an unknown bug exits with 70, one in the status does not", () => {
  const [next] = breakIn(STATES.starting, null);
  assert.equal(expectState(next, "draining").exitCode, 70);
  assert.equal(breakIn(STATES.starting, { name: "status" })[0], STATES.starting);
  assert.equal(breakIn(STATES.starting, { name: "watch" })[0], STATES.starting);
  assert.equal(breakIn(STATES.starting, EVENTS.stop_requested)[0].name, "draining");
});

Deno.test("draining and stopping continue, and escalate if they broke themselves", () => {
  assert.equal(breakIn(STATES.draining, null)[0], STATES.draining);
  assert.equal(breakIn(STATES.stopping, null)[0], STATES.stopping);
  const [terminated, actions] = breakIn(STATES.draining, { name: "drain_all" });
  assert.equal(expectState(terminated, "stopping").exitCode, 70);
  assert.equal(actions.at(-1)?.name, "terminate_all");
  const [killed, last] = breakIn(terminated, { name: "terminate_all", signal: "SIGTERM" });
  assert.equal(expectState(killed, "stopping").exitCode, 70);
  assert.equal(last.at(-1)?.name, "kill_all");
  for (const state of [STATES.draining, STATES.stopping]) {
    assert.deepEqual(breakIn(state, EVENTS.fleet_empty)[0], { name: "ended", exitCode: 70 });
  }
});
