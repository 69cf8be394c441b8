import assert from "node:assert/strict";
import { decide } from "../../../../lib/supervisor/decisions/decide.ts";
import {
  decideAll,
  EVENTS,
  expectService,
  expectState,
  failed,
  names,
  POLICY,
  ready,
  reloadRequested,
  settled,
  STATES,
} from "../samples.ts";

for (const name of ["starting", "reloading"] as const) {
  Deno.test(`files that change while ${name} lead to another reload, even if changed back`, () => {
    for (
      const events of [
        [settled("other"), EVENTS.handoff_ended],
        [settled("other"), settled("new"), EVENTS.handoff_ended],
        [ready("new", { changedDuringRead: true })],
      ]
    ) {
      const [next, actions] = decideAll(STATES[name], events);
      assert.equal(expectService(next, "serving").serving.changedDuringRead, true);
      assert.deepEqual(actions.at(-1), { name: "scan_soon" });
      const [again] = decide(next, settled("new"), POLICY);
      const { cause } = expectState(again, "reloading").attempt;
      assert.deepEqual(cause, { tag: "changed_during_read" });
    }
  });

  Deno.test(`files that settle while ${name} on the content being loaded need no scan`, () => {
    const [next, actions] = decideAll(STATES[name], [settled("new"), EVENTS.handoff_ended]);
    assert.equal(expectService(next, "serving").serving.changedDuringRead, false);
    assert.equal(actions.at(-1)?.name, "log");
  });

  Deno.test(`after ${name} a generation has what it says it loaded, not only what was scanned before`, () => {
    const [next] = decide(STATES[name], ready("new and its certificates"), POLICY);
    assert.deepEqual(decide(next, settled("new and its certificates"), POLICY), [next, []]);
  });

  Deno.test(`a signal while ${name} waits for the handoff and beats a change`, () => {
    const signal = reloadRequested("SIGUSR2", "new");
    const [, actions] = decideAll(STATES[name], [signal, settled("other"), EVENTS.handoff_ended]);
    assert.deepEqual(actions.at(-1), { name: "scan_and_reload", order: "SIGUSR2" });
  });
}

Deno.test("after a failed handoff a change leads to a scan, a signal to another reload", () => {
  const failure = failed({ mayPass: false });
  const [, changed] = decideAll(STATES.reloading, [settled("other"), failure]);
  assert.deepEqual(names(changed), ["log", "discard", "scan_soon"]);
  const [, signalled] = decideAll(STATES.reloading, [reloadRequested("SIGHUP", "new"), failure]);
  assert.deepEqual(signalled.at(-1), { name: "scan_and_reload", order: "SIGHUP" });
});

Deno.test("after a hot apply a change leads to a scan", () => {
  const [, actions] = decideAll(STATES.hot_applying, [settled("other"), EVENTS.hot_apply_ended]);
  assert.deepEqual(actions, [{ name: "scan_soon" }]);
});
