import assert from "node:assert/strict";
import { health, readiness } from "../../../lib/status/health.ts";
import type { StateName } from "../../../lib/supervisor/state/state.ts";
import { SERVICE, STATES } from "../supervisor/samples.ts";

/** Whether each state is healthy, and whether it is ready. */
const EXPECTED: Readonly<Record<StateName, readonly [boolean, boolean]>> = {
  starting: [false, false],
  serving: [true, true],
  delaying: [true, true],
  retrying: [true, true],
  reloading: [true, true],
  hot_applying: [true, true],
  leaving: [true, false],
  draining: [true, false],
  stopping: [false, false],
  ended: [false, false],
};

for (const [name, expected] of Object.entries(EXPECTED)) {
  Deno.test(`health and readiness while ${name}`, () => {
    const state = STATES[name as StateName];
    assert.deepEqual([health(state).isOk, readiness(state).isOk], expected);
  });
}

Deno.test("during a respawn it is healthy, but not ready", () => {
  const ending = { tag: "signaled", code: 139, signal: "SIGSEGV" } as const;
  const lost = { generation: SERVICE.serving, ending, failures: 2 };
  const state = { ...STATES.starting, lost };
  assert.equal(health(state).isOk, true);
  assert.deepEqual(readiness(state), {
    isOk: false,
    reason: "generation 1 is not ready yet, generation 3 was killed by SIGSEGV",
  });
});

Deno.test("a drain before anything has served is not healthy", () => {
  const verdict = health({ ...STATES.draining, lastServing: null });
  assert.ok(!verdict.isOk);
  assert.match(verdict.reason, /^draining: /);
});

Deno.test("an unready state says why", () => {
  const reasons = (["starting", "leaving", "stopping"] as const).map((name) => {
    const verdict = readiness(STATES[name]);
    return verdict.isOk ? "" : verdict.reason;
  });
  assert.match(reasons[0]!, /generation 1 is not ready yet/);
  assert.match(reasons[1]!, /^leaving: /);
  assert.match(reasons[2]!, /exits with 143/);
});
