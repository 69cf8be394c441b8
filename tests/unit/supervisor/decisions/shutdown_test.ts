import assert from "node:assert/strict";
import { decide } from "../../../../lib/supervisor/decisions/decide.ts";
import { SIGNAL_NUMBERS } from "../../../../lib/system/signals.ts";
import {
  decideAll,
  EVENTS,
  expectState,
  find,
  linesOf,
  names,
  POLICY,
  processEnded,
  STATES,
} from "../samples.ts";

const SERVING_STATES = ["serving", "delaying", "retrying", "reloading", "hot_applying"] as const;
const DELAYED = { ...POLICY, drainDelayMs: 5_000 };
const GRACEFUL = { ...POLICY, gracefulTerm: true };

for (const signal of ["SIGTERM", "SIGINT"] as const) {
  Deno.test(`${signal} is passed on and exits with 128 plus its number, whatever follows`, () => {
    const stop = { name: "stop_requested", signal } as const;
    for (const name of ["starting", ...SERVING_STATES, "leaving", "draining"] as const) {
      const [next, actions] = decide(STATES[name], stop, POLICY);
      assert.deepEqual(actions.at(-1), { name: "terminate_all", signal }, name);
      const rest = [processEnded(3, 1), EVENTS.drain_requested, EVENTS.fleet_empty];
      const [end] = decideAll(next, rest);
      assert.deepEqual(end, { name: "ended", exitCode: 128 + SIGNAL_NUMBERS[signal] }, name);
    }
  });
}

Deno.test("a second stop signal kills, but does not change the exit status", () => {
  const second = { name: "stop_requested", signal: "SIGINT" } as const;
  const [next, actions] = decideAll(STATES.serving, [EVENTS.stop_requested, second]);
  assert.deepEqual(names(actions), ["log", "kill_all"]);
  assert.equal(expectState(next, "stopping").exitCode, 143);
});

Deno.test("a stop logs which processes it ended with connections open", () => {
  const { end } = processEnded(2, 143);
  const cut = { ...end, drainEnd: "terminated", endReason: "SIGTERM", connections: 2 } as const;
  const event = { name: "process_ended", end: cut, atMs: 10_000 } as const;
  const [, actions] = decide(STATES.stopping, event, POLICY);
  assert.match(
    linesOf(actions)[0]!,
    /generation 2 ended with 2 connections open .*SIGTERM received/,
  );
});

Deno.test("a drain that ends by itself exits with 0", () => {
  const events = [EVENTS.drain_requested, processEnded(2), processEnded(3), EVENTS.fleet_empty];
  assert.deepEqual(decideAll(STATES.serving, events)[0], { name: "ended", exitCode: 0 });
});

Deno.test("a crash of the last serving process shows in the exit status, but not that of an old one", () => {
  const drained = (generation: number) =>
    decideAll(STATES.serving, [EVENTS.drain_requested, processEnded(generation, 139)])[0];
  assert.equal(expectState(drained(3), "draining").exitCode, 139);
  assert.equal(expectState(drained(2), "draining").exitCode, 0);
});

for (const name of SERVING_STATES) {
  Deno.test(`a drain with a delay while ${name} keeps serving until the delay is over`, () => {
    const { service } = STATES[name];
    const [leaving, actions] = decide(STATES[name], EVENTS.drain_requested, DELAYED);
    assert.deepEqual(leaving, { name: "leaving", service });
    assert.equal(find(actions, "drain_all"), undefined);
    assert.deepEqual(actions.at(-1), { name: "set_timer", delayMs: 5_000 });
    assert.equal(find(actions, "discard")?.generation, name === "reloading" ? 4 : undefined);
    const [draining, last] = decide(leaving, EVENTS.timer_due, DELAYED);
    assert.deepEqual(draining, STATES.draining);
    assert.deepEqual(last.at(-1), { name: "drain_all" });
  });
}

Deno.test("there is no delay before anything serves", () => {
  const [next, actions] = decide(STATES.starting, EVENTS.drain_requested, DELAYED);
  assert.equal(next.name, "draining");
  assert.deepEqual(actions.at(-1), { name: "drain_all" });
});

for (const name of ["starting", ...SERVING_STATES] as const) {
  Deno.test(`with --graceful-term SIGTERM while ${name} drains; SIGINT or a second SIGTERM stops at once`, () => {
    const [draining, actions] = decide(STATES[name], EVENTS.stop_requested, GRACEFUL);
    assert.equal(expectState(draining, "draining").exitCode, 0);
    assert.match(linesOf(actions)[0]!, /^SIGTERM received: HAProxy finishes/);
    const [second] = decide(draining, EVENTS.stop_requested, GRACEFUL);
    assert.equal(expectState(second, "stopping").exitCode, 143);
    const interrupt = { name: "stop_requested", signal: "SIGINT" } as const;
    const [interrupted] = decide(STATES[name], interrupt, GRACEFUL);
    assert.equal(expectState(interrupted, "stopping").exitCode, 130);
  });
}

Deno.test("a second graceful SIGTERM stops at once, even during the delay", () => {
  const both = { ...GRACEFUL, drainDelayMs: 5_000 };
  const [leaving] = decide(STATES.serving, EVENTS.stop_requested, both);
  assert.equal(leaving.name, "leaving");
  const [stopping] = decide(leaving, EVENTS.stop_requested, both);
  assert.equal(expectState(stopping, "stopping").exitCode, 143);
});
