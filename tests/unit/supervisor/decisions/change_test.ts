import assert from "node:assert/strict";
import { decide } from "../../../../lib/supervisor/decisions/decide.ts";
import type { State } from "../../../../lib/supervisor/state/state.ts";
import {
  changing,
  content,
  decideAll,
  EVENTS,
  expectService,
  expectState,
  failed,
  find,
  names,
  POLICY,
  rejected,
  reloadRequested,
  SERVICE,
  settled,
  STATES,
  withPast,
  withService,
} from "../samples.ts";

Deno.test("a reload takes over from the serving generation, with the next number and the new content", () => {
  const [next, actions] = decide(STATES.serving, settled("new", 12_345), POLICY);
  const { attempt, service } = expectState(next, "reloading");
  assert.deepEqual(attempt, { number: 4, fingerprint: content("new"), cause: { tag: "change" } });
  assert.deepEqual(find(actions, "start_handoff"), {
    name: "start_handoff",
    attempt,
    takeOverFrom: 3,
  });
  const past = { ...SERVICE.past, lastStartMs: 12_345 };
  assert.deepEqual(service, { ...SERVICE, lastGeneration: 4, past });
});

Deno.test("a process stands by with the next number for content that is neither served nor rejected", () => {
  const state = withService(STATES.serving, { rejected: rejected("bad") });
  const files = [...content("new").files.keys()];
  assert.deepEqual(decide(state, changing("new"), POLICY), [
    state,
    [{ name: "stand_by", generation: 4, takeOverFrom: 3, files }],
  ]);
  for (const text of ["served", "bad"]) {
    assert.deepEqual(decide(state, changing(text), POLICY), [state, []]);
  }
});

Deno.test("no process stands by for a change that will be delayed", () => {
  const policy = { ...POLICY, minReloadIntervalMs: 60_000 };
  const state = withPast(STATES.serving, { lastStartMs: 0 });
  assert.deepEqual(decide(state, changing("new", 59_999), policy)[1], []);
  assert.equal(decide(state, changing("new", 60_000), policy)[1].length, 1);
});

Deno.test("settling on content already served changes and logs nothing", () => {
  assert.deepEqual(decide(STATES.serving, settled("served"), POLICY), [STATES.serving, []]);
});

Deno.test("rejected content is not tried again while it stays, except on a signal", () => {
  const [state] = decide(STATES.reloading, failed({ mayPass: false }), POLICY);
  assert.deepEqual(decide(state, settled("new"), POLICY), [state, []]);
  for (const event of [settled("other"), reloadRequested("SIGHUP", "new")]) {
    assert.equal(decide(state, event, POLICY)[0].name, "reloading");
  }
});

for (const name of ["serving", "delaying", "retrying"] as const) {
  Deno.test(`a signal while ${name} reloads although nothing changed`, () => {
    const request = reloadRequested("SIGHUP", "served");
    assert.equal(decide(STATES[name], request, POLICY)[0].name, "reloading");
  });
}

for (const mayPass of [true, false]) {
  Deno.test(`a revert ends the failure without a reload (${mayPass ? "with" : "without"} a retry)`, () => {
    const [next, actions] = decideAll(STATES.reloading, [failed({ mayPass }), settled("served")]);
    assert.equal(expectService(next, "serving").rejected, null);
    assert.deepEqual(names(actions), ["clear_timer", "log"]);
    assert.equal(decide(next, settled("new"), POLICY)[0].name, "reloading");
  });
}

Deno.test("failures that may pass are retried after 1 s, 2 s, 4 s and so on, at most a minute", () => {
  const delaysMs: (number | undefined)[] = [];
  let state: State = STATES.reloading;
  for (let round = 0; round < 8; round++) {
    const [waiting, actions] = decide(state, failed({ mayPass: true }), POLICY);
    delaysMs.push(find(actions, "set_timer")?.delayMs);
    assert.deepEqual(decide(waiting, settled("new"), POLICY), [waiting, []]);
    const [due, scan] = decide(waiting, EVENTS.timer_due, POLICY);
    assert.deepEqual(scan, [{ name: "scan_for_retry" }]);
    [state] = decide(due, settled("new"), POLICY);
    assert.deepEqual(expectState(state, "reloading").attempt.cause, { tag: "retry" });
  }
  assert.deepEqual(delaysMs, [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]);
});

Deno.test("a change ends the wait for a retry, and resets the count of failures", () => {
  const failure = failed({ mayPass: true });
  const retried = [failure, EVENTS.timer_due, settled("new"), failure];
  const [next, actions] = decideAll(STATES.reloading, [...retried, settled("other"), failure]);
  assert.equal(expectService(next, "retrying").rejected?.failures, 1);
  assert.deepEqual(find(actions, "set_timer"), { name: "set_timer", delayMs: 1_000 });
});

Deno.test("a retry that finds the served content starts nothing and forgets the failure", () => {
  const [next, actions] = decideAll(STATES.retrying, [EVENTS.timer_due, settled("served")]);
  assert.equal(expectService(next, "serving").rejected, null);
  assert.deepEqual(names(actions), ["clear_timer", "log"]);
});

Deno.test("a delayed change that is reverted to rejected content starts nothing", () => {
  const state = withService(STATES.delaying, { rejected: rejected("bad") });
  const [next, actions] = decide(state, settled("bad"), POLICY);
  assert.deepEqual(expectService(next, "serving"), state.service);
  assert.deepEqual(names(actions), ["clear_timer"]);
});

Deno.test("a retry survives a change that was delayed and then reverted", () => {
  const policy = { ...POLICY, minReloadIntervalMs: 60_000 };
  const events = [settled("other"), settled("another"), settled("rejected")];
  const [next, actions] = decideAll(STATES.retrying, events, policy);
  assert.deepEqual(next, STATES.retrying);
  assert.deepEqual(actions, [{ name: "set_timer", delayMs: 1_000 }]);
});

Deno.test("rejected content is tried again if files changed during its handoff", () => {
  const events = [failed({ mayPass: false }), EVENTS.changed_during_read, settled("new")];
  const [next] = decideAll(STATES.reloading, events);
  assert.equal(expectState(next, "reloading").attempt.number, 5);
});
