import assert from "node:assert/strict";
import type {
  Action,
  EventName,
  State,
  StateName,
} from "../../../../lib/supervisor/state/events.ts";
import { decide } from "../../../../lib/supervisor/decisions/decide.ts";
import { SIGNAL_NUMBERS } from "../../../../lib/system/signals.ts";
import { serviceOf } from "../../../../lib/supervisor/state/states.ts";
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

type Cell = readonly [next: StateName, ...actions: Action["name"][]];

const STOP = ["stopping", "log", "cancel_handoff", "clear_timer", "terminate_all"] as const;
const DRAIN = ["draining", "log", "cancel_handoff", "clear_timer", "drain_all"] as const;
/** What starts still is not waited for without a limit. */
const DRAIN_HANDOFF = [
  ...["draining", "log", "cancel_handoff", "clear_timer", "discard", "drain_all"],
] as const;
const RELOAD = ["reloading", "clear_timer", "start_handoff"] as const;

/** What each sample event makes of each sample state. The type wants every cell. */
const EXPECTED: { readonly [S in StateName]: { readonly [E in EventName]: Cell } } = {
  starting: {
    memory_short: ["starting"],
    drain_lasts: ["starting"],
    resynced: ["starting"],
    changed_during_read: ["starting"],
    changing: ["starting"],
    settled: ["starting"],
    reload_requested: ["starting"],
    handoff_ended: ["serving", "log"],
    hot_apply_ended: ["starting"],
    process_ended: ["starting"],
    stop_requested: STOP,
    drain_requested: DRAIN_HANDOFF,
    dump_requested: ["starting"],
    timer_due: ["starting"],
    fleet_empty: ["starting"],
    bug: DRAIN_HANDOFF,
  },
  serving: {
    memory_short: ["serving"],
    drain_lasts: ["serving", "log"],
    resynced: ["serving"],
    changed_during_read: ["serving"],
    changing: ["serving", "stand_by"],
    settled: RELOAD,
    reload_requested: RELOAD,
    handoff_ended: ["serving"],
    hot_apply_ended: ["serving"],
    process_ended: STOP,
    stop_requested: STOP,
    drain_requested: DRAIN,
    dump_requested: ["serving", "dump"],
    timer_due: ["serving"],
    fleet_empty: ["serving"],
    bug: ["serving"],
  },
  delaying: {
    memory_short: ["delaying"],
    drain_lasts: ["delaying", "log"],
    resynced: ["delaying"],
    changed_during_read: ["delaying"],
    changing: ["delaying"],
    settled: RELOAD,
    reload_requested: RELOAD,
    handoff_ended: ["delaying"],
    hot_apply_ended: ["delaying"],
    process_ended: STOP,
    stop_requested: STOP,
    drain_requested: DRAIN,
    dump_requested: ["delaying", "dump"],
    timer_due: ["delaying", "scan_soon"],
    fleet_empty: ["delaying"],
    bug: ["delaying"],
  },
  retrying: {
    memory_short: ["retrying"],
    drain_lasts: ["retrying", "log"],
    resynced: ["retrying"],
    changed_during_read: ["retrying", "scan_soon"],
    changing: ["retrying", "stand_by"],
    settled: RELOAD,
    reload_requested: RELOAD,
    handoff_ended: ["retrying"],
    hot_apply_ended: ["retrying"],
    process_ended: STOP,
    stop_requested: STOP,
    drain_requested: DRAIN,
    dump_requested: ["retrying", "dump"],
    timer_due: ["retrying", "scan_for_retry"],
    fleet_empty: ["retrying"],
    bug: ["retrying"],
  },
  reloading: {
    memory_short: ["reloading", "log", "terminate"],
    drain_lasts: ["reloading", "log"],
    resynced: ["reloading"],
    changed_during_read: ["reloading"],
    changing: ["reloading"],
    settled: ["reloading"],
    reload_requested: ["reloading"],
    handoff_ended: ["serving", "drain", "log"],
    hot_apply_ended: ["reloading"],
    process_ended: STOP,
    stop_requested: STOP,
    drain_requested: DRAIN_HANDOFF,
    dump_requested: ["reloading", "dump"],
    timer_due: ["reloading"],
    fleet_empty: ["reloading"],
    bug: ["reloading"],
  },
  hot_applying: {
    memory_short: ["hot_applying"],
    drain_lasts: ["hot_applying", "log"],
    resynced: ["hot_applying"],
    changed_during_read: ["hot_applying"],
    changing: ["hot_applying"],
    settled: ["hot_applying"],
    reload_requested: ["hot_applying"],
    handoff_ended: ["hot_applying"],
    hot_apply_ended: ["serving"],
    process_ended: STOP,
    stop_requested: STOP,
    drain_requested: DRAIN,
    dump_requested: ["hot_applying", "dump"],
    timer_due: ["hot_applying"],
    fleet_empty: ["hot_applying"],
    bug: ["hot_applying"],
  },
  leaving: {
    memory_short: ["leaving"],
    drain_lasts: ["leaving", "log"],
    resynced: ["leaving"],
    changed_during_read: ["leaving"],
    changing: ["leaving"],
    settled: ["leaving"],
    reload_requested: ["leaving"],
    handoff_ended: ["leaving"],
    hot_apply_ended: ["leaving"],
    process_ended: STOP,
    stop_requested: STOP,
    drain_requested: DRAIN,
    dump_requested: ["leaving", "dump"],
    timer_due: DRAIN,
    fleet_empty: ["leaving"],
    bug: ["leaving"],
  },
  draining: {
    memory_short: ["draining"],
    drain_lasts: ["draining"],
    resynced: ["draining"],
    changed_during_read: ["draining"],
    changing: ["draining"],
    settled: ["draining"],
    reload_requested: ["draining"],
    handoff_ended: ["draining"],
    hot_apply_ended: ["draining"],
    process_ended: ["draining", "log"],
    stop_requested: STOP,
    drain_requested: ["draining"],
    dump_requested: ["draining"],
    timer_due: ["draining"],
    fleet_empty: ["ended", "log"],
    bug: ["draining"],
  },
  stopping: {
    memory_short: ["stopping"],
    drain_lasts: ["stopping"],
    resynced: ["stopping"],
    changed_during_read: ["stopping"],
    changing: ["stopping"],
    settled: ["stopping"],
    reload_requested: ["stopping"],
    handoff_ended: ["stopping"],
    hot_apply_ended: ["stopping"],
    process_ended: ["stopping"],
    stop_requested: ["stopping", "log", "kill_all"],
    drain_requested: ["stopping"],
    dump_requested: ["stopping"],
    timer_due: ["stopping"],
    fleet_empty: ["ended", "log"],
    bug: ["stopping"],
  },
  ended: {
    memory_short: ["ended"],
    drain_lasts: ["ended"],
    resynced: ["ended"],
    changed_during_read: ["ended"],
    changing: ["ended"],
    settled: ["ended"],
    reload_requested: ["ended"],
    handoff_ended: ["ended"],
    hot_apply_ended: ["ended"],
    process_ended: ["ended"],
    stop_requested: ["ended"],
    drain_requested: ["ended"],
    dump_requested: ["ended"],
    timer_due: ["ended"],
    fleet_empty: ["ended"],
    bug: ["ended"],
  },
};

const ALL_STATES = Object.values<State>(STATES);
const ALL_EVENTS = Object.values(EVENTS);
const SERVING_STATES = ["serving", "delaying", "retrying", "reloading", "hot_applying"] as const;

for (const state of ALL_STATES) {
  Deno.test(`each event has its one effect in the state ${state.name}`, () => {
    const row = ALL_EVENTS.map((event) => {
      const [next, actions] = decide(state, event, POLICY);
      return [event.name, [next.name, ...names(actions)]];
    });
    assert.deepEqual(Object.fromEntries(row), EXPECTED[state.name]);
  });
}

Deno.test("whatever stays in its state without an action stays as it is, but for what is noted", () => {
  for (
    const state of ALL_STATES.filter((state) => !("pending" in state))
  ) {
    for (const event of ALL_EVENTS.filter(({ name }) => EXPECTED[state.name][name].length === 1)) {
      assert.equal(decide(state, event, POLICY)[0], state, `${state.name}, ${event.name}`);
    }
  }
});

Deno.test("a reload takes over from what serves, with the next number and the new content", () => {
  const [next, actions] = decide(STATES.serving, settled("new", 12_345), POLICY);
  const attempt = { number: 4, fingerprint: content("new"), cause: { tag: "change" } };
  assert.deepEqual(find(actions, "start_handoff"), {
    name: "start_handoff",
    attempt,
    takeOverFrom: 3,
  });
  const { lastGeneration, lastStartMs, serving } = expectState(next, "reloading");
  assert.deepEqual({ lastGeneration, lastStartMs, serving }, {
    lastGeneration: 4,
    lastStartMs: 12_345,
    serving: SERVICE.serving,
  });
});

Deno.test("what served drains once the new generation serves", () => {
  const [next, actions] = decide(STATES.reloading, EVENTS.handoff_ended, POLICY);
  const { serving, draining } = expectState(next, "serving");
  assert.equal(serving.number, 4);
  assert.deepEqual(draining, [2, 3]);
  assert.deepEqual(find(actions, "drain"), { name: "drain", generation: 3 });
});

for (const mayPass of [true, false]) {
  Deno.test(`a failed handoff leaves what serves alone (${mayPass ? "with" : "without"} hope)`, () => {
    const [next, actions] = decide(STATES.reloading, failed({ mayPass }), POLICY);
    const { serving, draining, rejected } = expectState(next, mayPass ? "retrying" : "serving");
    assert.deepEqual({ serving, draining, rejected }, {
      serving: SERVICE.serving,
      draining: [2],
      rejected: {
        generation: 4,
        fingerprint: content("new"),
        changedDuringRead: false,
        failures: 1,
      },
    });
    const wanted = ["log", "discard", "verify", ...(mayPass ? ["set_timer"] : [])];
    assert.deepEqual(names(actions), wanted);
    assert.deepEqual(find(actions, "discard"), { name: "discard", generation: 4 });
  });
}

Deno.test("a process stands by with the next number for what is neither served nor rejected", () => {
  const [state, actions] = decide(STATES.serving, changing("new"), POLICY);
  const { files } = content("new");
  assert.equal(state, STATES.serving);
  assert.deepEqual(actions, [
    { name: "stand_by", generation: 4, takeOverFrom: 3, files: [...files.keys()] },
  ]);
  const rejected = {
    ...STATES.serving,
    rejected: { generation: 2, fingerprint: content("bad"), changedDuringRead: false, failures: 1 },
  };
  for (const text of ["served", "bad"]) {
    assert.deepEqual(decide(rejected, changing(text), POLICY), [rejected, []]);
  }
});

Deno.test("no process stands by for a change that will be held", () => {
  const policy = { ...POLICY, minReloadIntervalMs: 60_000 };
  const state = { ...STATES.serving, lastStartMs: 0 };
  assert.deepEqual(decide(state, changing("new", 59_999), policy)[1], []);
  assert.equal(decide(state, changing("new", 60_000), policy)[1].length, 1);
});

Deno.test("content that was rejected is not tried again while it stays", () => {
  const [rejected] = decide(STATES.reloading, failed({ mayPass: false }), POLICY);
  assert.deepEqual(decide(rejected, settled("new"), POLICY), [rejected, []]);
  const [other] = decide(rejected, settled("other"), POLICY);
  assert.equal(other.name, "reloading");
});

Deno.test("a signal tries rejected content again", () => {
  const [next] = decideAll(STATES.reloading, [
    failed({ mayPass: false }),
    reloadRequested("SIGHUP", "new"),
  ]);
  assert.equal(next.name, "reloading");
});

for (const mayPass of [true, false]) {
  Deno.test(
    `a change back to what is served ends the failure without a reload (${
      mayPass ? "with" : "without"
    } a retry)`,
    () => {
      const [next, actions] = decideAll(STATES.reloading, [failed({ mayPass }), settled("served")]);
      assert.equal(expectState(next, "serving").rejected, null);
      assert.deepEqual(names(actions), ["clear_timer", "log"]);
      const [again] = decide(next, settled("new"), POLICY);
      assert.equal(again.name, "reloading");
    },
  );
}

Deno.test("settling on what is served anyway changes nothing and says nothing", () => {
  assert.deepEqual(decide(STATES.serving, settled("served"), POLICY), [STATES.serving, []]);
});

Deno.test("failures that may pass are retried after 1 s, 2 s, 4 s and so on, at most a minute", () => {
  const delaysMs: (number | undefined)[] = [];
  let state: State = STATES.reloading;
  for (let round = 0; round < 8; round++) {
    const [waiting, actions] = decide(state, failed({ mayPass: true }), POLICY);
    delaysMs.push(find(actions, "set_timer")?.delayMs);
    assert.deepEqual(decide(waiting, settled("new"), POLICY), [waiting, []]);
    const [due, [look]] = decide(waiting, EVENTS.timer_due, POLICY);
    assert.deepEqual(look, { name: "scan_for_retry" });
    [state] = decide(due, settled("new"), POLICY);
  }
  assert.deepEqual(delaysMs, [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]);
});

Deno.test("a change cuts the pause of a retry short, and its failure counts anew", () => {
  const [next, actions] = decideAll(STATES.reloading, [
    failed({ mayPass: true }),
    EVENTS.timer_due,
    settled("new"),
    failed({ mayPass: true }),
    settled("other"),
    failed({ mayPass: true }),
  ]);
  assert.equal(expectState(next, "retrying").rejected.failures, 1);
  assert.deepEqual(find(actions, "set_timer"), { name: "set_timer", delayMs: 1_000 });
});

Deno.test("a retry that is due waits until the sources have settled", () => {
  const [due] = decide(STATES.retrying, EVENTS.timer_due, POLICY);
  assert.equal(expectState(due, "retrying").isDue, true);
  const [next] = decide(due, settled("rejected"), POLICY);
  assert.deepEqual(expectState(next, "reloading").attempt.cause, { tag: "retry" });
});

Deno.test("a held change that is what was rejected before starts nothing", () => {
  const rejected = {
    generation: 2,
    fingerprint: content("bad"),
    changedDuringRead: false,
    failures: 1,
  };
  const [next, actions] = decide({ ...STATES.delaying, rejected }, settled("bad"), POLICY);
  assert.deepEqual(expectState(next, "serving").rejected, rejected);
  assert.deepEqual(names(actions), ["clear_timer"]);
});

Deno.test("a retry is not forgotten for a change that was held and taken back", () => {
  const policy = { ...POLICY, minReloadIntervalMs: 60_000 };
  const [held] = decide(STATES.retrying, settled("other"), policy);
  const [longer] = decide(held, settled("another"), policy);
  assert.equal(expectState(longer, "delaying").isRetried, true);
  const [next, actions] = decide(longer, settled("rejected"), policy);
  assert.deepEqual(next, STATES.retrying);
  assert.deepEqual(actions, [{ name: "set_timer", delayMs: 1_000 }]);
});

Deno.test("a retry that finds what is served again starts nothing, and forgets the failure", () => {
  const [next, actions] = decideAll(STATES.retrying, [EVENTS.timer_due, settled("served")]);
  assert.equal(expectState(next, "serving").rejected, null);
  assert.deepEqual(names(actions), ["clear_timer", "log"]);
});

for (const name of ["starting", "reloading"] as const) {
  Deno.test(`files that changed while ${name} lead to another reload, changed back or not`, () => {
    for (const events of [[settled("other")], [settled("other"), settled("new")]]) {
      const [next, actions] = decideAll(STATES[name], [...events, EVENTS.handoff_ended]);
      assert.equal(expectState(next, "serving").serving.changedDuringRead, true);
      assert.deepEqual(actions.at(-1), { name: "scan_soon" });
      const [again] = decide(next, settled("new"), POLICY);
      assert.deepEqual(expectState(again, "reloading").attempt.cause, {
        tag: "changed_during_read",
      });
    }
  });

  Deno.test(`sources that settle while ${name} on what is being loaded need no look`, () => {
    const [next, actions] = decideAll(STATES[name], [settled("new"), EVENTS.handoff_ended]);
    assert.equal(expectState(next, "serving").serving.changedDuringRead, false);
    assert.equal(actions.at(-1)?.name, "log");
  });

  Deno.test(`files that a scan after ${name} finds changed lead to another reload`, () => {
    const [next, actions] = decide(STATES[name], ready("new", { changedDuringRead: true }), POLICY);
    assert.deepEqual(actions.at(-1), { name: "scan_soon" });
    const [again] = decide(next, settled("new"), POLICY);
    assert.deepEqual(expectState(again, "reloading").attempt.cause, { tag: "changed_during_read" });
  });

  Deno.test(`what serves after ${name} has what it says it loaded, not only what was seen before`, () => {
    const [next] = decide(STATES[name], ready("new and its certificates"), POLICY);
    const [same, actions] = decide(next, settled("new and its certificates"), POLICY);
    assert.equal(same, next);
    assert.deepEqual(actions, []);
  });

  Deno.test(`a signal while ${name} waits for the handoff and beats a change`, () => {
    const signal = reloadRequested("SIGUSR2", "new");
    const [, actions] = decideAll(STATES[name], [signal, settled("other"), EVENTS.handoff_ended]);
    assert.deepEqual(actions.at(-1), { name: "scan_and_reload", order: "SIGUSR2" });
  });
}

Deno.test("content that was rejected is tried again if files changed during its handoff", () => {
  const [next] = decideAll(STATES.reloading, [
    failed({ mayPass: false }),
    { name: "changed_during_read", generation: 4 },
    settled("new"),
  ]);
  assert.equal(expectState(next, "reloading").attempt.number, 5);
});

Deno.test("after a failed handoff a change leads to a scan, a signal to another reload", () => {
  const signal = reloadRequested("SIGHUP", "new");
  const failure = failed({ mayPass: false });
  const [, changed] = decideAll(STATES.reloading, [settled("other"), failure]);
  assert.deepEqual(changed.at(-1), { name: "scan_soon" });
  const [, signalled] = decideAll(STATES.reloading, [signal, failure]);
  assert.deepEqual(signalled.at(-1), { name: "scan_and_reload", order: "SIGHUP" });
});

for (const name of ["serving", "delaying", "retrying"] as const) {
  Deno.test(`a signal reloads while ${name} although nothing changed`, () => {
    const request = reloadRequested("SIGHUP", "served");
    assert.equal(decide(STATES[name], request, POLICY)[0].name, "reloading");
  });
}

/** Reloads `times` times from the state in which generation 3 serves and 2 drains. */
function reloadTimes(times: number, maxDraining: number) {
  const policy = { ...POLICY, maxDraining };
  let state: State = STATES.serving;
  const terminated: (readonly number[])[] = [];
  for (let round = 0; round < times; round++) {
    const events = [settled(`content ${round}`), EVENTS.handoff_ended];
    const [next, actions] = decideAll(state, events, policy);
    const ended = actions.flatMap((one) => one.name === "terminate" ? [one.generation] : []);
    terminated.push(ended);
    state = next;
  }
  return { state, terminated };
}

Deno.test("more draining generations than allowed end the oldest, each once", () => {
  assert.deepEqual(reloadTimes(4, 2).terminated, [[], [2], [3], [4]]);
  assert.deepEqual(reloadTimes(3, 0).terminated, [[2, 3], [4], [5]]);
  assert.deepEqual(reloadTimes(3, 50).terminated, [[], [], []]);
});

Deno.test("a generation that has been ended is not ended again while it lasts", () => {
  const policy = { ...POLICY, maxDraining: 2 };
  const { state } = reloadTimes(2, 2);
  assert.deepEqual(expectState(state, "serving").ending, [2]);
  const events = [processEnded(3), settled("more"), EVENTS.handoff_ended];
  const [next, actions] = decideAll(state, events, policy);
  assert.equal(find(actions, "terminate"), undefined);
  const [last, lines] = decide(next, processEnded(2), policy);
  assert.deepEqual(expectState(last, "serving").ending, []);
  assert.deepEqual(names(lines), ["log"]);
});

Deno.test("a crash of what served in the last drain shows in the exit status, an old one's does not", () => {
  const drained = (generation: number) =>
    decideAll(STATES.serving, [EVENTS.drain_requested, processEnded(generation, 139)])[0];
  assert.equal(expectState(drained(3), "draining").exitCode, 139);
  assert.equal(expectState(drained(2), "draining").exitCode, 0);
});

Deno.test("a generation that has drained makes room for another", () => {
  const { state } = reloadTimes(1, 2);
  const events = [processEnded(2), settled("more"), EVENTS.handoff_ended];
  const [next, actions] = decideAll(state, events, { ...POLICY, maxDraining: 2 });
  assert.deepEqual(expectState(next, "serving").draining, [3, 4]);
  assert.equal(find(actions, "terminate"), undefined);
});

for (const name of SERVING_STATES) {
  Deno.test(`a drained generation is forgotten with a line while ${name}`, () => {
    const [next, actions] = decide(STATES[name], processEnded(2), POLICY);
    assert.deepEqual(next, { ...STATES[name], draining: [] });
    assert.deepEqual(names(actions), ["log"]);
  });

  Deno.test(`the end of a process that neither serves nor drains changes nothing while ${name}`, () => {
    assert.deepEqual(decide(STATES[name], processEnded(4, 1), POLICY), [STATES[name], []]);
  });

  Deno.test(`the death of the serving process while ${name} ends all with its status`, () => {
    const [next, actions] = decide(STATES[name], processEnded(3, 139), POLICY);
    assert.deepEqual(next, { name: "stopping", exitCode: 139 });
    assert.deepEqual(actions.slice(1), [
      { name: "cancel_handoff" },
      { name: "clear_timer" },
      { name: "terminate_all", signal: "SIGTERM" },
    ]);
  });
}

for (const signal of ["SIGTERM", "SIGINT"] as const) {
  Deno.test(`${signal} is passed on and ends with 128 and its number, whatever comes after`, () => {
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

Deno.test("a second stop signal kills, and does not change the exit status", () => {
  const second = { name: "stop_requested", signal: "SIGINT" } as const;
  const [next, actions] = decideAll(STATES.serving, [EVENTS.stop_requested, second]);
  assert.deepEqual(names(actions), ["log", "kill_all"]);
  assert.equal(expectState(next, "stopping").exitCode, 143);
});

Deno.test("a drain that ends by itself ends with 0", () => {
  const events = [EVENTS.drain_requested, processEnded(2), processEnded(3), EVENTS.fleet_empty];
  assert.deepEqual(decideAll(STATES.serving, events)[0], { name: "ended", exitCode: 0 });
});

/** Two reloads start at least a minute apart; the last one started at 1 s. */
const ONE_A_MINUTE = { ...POLICY, minReloadIntervalMs: 60_000 };

Deno.test("a change too soon after the last reload is held for the rest of the interval", () => {
  const [next, actions] = decide(STATES.serving, settled("new", 11_000), ONE_A_MINUTE);
  assert.deepEqual(next, STATES.delaying);
  assert.deepEqual(actions, [{ name: "set_timer", delayMs: 50_000 }]);
});

Deno.test("a change just when the interval is over is applied at once", () => {
  const [early] = decide(STATES.serving, settled("new", 60_999), ONE_A_MINUTE);
  assert.equal(early.name, "delaying");
  const [onTime] = decide(STATES.serving, settled("new", 61_000), ONE_A_MINUTE);
  assert.equal(onTime.name, "reloading");
});

Deno.test("further changes while one is held do not set another timer", () => {
  const decision = decide(STATES.delaying, settled("newer", 12_000), ONE_A_MINUTE);
  assert.deepEqual(decision, [STATES.delaying, []]);
});

Deno.test("when the interval is over what is on disk then is applied", () => {
  const [held, actions] = decide(STATES.delaying, EVENTS.timer_due, ONE_A_MINUTE);
  assert.deepEqual(actions, [{ name: "scan_soon" }]);
  const [next] = decide(held, settled("newest", 61_000), ONE_A_MINUTE);
  assert.deepEqual(expectState(next, "reloading").attempt.fingerprint, content("newest"));
});

Deno.test("a held change that is taken back is not applied", () => {
  for (const event of [settled("served", 12_000), settled("served", 61_000)]) {
    const [next, actions] = decide(STATES.delaying, event, ONE_A_MINUTE);
    assert.deepEqual(next, STATES.serving);
    assert.deepEqual(names(actions), ["clear_timer", "log"]);
  }
});

Deno.test("a signal does not wait for the interval, and the held change goes with it", () => {
  const request = reloadRequested("SIGHUP", "new", 11_000);
  for (const state of [STATES.serving, STATES.delaying]) {
    const [next, actions] = decide(state, request, ONE_A_MINUTE);
    assert.equal(next.name, "reloading");
    assert.deepEqual(names(actions), ["clear_timer", "start_handoff"]);
  }
});

Deno.test("the interval does not hold the first change after the start", () => {
  const [started] = decide(STATES.starting, EVENTS.handoff_ended, ONE_A_MINUTE);
  assert.equal(decide(started, settled("other", 0), ONE_A_MINUTE)[0].name, "reloading");
});

const DELAYED = { ...POLICY, drainDelayMs: 5_000 };

for (const name of SERVING_STATES) {
  Deno.test(`a drain with a delay while ${name} serves on until the delay is over`, () => {
    const [leaving, actions] = decide(STATES[name], EVENTS.drain_requested, DELAYED);
    assert.deepEqual(leaving, {
      ...serviceOf(STATES[name]),
      name: "leaving",
    });
    assert.equal(find(actions, "drain_all"), undefined);
    assert.deepEqual(actions.at(-1), { name: "set_timer", delayMs: 5_000 });
    const isStarted = name === "reloading";
    assert.equal(find(actions, "discard")?.generation, isStarted ? 4 : undefined);
    const [draining, last] = decide(leaving, EVENTS.timer_due, DELAYED);
    assert.deepEqual(draining, STATES.draining);
    assert.deepEqual(last.at(-1), { name: "drain_all" });
  });
}

Deno.test("where nothing serves yet no delay is waited for", () => {
  const [next, actions] = decide(STATES.starting, EVENTS.drain_requested, DELAYED);
  assert.equal(next.name, "draining");
  assert.deepEqual(actions.at(-1), { name: "drain_all" });
});

Deno.test("a change during the delay is not loaded any more", () => {
  for (const event of [EVENTS.settled, EVENTS.changing, EVENTS.reload_requested]) {
    assert.deepEqual(decide(STATES.leaving, event, DELAYED), [STATES.leaving, []]);
  }
});

const GRACEFUL = { ...POLICY, gracefulTerm: true };

for (const name of ["starting", ...SERVING_STATES] as const) {
  Deno.test(`a graceful SIGTERM while ${name} drains, SIGINT and a second one end at once`, () => {
    const state = STATES[name];
    const [draining, actions] = decide(state, EVENTS.stop_requested, GRACEFUL);
    assert.equal(expectState(draining, "draining").exitCode, 0);
    assert.match(find(actions, "log")!.entry.text, /^SIGTERM received: HAProxy finishes/);
    const [second] = decide(draining, EVENTS.stop_requested, GRACEFUL);
    assert.equal(expectState(second, "stopping").exitCode, 143);
    const interrupt = { name: "stop_requested", signal: "SIGINT" } as const;
    assert.equal(expectState(decide(state, interrupt, GRACEFUL)[0], "stopping").exitCode, 130);
  });
}

Deno.test("a second graceful SIGTERM ends at once, also while the delay lasts", () => {
  const both = { ...GRACEFUL, drainDelayMs: 5_000 };
  const [leaving] = decide(STATES.serving, EVENTS.stop_requested, both);
  assert.equal(leaving.name, "leaving");
  assert.equal(
    expectState(decide(leaving, EVENTS.stop_requested, both)[0], "stopping").exitCode,
    143,
  );
});
