import assert from "node:assert/strict";
import { decide } from "../../../../lib/supervisor/decisions/decide.ts";
import type { Action, State, StateOf } from "../../../../lib/supervisor/state/events.ts";
import { tablesWaitMs } from "../../../../lib/supervisor/decisions/stick_tables.ts";
import {
  changing,
  content,
  decideAll,
  EVENTS,
  expectState,
  find,
  hotApplyEnded,
  names,
  POLICY,
  ready,
  reloadRequested,
  SERVICE,
  settled,
  STATES,
} from "../samples.ts";

/** Generation 3 may not be able to pass its tables on before this. */
const BY_MS = 14_000;
const serving = { ...SERVICE.serving, tablesByMs: BY_MS };
const YOUNG = { ...STATES.serving, serving };
const HELD = { ...STATES.delaying, serving, awaits: "tables" } as const;
const HELD_ORDER = { ...HELD, order: "SIGHUP" } as const;
const REJECTED = {
  generation: 2,
  fingerprint: content("bad"),
  changedDuringRead: false,
  failures: 1,
};
const DUE: StateOf<"retrying"> = { ...STATES.retrying, serving, rejected: REJECTED, isDue: true };

const ONE_A_MINUTE = { ...POLICY, minReloadIntervalMs: 60_000 };
const { resynced } = EVENTS;

const linesOf = (actions: readonly Action[]) =>
  actions.flatMap((action) => action.name === "log" ? [action.entry.text] : []);

const passes = (state: State) =>
  assert.ok("serving" in state && !("tablesByMs" in state.serving), state.name);

Deno.test("a generation without tables waits for nothing", () => {
  assert.equal(tablesWaitMs(SERVICE.serving, 0), -Infinity);
  assert.equal(tablesWaitMs(serving, 10_000), 4_000);
});

Deno.test("a change waits until tables pass, one line says why, and no process waits for it", () => {
  const [next, actions] = decide(YOUNG, settled("new"), POLICY);
  assert.deepEqual(next, HELD);
  assert.deepEqual(names(actions), ["set_timer", "log"]);
  assert.equal(find(actions, "set_timer")?.delayMs, 4_000);
  assert.deepEqual(linesOf(actions), [
    "reload waits, at most 4s, until generation 3 can pass its stick-tables on",
  ]);
  assert.deepEqual(decide(HELD, settled("newer", 11_000), POLICY), [HELD, []]);
  assert.deepEqual(decide(YOUNG, changing("new"), POLICY), [YOUNG, []]);
});

Deno.test("an order waits for the same, beside a held change too, and is said once", () => {
  for (const order of ["SIGHUP", "SIGUSR2", "POST /reload"] as const) {
    const [next, actions] = decide(YOUNG, reloadRequested(order, "served"), POLICY);
    assert.deepEqual(next, { ...HELD, order });
    assert.deepEqual(names(actions), ["set_timer", "log"]);
    const [joined, more] = decide(HELD, reloadRequested(order, "new", 12_000), POLICY);
    assert.deepEqual(joined, { ...HELD, order });
    assert.deepEqual(more, [{ name: "set_timer", delayMs: 2_000 }]);
  }
});

Deno.test("a new generation that cannot pass its tables on yet holds what came up meanwhile", () => {
  const pending = { order: "SIGHUP", changedDuringRead: true } as const;
  const events = [ready("new", { tablesByMs: BY_MS }), reloadRequested("SIGHUP", "newer")];
  const [held, actions] = decideAll({ ...STATES.reloading, pending }, events);
  assert.equal(expectState(held, "delaying").order, "SIGHUP");
  assert.equal(find(actions, "set_timer")?.delayMs, 4_000);
  assert.match(linesOf(actions)[0]!, /until generation 4 can pass/);
  const changed = [ready("new", { tablesByMs: BY_MS, changedDuringRead: true }), settled("new")];
  assert.equal(decideAll(STATES.reloading, changed)[0].name, "delaying");
});

for (const [what, over] of [["they pass", resynced], ["the limit", EVENTS.timer_due]] as const) {
  Deno.test(`after ${what} a held change is looked at, and applied as it is then`, () => {
    const [held, actions] = decide(HELD, over, POLICY);
    assert.deepEqual(actions, [{ name: "scan_soon" }]);
    const [next] = decide(held, settled("newest", BY_MS), POLICY);
    const { attempt } = expectState(next, "reloading");
    assert.deepEqual(attempt.fingerprint, content("newest"));
    assert.deepEqual(attempt.cause, { tag: "change" });
  });

  Deno.test(`after ${what} a held order is carried out, needed or not`, () => {
    const [held, actions] = decide(HELD_ORDER, over, POLICY);
    assert.deepEqual(actions, [{ name: "scan_and_reload", order: "SIGHUP" }]);
    const [next] = decide(held, reloadRequested("SIGHUP", "served", BY_MS), POLICY);
    const { attempt } = expectState(next, "reloading");
    assert.deepEqual(attempt.cause, { tag: "order", order: "SIGHUP" });
  });
}

Deno.test("tables that pass sooner than the limit hold nothing any more", () => {
  const [old] = decide(YOUNG, resynced, POLICY);
  assert.deepEqual(old, STATES.serving);
  assert.equal(decide(old, settled("new"), POLICY)[0].name, "reloading");
  assert.deepEqual(names(decide(old, changing("new"), POLICY)[1]), ["stand_by"]);
});

Deno.test("what another generation can do changes nothing", () => {
  const other = { ...resynced, generation: 2 };
  for (const state of [YOUNG, HELD, HELD_ORDER, DUE]) {
    assert.deepEqual(decide(state, other, POLICY), [state, []]);
  }
});

Deno.test("it is noted whatever goes on", () => {
  for (const state of Object.values(STATES)) {
    if ("serving" in state) passes(decide({ ...state, serving } as State, resynced, POLICY)[0]);
  }
});

Deno.test("a held order is not forgotten when the change beside it is taken back or rejected", () => {
  for (const text of ["served", "bad"]) {
    const state = { ...HELD_ORDER, rejected: REJECTED };
    const [next, actions] = decide(state, settled(text), POLICY);
    assert.equal(expectState(next, "delaying").order, "SIGHUP", text);
    assert.deepEqual(actions, []);
  }
  assert.equal(decide(HELD, settled("served"), POLICY)[0].name, "serving");
});

Deno.test("a change in place does not wait, and the order that waits goes on waiting after it", () => {
  const use = { tag: "map", path: "/haproxy.cfg", id: 1 } as const;
  const uses = { byPath: new Map([["/haproxy.cfg", [use]]]), replacesCrt: false };
  const state = { ...HELD_ORDER, serving: { ...serving, uses } };
  const [replacing, first] = decide(state, settled("new"), POLICY);
  assert.deepEqual(names(first), ["clear_timer", "hot_apply"]);
  const [after, second] = decide(replacing, hotApplyEnded({}, 11_000), POLICY);
  assert.deepEqual(second, [{ name: "scan_and_reload", order: "SIGHUP" }]);
  const [held] = decide(after, reloadRequested("SIGHUP", "new", 11_000), POLICY);
  assert.equal(expectState(held, "delaying").order, "SIGHUP");
});

Deno.test("a retry waits as a retry", () => {
  const [waiting, actions] = decide(DUE, settled("bad"), POLICY);
  assert.deepEqual(waiting, DUE);
  assert.deepEqual(actions, [{ name: "set_timer", delayMs: 4_000 }]);
  for (const over of [resynced, EVENTS.timer_due]) {
    const [due, looking] = decide(waiting, over, POLICY);
    assert.deepEqual(looking, [{ name: "scan_for_retry" }]);
    const [next] = decide(due, settled("bad", BY_MS), POLICY);
    assert.deepEqual(expectState(next, "reloading").attempt.cause, { tag: "retry" });
  }
  const early = { ...DUE, isDue: false };
  assert.deepEqual(decide(early, resynced, POLICY)[1], []);
});

Deno.test("a retry that was to be a change in place waits as a retry, too", () => {
  const attempt = { fingerprint: content("bad"), cause: { tag: "retry" } } as const;
  const state = { ...STATES.hot_applying, serving, rejected: REJECTED, attempt };
  const [next, actions] = decide(
    state,
    hotApplyEnded({ next: { tag: "reload", reason: null } }),
    POLICY,
  );
  assert.equal(expectState(next, "retrying").isDue, true);
  assert.equal(find(actions, "set_timer")?.delayMs, 4_000);
});

Deno.test("of two waits the longer one counts for a change, and tables alone for an order", () => {
  const [longer] = decide(YOUNG, settled("new"), ONE_A_MINUTE);
  assert.equal(expectState(longer, "delaying").awaits, "interval");
  const [order, actions] = decide(longer, reloadRequested("SIGHUP", "new"), ONE_A_MINUTE);
  assert.deepEqual(order, HELD_ORDER);
  assert.equal(find(actions, "set_timer")?.delayMs, 4_000);
  const [still] = decide(order, settled("newer", 11_000), ONE_A_MINUTE);
  assert.deepEqual(still, HELD_ORDER);
  assert.deepEqual(decide(longer, resynced, ONE_A_MINUTE)[1], []);
});

Deno.test("what is left of the interval when tables pass is waited for", () => {
  const policy = { ...POLICY, minReloadIntervalMs: 11_000 };
  const [held] = decide(YOUNG, settled("new"), policy);
  assert.equal(expectState(held, "delaying").awaits, "tables");
  const [next, actions] = decideAll(held, [resynced, settled("new", 11_500)], policy);
  assert.equal(expectState(next, "delaying").awaits, "interval");
  assert.deepEqual(actions, [{ name: "set_timer", delayMs: 500 }]);
});
