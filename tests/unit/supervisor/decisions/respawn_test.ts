/** What follows when the generation that served ends by itself and another may take its place. */
import assert from "node:assert/strict";
import type {
  Action,
  Event,
  EventName,
  State,
  StateName,
  StateOf,
} from "../../../../lib/supervisor/state/events.ts";
import { decide } from "../../../../lib/supervisor/decisions/decide.ts";
import { NOTHING_PENDING } from "../../../../lib/supervisor/state/states.ts";
import {
  changing,
  content,
  decideAll,
  EVENTS,
  expectState,
  failed,
  find,
  names,
  POLICY,
  processEnded,
  ready,
  reloadRequested,
  SERVICE,
  settled,
  STATES,
} from "../samples.ts";

const TWICE = { ...POLICY, respawn: 2 };
const ENDING = { tag: "exited", code: 139 } as const;
const LOST = { generation: SERVICE.serving, ending: ENDING, failures: 0 };
const CAUSE = { tag: "respawn", lost: 3, ending: ENDING } as const;

const died = (atMs = 10_000) => processEnded(3, 139, atMs);
const start = (state: State, events: readonly Event[] = []) =>
  decideAll(state, [died(), ...events], TWICE);
const textOf = (actions: readonly Action[]) => find(actions, "log")!.entry.text;

const RESPAWN = ["starting", "log", "clear_timer", "start_handoff"] as const;
const STOP = ["stopping", "log", "cancel_handoff", "clear_timer", "terminate_all"] as const;

/** What the death of generation 3 makes of each state where two respawns in a minute are allowed. */
const OF_DEATH: Readonly<Record<StateName, readonly [StateName, ...Action["name"][]]>> = {
  starting: ["starting"],
  serving: RESPAWN,
  delaying: RESPAWN,
  retrying: RESPAWN,
  reloading: ["starting", "log"],
  hot_applying: ["starting", "log", "cancel_hot_apply", "clear_timer", "start_handoff"],
  leaving: STOP,
  draining: ["draining", "log"],
  stopping: ["stopping"],
  ended: ["ended"],
};

for (const state of Object.values<State>(STATES)) {
  Deno.test(`with respawns left the death of what served has its one effect while ${state.name}`, () => {
    const [next, actions] = start(state);
    assert.deepEqual([next.name, ...names(actions)], OF_DEATH[state.name]);
  });
}

/** What each sample event makes of a start in the place of generation 3, after a first try that failed. */
const WHILE_RESPAWNING: Readonly<Record<EventName, readonly [StateName, ...Action["name"][]]>> = {
  changing: ["starting"],
  settled: ["starting", "hurry_handoff"],
  reload_requested: ["starting", "hurry_handoff"],
  changed_during_read: ["starting"],
  memory_short: ["starting"],
  drain_lasts: ["starting"],
  resynced: ["starting"],
  handoff_ended: ["serving", "log"],
  hot_apply_ended: ["starting"],
  process_ended: ["starting"],
  stop_requested: STOP,
  drain_requested: ["draining", "log", "cancel_handoff", "clear_timer", "discard", "drain_all"],
  dump_requested: ["starting"],
  timer_due: ["starting"],
  fleet_empty: ["starting"],
  bug: ["draining", "log", "cancel_handoff", "clear_timer", "discard", "drain_all"],
};

Deno.test("each event has its one effect while a start in the place of another is tried again", () => {
  const [state] = start(STATES.serving, [failed({ mayPass: true })]);
  const row = Object.values(EVENTS).map((event) => {
    const [next, actions] = decide(state, event, TWICE);
    return [event.name, [next.name, ...names(actions)]];
  });
  assert.deepEqual(Object.fromEntries(row), WHILE_RESPAWNING);
});

Deno.test("another generation starts with the next number, takes over from nobody, and what drains goes on", () => {
  const [next, actions] = start(STATES.serving);
  const attempt = { number: 4, fingerprint: content("served"), cause: CAUSE };
  assert.deepEqual(next, {
    ...{ name: "starting", attempt, pending: NOTHING_PENDING },
    ...{
      lost: LOST,
      draining: [2],
      ending: [],
      lastStartMs: 1_000,
      respawnedMs: [10_000],
      isSlowdownTold: false,
    },
  });
  assert.deepEqual(actions.slice(1), [
    { name: "clear_timer" },
    { name: "start_handoff", attempt, takeOverFrom: null },
  ]);
  assert.equal(
    textOf(actions),
    "generation 3 exited with 139 although it was to serve; generation 4 is started in its place " +
      "(respawn 1 of 2 in a minute)",
  );
});

Deno.test("once it serves all is as before, but for the respawn that counts", () => {
  const [next, actions] = start(STATES.retrying, [ready("served")]);
  const { serving, ...rest } = expectState(next, "serving");
  assert.equal(serving.number, 5);
  assert.deepEqual(rest, {
    ...{ name: "serving", draining: [2], ending: [], lastGeneration: 5 },
    ...{ lastStartMs: 1_000, respawnedMs: [10_000], isSlowdownTold: false, rejected: null },
  });
  assert.match(
    textOf(actions),
    /^generation 5 serves, .*; respawned since generation 3 exited with 139; 1 old process draining$/,
  );
});

const SEEN_LAST = {
  serving: "served",
  delaying: "served",
  retrying: "rejected",
  hot_applying: "new",
} as const;

for (const [name, text] of Object.entries(SEEN_LAST)) {
  Deno.test(`what was seen last is what a start while ${name} is compared with`, () => {
    const state = STATES[name as keyof typeof SEEN_LAST];
    const { attempt } = expectState(start(state)[0], "starting");
    assert.deepEqual(attempt.fingerprint, content(text));
    const [unwatched] = decide(state, died(), { ...TWICE, watch: false });
    assert.equal(expectState(unwatched, "starting").attempt.fingerprint, null);
  });
}

Deno.test("something else on disk than was seen last leads to one more reload", () => {
  const [next, actions] = start(STATES.delaying, [ready("served", { changedDuringRead: true })]);
  assert.deepEqual(actions.at(-1), { name: "scan_soon" });
  const [again] = decide(next, settled("served", 80_000), TWICE);
  assert.deepEqual(expectState(again, "reloading").attempt.cause, { tag: "changed_during_read" });
});

Deno.test("a reload that is under way goes on in the place of what died, and takes what came up", () => {
  const events = [died(), settled("other"), ready("new")];
  const [next, actions] = decideAll(STATES.reloading, events, TWICE);
  const { serving, draining, respawnedMs } = expectState(next, "serving");
  assert.deepEqual([serving.number, draining, respawnedMs], [4, [2], [10_000]]);
  assert.deepEqual(names(actions), ["log", "scan_soon"]);
  assert.match(textOf(actions), /reloaded for a change, changed: "\/haproxy.cfg"; 1 old process/);
});

Deno.test("what came up before the death is not forgotten where the reload goes on", () => {
  const events = [reloadRequested("SIGHUP", "new"), died(), ready("new")];
  const [, actions] = decideAll(STATES.reloading, events, TWICE);
  assert.deepEqual(actions.at(-1), { name: "scan_and_reload", order: "SIGHUP" });
});

for (const mayPass of [true, false]) {
  Deno.test(`a reload that fails without what it was to take over from costs no try (${mayPass})`, () => {
    const once = { ...POLICY, respawn: 1 };
    const [next, actions] = decideAll(STATES.reloading, [died(), failed({ mayPass })], once);
    const { attempt, lost, respawnedMs } = expectState(next, "starting");
    assert.deepEqual([attempt.number, attempt.cause, lost, respawnedMs], [5, CAUSE, LOST, [
      10_000,
    ]]);
    assert.deepEqual(names(actions), ["log", "discard", "start_handoff"]);
    assert.deepEqual(actions.at(-1), { name: "start_handoff", attempt, takeOverFrom: null });
    const [end] = decide(next, failed({ mayPass }), once);
    assert.equal(expectState(end, "stopping").exitCode, 139);
  });
}

Deno.test("failed starts count, with growing pauses, and at their end the first death's status is told", () => {
  const five = { ...POLICY, respawn: 5 };
  let state: State = decide(STATES.serving, died(), five)[0];
  const pauses: (number | undefined)[] = [];
  let atMs = 10_000;
  while (state.name === "starting") {
    const [next, actions] = decide(state, failed({ mayPass: false }, atMs += 50), five);
    const { pauseMs } = find(actions, "start_handoff") ?? {};
    pauses.push(pauseMs);
    atMs += pauseMs ?? 0;
    if (next.name !== "starting") {
      assert.deepEqual(names(actions), ["log", "cancel_handoff", "clear_timer", "terminate_all"]);
      assert.match(
        textOf(actions),
        /generation 8 did not start: .*; nothing serves, all 5 respawns failed, ending with 139$/,
      );
    }
    state = next;
  }
  assert.equal(expectState(state, "stopping").exitCode, 139);
  assert.deepEqual(pauses, [1_000, 2_000, 4_000, 5_000, undefined]);
});

Deno.test("so many failures in a row are the end, however long each start takes", () => {
  for (const [respawn, startMs] of [[1, 50], [2, 60_000], [7, 120_000], [100, 2_000]] as const) {
    const policy = { ...POLICY, respawn };
    let state: State = decide(STATES.serving, died(0), policy)[0];
    let tries = 0;
    for (let atMs = 0; state.name === "starting"; tries++) {
      const [next, actions] = decide(state, failed({ mayPass: true }, atMs += startMs), policy);
      atMs += find(actions, "start_handoff")?.pauseMs ?? 0;
      state = next;
    }
    assert.deepEqual([tries, expectState(state, "stopping").exitCode], [respawn, 139]);
  }
});

Deno.test("respawns that went well a moment before leave fewer tries", () => {
  const state = { ...STATES.serving, respawnedMs: [9_000] };
  const [next, actions] = decideAll(state, [died(), failed({ mayPass: true }, 10_050)], TWICE);
  assert.equal(next.name, "stopping");
  assert.match(textOf(actions), /; nothing serves, 2 respawns in a minute are used up, /);
});

Deno.test("what ended with 0 and cannot be started again is no good end", () => {
  const events = [processEnded(3, 0), failed({ mayPass: false })];
  const [next] = decideAll(STATES.serving, events, { ...POLICY, respawn: 1 });
  assert.equal(expectState(next, "stopping").exitCode, 1);
});

Deno.test("what changed, or was asked for, during a start that failed is tried at once", () => {
  for (const news of [settled("mended"), reloadRequested("SIGHUP", "mended")]) {
    const [next, actions] = start(STATES.serving, [news, failed({ mayPass: false })]);
    const { attempt, pending } = expectState(next, "starting");
    assert.deepEqual(pending, NOTHING_PENDING);
    assert.deepEqual(find(actions, "start_handoff"), {
      ...{ name: "start_handoff", attempt, takeOverFrom: null },
    });
  }
});

Deno.test("what has been tried is no news when it is seen again", () => {
  const [state] = start(STATES.delaying, [settled("held"), failed({ mayPass: true })]);
  assert.deepEqual(expectState(state, "starting").attempt.fingerprint, content("held"));
  assert.deepEqual(decide(state, settled("held"), TWICE), [state, []]);
});

Deno.test("nothing is hurried by what was there already, nor in a start that has not failed", () => {
  const [paused] = start(STATES.serving, [failed({ mayPass: true })]);
  assert.deepEqual(names(decide(paused, settled("served"), TWICE)[1]), []);
  const [first] = start(STATES.serving);
  assert.deepEqual(names(decide(first, settled("other"), TWICE)[1]), []);
  assert.deepEqual(names(decide(STATES.starting, settled("other"), TWICE)[1]), []);
});

/** The generation that serves dies again and again, at these times. */
function dieAt(times: readonly number[], respawn: number): State {
  return times.reduce<State>((state, atMs) => {
    if (state.name !== "serving") return state;
    const death = processEnded(state.serving.number, 139, atMs);
    return decideAll(state, [death, ready("served")], { ...POLICY, respawn })[0];
  }, STATES.serving);
}

Deno.test("so many in any minute are allowed, and one more ends all", () => {
  assert.equal(dieAt([0, 59_999], 2).name, "serving");
  assert.deepEqual(dieAt([0, 30_000, 59_999], 2), {
    ...{ name: "stopping", exitCode: 139 },
  });
  assert.equal(dieAt([0, 30_000, 60_000, 90_000, 120_000], 2).name, "serving");
  assert.equal(dieAt([0, 30_000, 60_000, 89_999], 2).name, "stopping");
  assert.equal(dieAt([0, 60_000, 120_000], 1).name, "serving");
  assert.equal(dieAt([0], 0).name, "stopping");
});

Deno.test("the line of the last death says that the respawns are used up", () => {
  const state = { ...STATES.serving, respawnedMs: [1_000, 2_000] };
  assert.match(
    textOf(decide(state, died(), TWICE)[1]),
    /although it was to serve; 2 respawns in a minute are used up, the others are ended too, ending with 139$/,
  );
});

Deno.test("a generation that has drained during the start is forgotten with a line", () => {
  const [next, actions] = start(STATES.serving, [processEnded(2)]);
  assert.deepEqual(expectState(next, "starting").draining, []);
  assert.match(textOf(actions), /^generation 2 drained/);
});

Deno.test("a drain during the start is a drain of what served, so that nobody cuts it off", () => {
  const [next] = start(STATES.serving, [EVENTS.drain_requested]);
  const { lastServing, exitCode }: StateOf<"draining"> = expectState(next, "draining");
  assert.deepEqual([lastServing, exitCode], [3, 0]);
});

Deno.test("what began before the death has no effect after it", () => {
  const [state] = start(STATES.hot_applying);
  for (
    const event of [
      EVENTS.hot_apply_ended,
      EVENTS.timer_due,
      EVENTS.changed_during_read,
      changing("x"),
    ]
  ) {
    assert.deepEqual(decide(state, event, TWICE), [state, []]);
  }
});
