/** Which old processes a drain limit ends, and what is logged when they end. */
import assert from "node:assert/strict";
import { decide } from "../../../../lib/supervisor/decisions/decide.ts";
import type { Serving, State } from "../../../../lib/supervisor/state/state.ts";
import {
  decideAll,
  EVENTS,
  expectService,
  find,
  linesOf,
  names,
  POLICY,
  processEnded,
  settled,
  STATES,
  withOld,
} from "../samples.ts";

const SHORT = EVENTS.memory_short;

/** Reloads `times` times from the state in which generation 3 serves and 2 drains. */
function reloadTimes(times: number, maxDraining: number) {
  let state: State = STATES.serving;
  const terminated: (readonly number[])[] = [];
  for (let round = 0; round < times; round++) {
    const events = [settled(`content ${round}`), EVENTS.handoff_ended];
    const [next, actions] = decideAll(state, events, { ...POLICY, maxDraining });
    terminated.push(actions.flatMap((one) => one.name === "terminate" ? [one.generation] : []));
    state = next;
  }
  return { old: expectService(state, "serving").past.old, state, terminated };
}

Deno.test("the oldest draining generations beyond the limit are ended, each once", () => {
  assert.deepEqual(reloadTimes(4, 2).terminated, [[], [2], [3], [4]]);
  assert.deepEqual(reloadTimes(3, 0).terminated, [[2, 3], [4], [5]]);
  assert.deepEqual(reloadTimes(3, 50).terminated, [[], [], []]);
});

Deno.test("a generation that was ended or has drained does not count towards --max-draining", () => {
  const { state, old } = reloadTimes(2, 2);
  assert.deepEqual(old, { draining: [3, 4], ending: [2] });
  const events = [processEnded(3), settled("more"), EVENTS.handoff_ended];
  const [next, actions] = decideAll(state, events, { ...POLICY, maxDraining: 2 });
  assert.equal(find(actions, "terminate"), undefined);
  const [last, lines] = decide(next, processEnded(2), POLICY);
  assert.deepEqual(expectService(last, "serving").past.old, { draining: [4, 5], ending: [] });
  assert.deepEqual(names(lines), ["log"]);
});

Deno.test("a limit is logged before it ends a process", () => {
  const [, actions] = decide(STATES.reloading, EVENTS.handoff_ended, { ...POLICY, maxDraining: 1 });
  assert.deepEqual(names(actions), ["drain", "log", "log", "terminate"]);
  assert.match(
    linesOf(actions)[1]!,
    /^ending generation 2, the oldest of more than 1 .*--max-draining/,
  );
});

Deno.test("if memory is short the oldest draining processes make room, one at a time", () => {
  const state = withOld(STATES.reloading, { draining: [1, 2] });
  const [first, actions] = decide(state, SHORT, POLICY);
  const { terminate, log } = { terminate: find(actions, "terminate"), log: find(actions, "log") };
  assert.deepEqual(terminate, { name: "terminate", generation: 1, reason: "memory" });
  assert.equal(log?.entry.fields.generation, 1);
  assert.deepEqual(expectService(first, "reloading").past.old, { draining: [2], ending: [1] });
  assert.deepEqual(decide(first, SHORT, POLICY), [first, []]);
  const [second, next] = decideAll(first, [processEnded(1, 143), SHORT]);
  assert.equal(find(next, "terminate")?.generation, 2);
  const [third, last] = decideAll(second, [processEnded(2, 143), SHORT]);
  assert.deepEqual(names(last), ["log", "start_anyway"]);
  assert.deepEqual(expectService(third, "reloading").past.old, { draining: [], ending: [] });
});

Deno.test("if a process is already being ended for another reason, memory waits for it", () => {
  const state = withOld(STATES.reloading, { ending: [1] });
  assert.deepEqual(decide(state, SHORT, POLICY), [state, []]);
});

for (
  const name of ["serving", "delaying", "retrying", "reloading", "hot_applying", "leaving"] as const
) {
  Deno.test(`the end of an old process is logged while ${name}, and that of any other is not`, () => {
    const [next, actions] = decide(STATES[name], processEnded(2), POLICY);
    assert.deepEqual(next, withOld<Serving>(STATES[name], { draining: [] }));
    assert.deepEqual(names(actions), ["log"]);
    assert.deepEqual(decide(STATES[name], processEnded(4, 1), POLICY), [STATES[name], []]);
  });
}
