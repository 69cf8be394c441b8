/** Why a reload waits, and what follows. */
import assert from "node:assert/strict";
import { decide } from "../../../../lib/supervisor/decisions/decide.ts";
import type { Serving } from "../../../../lib/supervisor/state/state.ts";
import {
  changing,
  content,
  decideAll,
  EVENTS,
  expectService,
  expectState,
  find,
  hotApplyEnded,
  linesOf,
  names,
  POLICY,
  ready,
  rejected,
  reloadRequested,
  SERVICE,
  settled,
  STATES,
  withService,
} from "../samples.ts";

/** Two reloads start at least a minute apart; the last one started at 1 s. */
const ONE_A_MINUTE = { ...POLICY, minReloadIntervalMs: 60_000 };

Deno.test("a change too soon after the last reload waits for the rest of the interval", () => {
  assert.deepEqual(decide(STATES.serving, settled("new", 11_000), ONE_A_MINUTE), [
    STATES.delaying,
    [{ name: "set_timer", delayMs: 50_000 }],
  ]);
  assert.equal(decide(STATES.serving, settled("new", 60_999), ONE_A_MINUTE)[0].name, "delaying");
  assert.equal(decide(STATES.serving, settled("new", 61_000), ONE_A_MINUTE)[0].name, "reloading");
});

Deno.test("further changes during a delay do not set another timer", () => {
  const decision = decide(STATES.delaying, settled("newer", 12_000), ONE_A_MINUTE);
  assert.deepEqual(decision, [STATES.delaying, []]);
});

Deno.test("when the interval is over, the content then on disk is applied", () => {
  const [delayed, actions] = decide(STATES.delaying, EVENTS.timer_due, ONE_A_MINUTE);
  assert.deepEqual(actions, [{ name: "scan_for_retry" }]);
  const [next] = decide(delayed, settled("newest", 61_000), ONE_A_MINUTE);
  assert.deepEqual(expectState(next, "reloading").attempt.fingerprint, content("newest"));
});

Deno.test("a delayed change that is reverted is not applied", () => {
  for (const event of [settled("served", 12_000), settled("served", 61_000)]) {
    const [next, actions] = decide(STATES.delaying, event, ONE_A_MINUTE);
    assert.deepEqual(next, STATES.serving);
    assert.deepEqual(names(actions), ["clear_timer", "log"]);
  }
});

Deno.test("a signal does not wait for the interval, and takes the delayed change along", () => {
  const request = reloadRequested("SIGHUP", "new", 11_000);
  for (const state of [STATES.serving, STATES.delaying]) {
    const [next, actions] = decide(state, request, ONE_A_MINUTE);
    assert.equal(next.name, "reloading");
    assert.deepEqual(names(actions), ["clear_timer", "start_handoff"]);
  }
});

Deno.test("the interval does not delay the first change after the start", () => {
  const [started] = decide(STATES.starting, EVENTS.handoff_ended, ONE_A_MINUTE);
  assert.equal(decide(started, settled("other", 0), ONE_A_MINUTE)[0].name, "reloading");
});

/** Generation 3 may not be able to pass its tables on before this. */
const BY_MS = 14_000;
const serving = { ...SERVICE.serving, tablesByMs: BY_MS };
const YOUNG = withService(STATES.serving, { serving });
const DELAYED = { ...withService(STATES.delaying, { serving }), awaits: "tables" } as const;
const DELAYED_ORDER = { ...DELAYED, order: "SIGHUP" } as const;
const REJECTED = rejected("bad", { generation: 2 });
const DUE = {
  ...withService(STATES.retrying, { serving, rejected: REJECTED }),
  isDue: true,
} as const;
const { resynced } = EVENTS;

Deno.test("a change waits until tables can pass; one line says why, and no process stands by", () => {
  const [next, actions] = decide(YOUNG, settled("new"), POLICY);
  assert.deepEqual(next, DELAYED);
  assert.deepEqual(names(actions), ["set_timer", "log"]);
  assert.equal(find(actions, "set_timer")?.delayMs, 4_000);
  assert.deepEqual(linesOf(actions), [
    "reload delayed by at most 4s, until generation 3 can pass its stick-tables on",
  ]);
  assert.deepEqual(decide(DELAYED, settled("newer", 11_000), POLICY), [DELAYED, []]);
  assert.deepEqual(decide(YOUNG, changing("new"), POLICY), [YOUNG, []]);
});

Deno.test("an order waits for tables too, even together with a change, and is logged once", () => {
  for (const order of ["SIGHUP", "SIGUSR2", "POST /reload"] as const) {
    const [next, actions] = decide(YOUNG, reloadRequested(order, "served"), POLICY);
    assert.deepEqual(next, { ...DELAYED, order });
    assert.deepEqual(names(actions), ["set_timer", "log"]);
    const [joined, more] = decide(DELAYED, reloadRequested(order, "new", 12_000), POLICY);
    assert.deepEqual(joined, { ...DELAYED, order });
    assert.deepEqual(more, [{ name: "set_timer", delayMs: 2_000 }]);
  }
});

Deno.test("a new generation that cannot pass its tables on delays pending changes", () => {
  const events = [ready("new", { tablesByMs: BY_MS }), reloadRequested("SIGHUP", "newer")];
  const [delayed, actions] = decideAll(STATES.reloading, events);
  assert.equal(expectState(delayed, "delaying").order, "SIGHUP");
  assert.equal(find(actions, "set_timer")?.delayMs, 4_000);
  assert.match(linesOf(actions)[0]!, /until generation 4 can pass/);
  const changed = [ready("new", { tablesByMs: BY_MS, changedDuringRead: true }), settled("new")];
  assert.equal(decideAll(STATES.reloading, changed)[0].name, "delaying");
});

for (
  const [what, over] of [["tables can pass", resynced], ["the limit", EVENTS.timer_due]] as const
) {
  Deno.test(`after ${what} a delayed change is scanned and applied as it then is`, () => {
    const [delayed, actions] = decide(DELAYED, over, POLICY);
    assert.deepEqual(actions, [{ name: "scan_for_retry" }]);
    const [next] = decide(delayed, settled("newest", BY_MS), POLICY);
    const { attempt } = expectState(next, "reloading");
    assert.deepEqual(attempt.fingerprint, content("newest"));
    assert.deepEqual(attempt.cause, { tag: "change" });
  });

  Deno.test(`after ${what} a delayed order is carried out, needed or not`, () => {
    const [delayed, actions] = decide(DELAYED_ORDER, over, POLICY);
    assert.deepEqual(actions, [{ name: "scan_and_reload", order: "SIGHUP" }]);
    const [next] = decide(delayed, reloadRequested("SIGHUP", "served", BY_MS), POLICY);
    const { cause } = expectState(next, "reloading").attempt;
    assert.deepEqual(cause, { tag: "order", order: "SIGHUP" });
  });

  Deno.test(`after ${what} a delayed retry is scanned for and stays a retry`, () => {
    const [due, actions] = decide(DUE, over, POLICY);
    assert.deepEqual(actions, [{ name: "scan_for_retry" }]);
    const [next] = decide(due, settled("bad", BY_MS), POLICY);
    assert.deepEqual(expectState(next, "reloading").attempt.cause, { tag: "retry" });
  });
}

Deno.test("tables that can pass delay nothing, whatever the state", () => {
  for (const state of Object.values(STATES)) {
    if (!("service" in state)) continue;
    const young = withService<Serving>(state, { serving });
    assert.deepEqual(decide(young, resynced, POLICY)[0], state, state.name);
  }
  assert.equal(decideAll(YOUNG, [resynced, settled("new")])[0].name, "reloading");
});

Deno.test("another generation's tables change nothing", () => {
  for (const state of [YOUNG, DELAYED, DELAYED_ORDER, DUE]) {
    assert.deepEqual(decide(state, { ...resynced, generation: 2 }, POLICY), [state, []]);
  }
});

Deno.test("a delayed order survives when a change next to it is reverted or rejected", () => {
  for (const text of ["served", "bad"]) {
    const state = withService(DELAYED_ORDER, { rejected: REJECTED });
    const [next, actions] = decide(state, settled(text), POLICY);
    assert.equal(expectState(next, "delaying").order, "SIGHUP", text);
    assert.deepEqual(actions, []);
  }
  assert.equal(decide(DELAYED, settled("served"), POLICY)[0].name, "serving");
});

Deno.test("a hot apply does not wait, and a waiting order keeps waiting after it", () => {
  const target = { tag: "map", path: "/haproxy.cfg", id: 1 } as const;
  const targets = { byPath: new Map([["/haproxy.cfg", [target]]]), replacesCrt: false };
  const state = withService(DELAYED_ORDER, { serving: { ...serving, targets } });
  const [applying, first] = decide(state, settled("new"), POLICY);
  assert.deepEqual(names(first), ["clear_timer", "hot_apply"]);
  const [after, second] = decide(applying, hotApplyEnded({}, 11_000), POLICY);
  assert.deepEqual(second, [{ name: "scan_and_reload", order: "SIGHUP" }]);
  const [delayed] = decide(after, reloadRequested("SIGHUP", "new", 11_000), POLICY);
  assert.equal(expectState(delayed, "delaying").order, "SIGHUP");
});

Deno.test("a retry waits for tables as a retry, even if it began as a hot apply", () => {
  const timer = { name: "set_timer", delayMs: 4_000 };
  assert.deepEqual(decide(DUE, settled("bad"), POLICY), [DUE, [timer]]);
  assert.deepEqual(decide({ ...DUE, isDue: false }, resynced, POLICY)[1], []);
  const attempt = { fingerprint: content("bad"), cause: { tag: "retry" } } as const;
  const state = { ...STATES.hot_applying, service: DUE.service, attempt };
  const end = hotApplyEnded({ next: { tag: "reload", reason: null } });
  const [next, actions] = decide(state, end, POLICY);
  assert.equal(expectState(next, "retrying").isDue, true);
  assert.deepEqual(actions, [timer]);
});

Deno.test("a change waits for the longer of two delays, an order only for tables", () => {
  const [longer] = decide(YOUNG, settled("new"), ONE_A_MINUTE);
  assert.equal(expectState(longer, "delaying").awaits, "interval");
  const [order, actions] = decide(longer, reloadRequested("SIGHUP", "new"), ONE_A_MINUTE);
  assert.deepEqual(order, DELAYED_ORDER);
  assert.equal(find(actions, "set_timer")?.delayMs, 4_000);
  assert.deepEqual(decide(order, settled("newer", 11_000), ONE_A_MINUTE)[0], DELAYED_ORDER);
  assert.deepEqual(decide(longer, resynced, ONE_A_MINUTE)[1], []);
});

Deno.test("when tables can pass, a change waits for the rest of the interval", () => {
  const policy = { ...POLICY, minReloadIntervalMs: 11_000 };
  const [delayed] = decide(YOUNG, settled("new"), policy);
  assert.equal(expectState(delayed, "delaying").awaits, "tables");
  const [next, actions] = decideAll(delayed, [resynced, settled("new", 11_500)], policy);
  assert.equal(expectState(next, "delaying").awaits, "interval");
  assert.deepEqual(expectService(next, "delaying").serving, SERVICE.serving);
  assert.deepEqual(actions, [{ name: "set_timer", delayMs: 500 }]);
});
