/** What old processes may cost: memory, and time. */
import assert from "node:assert/strict";
import { decide } from "../../../../lib/supervisor/decisions/decide.ts";
import type { Action, StateOf } from "../../../../lib/supervisor/state/events.ts";
import {
  decideAll,
  drainLasts,
  EVENTS,
  expectState,
  find,
  names,
  POLICY,
  processEnded,
  SERVICE,
  STATES,
} from "../samples.ts";

const SHORT = EVENTS.memory_short;

const reloading = (service: Partial<StateOf<"reloading">>): StateOf<"reloading"> => ({
  ...STATES.reloading,
  ...service,
});

const texts = (actions: readonly Action[]) =>
  actions.flatMap((action) => action.name === "log" ? [action.entry.text] : []);

Deno.test("the oldest that drains makes room, one at a time", () => {
  const [first, actions] = decide(reloading({ draining: [1, 2] }), SHORT, POLICY);
  assert.deepEqual(find(actions, "terminate"), {
    name: "terminate",
    generation: 1,
    reason: "memory",
  });
  const { draining, ending } = expectState(first, "reloading");
  assert.deepEqual([draining, ending], [[2], [1]]);
  assert.deepEqual(decide(first, SHORT, POLICY), [first, []]);
  const [second, next] = decideAll(first, [processEnded(1, 143), SHORT]);
  assert.deepEqual(find(next, "terminate")?.generation, 2);
  const [third, last] = decideAll(second, [processEnded(2, 143), SHORT]);
  assert.deepEqual(names(last), ["log", "start_anyway"]);
  assert.deepEqual(expectState(third, "reloading").ending, []);
});

Deno.test("one that is ended already for another reason is waited for", () => {
  const state = reloading({ ending: [1] });
  assert.deepEqual(decide(state, SHORT, POLICY), [state, []]);
});

Deno.test("what was ended for memory is told when it is gone, and the reload goes on", () => {
  const [next, actions] = decideAll(STATES.reloading, [SHORT, processEnded(2, 143)]);
  assert.equal(texts(actions).length, 1);
  assert.deepEqual(expectState(next, "reloading").attempt, STATES.reloading.attempt);
});

Deno.test("a drain that lasts is told once in a run", () => {
  const state = { ...STATES.serving, draining: [1, 2] };
  const [next, actions] = decide(state, drainLasts(1), POLICY);
  assert.match(texts(actions)[0]!, /generation 1 still drains, and a draining HAProxy 2\.6\.12/);
  assert.deepEqual(decide(next, drainLasts(2), POLICY), [next, []]);
  const slow = { ...SERVICE.serving, version: "2.6.12" };
  const [reloaded, later] = decideAll({ ...expectState(next, "serving"), serving: slow }, [
    EVENTS.settled,
    EVENTS.handoff_ended,
  ]);
  assert.equal(find(later, "await_drain"), undefined);
  assert.equal(expectState(reloaded, "serving").isSlowdownTold, true);
});

Deno.test("a drain that is over by then is not told", () => {
  const state = { ...STATES.serving, draining: [1], ending: [2] };
  assert.deepEqual(decide(state, drainLasts(2), POLICY), [state, []]);
  assert.deepEqual(decide(state, drainLasts(3), POLICY), [state, []]);
});

for (const [version, isAwaited] of [["2.6.12", true], ["3.4.1", false], [null, false]] as const) {
  Deno.test(`the drain of ${version} is ${isAwaited ? "" : "not "}waited for`, () => {
    const state = reloading({ serving: { ...SERVICE.serving, version } });
    const [next, actions] = decide(state, EVENTS.handoff_ended, POLICY);
    assert.equal(expectState(next, "serving").serving.version, "3.4.0");
    assert.deepEqual(
      find(actions, "await_drain"),
      isAwaited
        ? {
          name: "await_drain",
          generation: 3,
          slowdown: { version, mendedIn: "2.6.22" },
          delayMs: 10_000,
        }
        : undefined,
    );
  });
}

Deno.test("what a signal cuts is told where connections were left", () => {
  const { end } = processEnded(2, 143);
  const cut = { ...end, drainEnd: "terminated", endReason: "SIGTERM", connections: 2 } as const;
  const [, actions] = decide(
    STATES.stopping,
    { name: "process_ended", end: cut, atMs: 10_000 },
    POLICY,
  );
  assert.match(texts(actions)[0]!, /generation 2 ended with 2 connections open .*SIGTERM received/);
});
