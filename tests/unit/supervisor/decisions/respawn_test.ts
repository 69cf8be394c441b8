/** What follows when the serving generation ends by itself and may be replaced. */
import assert from "node:assert/strict";
import { decide } from "../../../../lib/supervisor/decisions/decide.ts";
import { NOTHING_PENDING } from "../../../../lib/supervisor/decisions/pending.ts";
import type { Action, Event, EventName } from "../../../../lib/supervisor/state/events.ts";
import type { State, StateName } from "../../../../lib/supervisor/state/state.ts";
import {
  content,
  decideAll,
  EVENTS,
  expectService,
  expectState,
  failed,
  find,
  linesOf,
  names,
  POLICY,
  processEnded,
  ready,
  reloadRequested,
  SERVICE,
  settled,
  STATES,
  withPast,
} from "../samples.ts";

const TWICE = { ...POLICY, respawn: 2 };
const ENDING = { tag: "exited", code: 139 } as const;
const LOST = { generation: SERVICE.serving, ending: ENDING, failures: 0 };
const CAUSE = { tag: "respawn", lost: 3, ending: ENDING } as const;
/** One respawn was counted at 10 s. */
const PAST = { ...SERVICE.past, respawnedMs: [10_000] };

const died = (atMs = 10_000) => processEnded(3, 139, atMs);
const start = (state: State, events: readonly Event[] = []) =>
  decideAll(state, [died(), ...events], TWICE);

type Cell = readonly [StateName, ...Action["name"][]];
const RESPAWN: Cell = ["starting", "log", "clear_timer", "start_handoff"];
const STOP: Cell = ["stopping", "log", "cancel_handoff", "clear_timer", "terminate_all"];
const DRAIN: Cell = [
  ...["draining", "log", "cancel_handoff", "clear_timer", "discard", "drain_all"] as const,
];

/** The effect of generation 3's death on each state, with two respawns allowed in a minute. */
const OF_DEATH: Readonly<Record<StateName, Cell>> = {
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
  Deno.test(`with respawns left, the death of the serving generation has its one effect while ${state.name}`, () => {
    const [next, actions] = start(state);
    assert.deepEqual([next.name, ...names(actions)], OF_DEATH[state.name]);
  });
}

/** The effects of the sample events on a respawn whose first attempt failed; all others change nothing. */
const WHILE_RESPAWNING: { readonly [E in EventName]?: Cell } = {
  settled: ["starting", "hurry_handoff"],
  reload_requested: ["starting", "hurry_handoff"],
  handoff_ended: ["serving", "log"],
  stop_requested: STOP,
  drain_requested: DRAIN,
  bug: DRAIN,
};

Deno.test("each event has its one effect while a respawn is retried", () => {
  const [state] = start(STATES.serving, [failed({ mayPass: true })]);
  for (const event of Object.values(EVENTS)) {
    const [next, actions] = decide(state, event, TWICE);
    const expected = WHILE_RESPAWNING[event.name];
    if (expected === undefined) assert.deepEqual([next, actions], [state, []], event.name);
    else assert.deepEqual([next.name, ...names(actions)], expected, event.name);
  }
});

Deno.test("a respawn has the next number and takes over from none, while old processes keep draining", () => {
  const [next, actions] = start(STATES.serving);
  const attempt = { number: 4, fingerprint: content("served"), cause: CAUSE };
  const common = { name: "starting", pending: NOTHING_PENDING } as const;
  assert.deepEqual(next, { ...common, attempt, lost: LOST, past: PAST });
  assert.deepEqual(actions.slice(1), [
    { name: "clear_timer" },
    { name: "start_handoff", attempt, takeOverFrom: null },
  ]);
  assert.match(linesOf(actions)[0]!, /starting generation 4 in its place \(respawn 1 of 2 /);
});

Deno.test("once it serves, everything is as before, except that the respawn counts", () => {
  const [next, actions] = start(STATES.retrying, [ready("served")]);
  assert.deepEqual(expectService(next, "serving"), {
    serving: { ...SERVICE.serving, number: 5 },
    lastGeneration: 5,
    rejected: null,
    past: PAST,
  });
  assert.match(linesOf(actions)[0]!, /^generation 5 serves, .*; respawned because generation 3 /);
});

const SEEN_LAST = {
  serving: "served",
  delaying: "served",
  retrying: "rejected",
  hot_applying: "new",
} as const;

for (const [name, text] of Object.entries(SEEN_LAST)) {
  Deno.test(`a respawn while ${name} is compared with the last scan`, () => {
    const state = STATES[name as keyof typeof SEEN_LAST];
    const { attempt } = expectState(start(state)[0], "starting");
    assert.deepEqual(attempt.fingerprint, content(text));
    const [unwatched] = decide(state, died(), { ...TWICE, watch: false });
    assert.equal(expectState(unwatched, "starting").attempt.fingerprint, null);
  });
}

Deno.test("content on disk that differs from the last scan leads to one more reload", () => {
  const [next, actions] = start(STATES.delaying, [ready("served", { changedDuringRead: true })]);
  assert.deepEqual(actions.at(-1), { name: "scan_soon" });
  const [again] = decide(next, settled("served", 80_000), TWICE);
  assert.deepEqual(expectState(again, "reloading").attempt.cause, { tag: "changed_during_read" });
});

Deno.test("a running reload replaces the dead generation, and follows up what was pending", () => {
  const [next, actions] = start(STATES.reloading, [settled("other"), ready("new")]);
  const { serving, past } = expectService(next, "serving");
  assert.deepEqual([serving.number, past], [4, PAST]);
  assert.deepEqual(names(actions), ["log", "scan_soon"]);
  assert.match(
    linesOf(actions)[0]!,
    /reloaded after a change, changed: "\/haproxy.cfg"; 1 old process/,
  );
  const order = [reloadRequested("SIGHUP", "new"), died(), ready("new")];
  const [, ordered] = decideAll(STATES.reloading, order, TWICE);
  assert.deepEqual(ordered.at(-1), { name: "scan_and_reload", order: "SIGHUP" });
});

for (const mayPass of [true, false]) {
  Deno.test(`a reload that fails because its predecessor died uses up no respawn (${mayPass})`, () => {
    const once = { ...POLICY, respawn: 1 };
    const [next, actions] = decideAll(STATES.reloading, [died(), failed({ mayPass })], once);
    const { attempt, lost, past } = expectState(next, "starting");
    assert.deepEqual([attempt.number, attempt.cause, lost, past], [5, CAUSE, LOST, PAST]);
    assert.deepEqual(names(actions), ["log", "discard", "start_handoff"]);
    assert.deepEqual(actions.at(-1), { name: "start_handoff", attempt, takeOverFrom: null });
    const [end] = decide(next, failed({ mayPass }), once);
    assert.equal(expectState(end, "stopping").exitCode, 139);
  });
}

/** Generation 3 dies at 0, and every respawn fails after `startMs`. */
function failAll(respawn: number, startMs: number) {
  const policy = { ...POLICY, respawn };
  let [state, actions] = decide(STATES.serving, died(0), policy);
  const pauses: (number | undefined)[] = [];
  for (let atMs = 0; state.name === "starting";) {
    [state, actions] = decide(state, failed({ mayPass: true }, atMs += startMs), policy);
    const { pauseMs } = find(actions, "start_handoff") ?? {};
    pauses.push(pauseMs);
    atMs += pauseMs ?? 0;
  }
  return { state, actions, pauses };
}

Deno.test("failed respawns count, with growing pauses, and the exit status is that of the first death", () => {
  const { state, actions, pauses } = failAll(5, 50);
  assert.deepEqual(pauses, [1_000, 2_000, 4_000, 5_000, undefined]);
  assert.equal(expectState(state, "stopping").exitCode, 139);
  assert.equal(actions.at(-1)?.name, "terminate_all");
  assert.match(
    linesOf(actions)[0]!,
    /generation 8 did not start: .*all 5 respawns failed, exiting with 139$/,
  );
});

Deno.test("that many failures in a row end the wrapper, however long each start takes", () => {
  for (const [respawn, startMs] of [[1, 50], [2, 60_000], [7, 120_000], [100, 2_000]] as const) {
    assert.equal(failAll(respawn, startMs).pauses.length, respawn);
  }
});

Deno.test("recent successful respawns leave fewer attempts", () => {
  const state = withPast(STATES.serving, { respawnedMs: [9_000] });
  const [next, actions] = decideAll(state, [died(), failed({ mayPass: true }, 10_050)], TWICE);
  assert.equal(next.name, "stopping");
  assert.match(linesOf(actions)[0]!, /; nothing serves, 2 respawns in a minute are used up, /);
});

Deno.test("an exit with 0 whose respawn fails is not a success", () => {
  const events = [processEnded(3, 0), failed({ mayPass: false })];
  const [next] = decideAll(STATES.serving, events, { ...POLICY, respawn: 1 });
  assert.equal(expectState(next, "stopping").exitCode, 1);
});

Deno.test("a change or order during a failed respawn is tried at once", () => {
  for (const news of [settled("mended"), reloadRequested("SIGHUP", "mended")]) {
    const [next, actions] = start(STATES.serving, [news, failed({ mayPass: false })]);
    const { attempt, pending } = expectState(next, "starting");
    assert.deepEqual(pending, NOTHING_PENDING);
    assert.deepEqual(actions.at(-1), { name: "start_handoff", attempt, takeOverFrom: null });
  }
});

Deno.test("content already tried does not end a pause when it is scanned again", () => {
  const [state] = start(STATES.delaying, [settled("held"), failed({ mayPass: true })]);
  assert.deepEqual(expectState(state, "starting").attempt.fingerprint, content("held"));
  assert.deepEqual(decide(state, settled("held"), TWICE), [state, []]);
});

Deno.test("neither old content nor a start that has not failed ends a pause", () => {
  const [paused] = start(STATES.serving, [failed({ mayPass: true })]);
  assert.deepEqual(decide(paused, settled("served"), TWICE)[1], []);
  for (const first of [start(STATES.serving)[0], STATES.starting]) {
    assert.deepEqual(decide(first, settled("other"), TWICE)[1], []);
  }
});

/** The serving generation dies repeatedly, at these times. */
function dieAt(times: readonly number[], respawn: number): State {
  return times.reduce<State>((state, atMs) => {
    if (state.name !== "serving") return state;
    const death = processEnded(state.service.serving.number, 139, atMs);
    return decideAll(state, [death, ready("served")], { ...POLICY, respawn })[0];
  }, STATES.serving);
}

Deno.test("the limit counts in any minute, and one more death ends the wrapper", () => {
  assert.equal(dieAt([0, 59_999], 2).name, "serving");
  assert.deepEqual(dieAt([0, 30_000, 59_999], 2), { name: "stopping", exitCode: 139 });
  assert.equal(dieAt([0, 30_000, 60_000, 90_000, 120_000], 2).name, "serving");
  assert.equal(dieAt([0, 30_000, 60_000, 89_999], 2).name, "stopping");
  assert.equal(dieAt([0, 60_000, 120_000], 1).name, "serving");
  assert.deepEqual(dieAt([0], 0), { name: "stopping", exitCode: 139 });
});

Deno.test("a generation that drains during the start is logged and forgotten", () => {
  const [next, actions] = start(STATES.serving, [processEnded(2)]);
  assert.deepEqual(expectState(next, "starting").past.old.draining, []);
  assert.match(linesOf(actions)[0]!, /^generation 2 drained/);
});

Deno.test("a drain during the start drains the processes that served, without cutting them off", () => {
  assert.deepEqual(start(STATES.serving, [EVENTS.drain_requested])[0], STATES.draining);
});
