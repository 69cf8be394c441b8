/** Leftover processes are ours once one of our own serves, and not before. */
import assert from "node:assert/strict";
import { decide } from "../../../../lib/supervisor/decisions/decide.ts";
import {
  expectService,
  expectState,
  failed,
  find,
  names,
  POLICY,
  ready,
  STATES,
} from "../samples.ts";

const LEFTOVERS = [{ generation: 0, pid: 70 }, { generation: -1, pid: 60 }];

const { outcome } = ready("new");
const READY_BESIDE = { ...ready("new"), outcome: { ...outcome, leftovers: LEFTOVERS } };

const failedBeside = (more: { readonly isLeftoverGone?: boolean } = {}) => {
  const event = failed({ mayPass: false });
  return { ...event, outcome: { ...event.outcome, leftovers: LEFTOVERS, ...more } };
};

Deno.test("leftover processes drain, oldest first, once the first generation serves", () => {
  const [state, actions] = decide(STATES.starting, READY_BESIDE, POLICY);
  assert.deepEqual(expectService(state, "serving").past.old.draining, [-1, 0]);
  assert.deepEqual(find(actions, "take_charge")?.leftovers, LEFTOVERS);
  const drains = actions.flatMap((one) => one.name === "drain" ? [one.generation] : []);
  assert.deepEqual(drains, [-1, 0]);
  assert.ok(names(actions).indexOf("take_charge") < names(actions).indexOf("drain"));
});

Deno.test("leftover processes beyond the limit are ended, oldest first", () => {
  const [state, actions] = decide(STATES.starting, READY_BESIDE, { ...POLICY, maxDraining: 1 });
  const { old } = expectService(state, "serving").past;
  assert.deepEqual(old, { draining: [0], ending: [-1] });
  const reason = { name: "terminate", generation: -1, reason: "max-draining" };
  assert.deepEqual(find(actions, "terminate"), reason);
});

Deno.test("a failed start leaves the process alone and says that it keeps running", () => {
  const [, actions] = decide(STATES.starting, failedBeside(), POLICY);
  assert.deepEqual(names(actions), ["log", "cancel_handoff", "clear_timer", "terminate_all"]);
  assert.match(
    find(actions, "log")!.entry.text,
    /; process 70, 60, left behind .*, keeps running, exiting with 1$/,
  );
});

Deno.test("a start is repeated if the process it was to take over from is gone", () => {
  const [state, actions] = decide(STATES.starting, failedBeside({ isLeftoverGone: true }), POLICY);
  const { attempt } = expectState(state, "starting");
  assert.equal(attempt.number, STATES.starting.attempt.number + 1);
  assert.deepEqual(names(actions), ["log", "discard", "start_handoff"]);
  assert.equal(find(actions, "start_handoff")!.takeOverFrom, null);
});
