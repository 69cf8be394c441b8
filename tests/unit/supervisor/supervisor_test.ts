import assert from "node:assert/strict";
import type { Action, Event } from "../../../lib/supervisor/state/events.ts";
import {
  describeBug,
  type Effects,
  type Step,
  Supervisor,
} from "../../../lib/supervisor/supervisor.ts";
import { content, EVENTS, POLICY, settled, STATES } from "./samples.ts";

type Answers = { readonly [Name in Action["name"]]?: (action: Action) => readonly Event[] };

/** Records each action and posts its usual result, or throws if the test wants that. */
class FakeEffects implements Effects {
  readonly performed: Action["name"][] = [];
  readonly logged: string[] = [];
  readonly supervisor: Supervisor;
  readonly #answers: Answers;

  constructor(answers: Answers, observers: ConstructorParameters<typeof Supervisor>[1] = []) {
    this.#answers = answers;
    this.supervisor = new Supervisor(POLICY, observers);
  }

  perform(action: Action): void {
    this.performed.push(action.name);
    if (action.name === "log") this.logged.push(action.entry.text);
    this.post(...this.#answers[action.name]?.(action) ?? []);
  }

  post(...events: readonly Event[]): void {
    events.forEach(this.supervisor.post);
  }

  run(): Promise<number> {
    return this.supervisor.run(this, content("served"));
  }
}

const fail = () => {
  throw new Error("the disk is on fire");
};

/** How many lines report a bug. */
const bugsIn = ({ logged }: FakeEffects) =>
  logged.filter((text) =>
    text.startsWith("a bug in the wrapper, please report it: Error: the disk is")
  )
    .length;

/** Throws each time, and asks the wrapper to drain at the `last` call. */
const failTimes = (last: number, effects: () => FakeEffects) => () => {
  if (--last === 0) effects().supervisor.post(EVENTS.drain_requested);
  return fail();
};
const START = {
  name: "start_handoff",
  attempt: STATES.starting.attempt,
  takeOverFrom: null,
} as const;
const isReady = () => [EVENTS.handoff_ended];
const isEmpty = () => [EVENTS.fleet_empty];

Deno.test("the loop ends with the exit status of the last state", async () => {
  const effects = new FakeEffects({ terminate_all: isEmpty });
  effects.post(EVENTS.handoff_ended, EVENTS.stop_requested);
  assert.equal(await effects.run(), 143);
  assert.deepEqual(effects.performed, [
    "start_handoff",
    "log",
    "log",
    "cancel_handoff",
    "clear_timer",
    "terminate_all",
    "log",
  ]);
});

Deno.test("the loop waits for later events, and handles several at once in order", async () => {
  const effects = new FakeEffects({ start_handoff: isReady, drain_all: isEmpty });
  const exitCode = effects.run();
  await Promise.resolve();
  effects.post(EVENTS.pass_on_requested, EVENTS.drain_requested);
  assert.equal(await exitCode, 0);
  const order = effects.performed.filter((name) => name === "pass_on" || name === "drain_all");
  assert.deepEqual(order, ["pass_on", "drain_all"]);
});

Deno.test("the results of actions come back as events", async () => {
  const contents = ["newer", "newest", "last"];
  const effects = new FakeEffects({
    start_handoff: () => {
      const content = contents.shift();
      return [EVENTS.handoff_ended, content ? settled(content) : EVENTS.drain_requested];
    },
    drain_all: isEmpty,
  });
  assert.equal(await effects.run(), 0);
  assert.equal(effects.performed.filter((name) => name === "start_handoff").length, 4);
  assert.equal(effects.performed.filter((name) => name === "drain").length, 3);
});

Deno.test("events after the end change nothing", async () => {
  const effects = new FakeEffects({
    start_handoff: isReady,
    terminate_all: () => [EVENTS.fleet_empty, EVENTS.stop_requested, EVENTS.bug],
  });
  effects.post(EVENTS.stop_requested);
  assert.equal(await effects.run(), 143);
  assert.ok(!effects.performed.includes("kill_all"));
});

Deno.test("an action that throws stops neither the other actions nor HAProxy", async () => {
  const effects = new FakeEffects({
    start_handoff: () => [EVENTS.handoff_ended, ...changes.splice(0)],
    drain: fail,
    pass_on: () => [EVENTS.drain_requested],
    drain_all: isEmpty,
  });
  const changes: Event[] = [settled("other"), EVENTS.handoff_ended, EVENTS.pass_on_requested];
  assert.equal(await effects.run(), 0);
  assert.deepEqual(effects.performed.filter((name) => name !== "log"), [
    ...["start_handoff", "clear_timer", "start_handoff", "drain", "pass_on"],
    ...["cancel_handoff", "clear_timer", "drain_all"],
  ]);
  assert.equal(bugsIn(effects), 1);
});

Deno.test("a first start that throws exits with 70", async () => {
  const effects = new FakeEffects({ start_handoff: fail, terminate_all: isEmpty });
  assert.equal(await effects.run(), 70);
  assert.match(
    effects.logged.at(-2)!,
    /did not start: a bug in the wrapper: Error: the disk is on fire/,
  );
});

Deno.test("the stand-in for the end of a start comes before later events", async () => {
  const effects = new FakeEffects({});
  effects.supervisor.postBug(new Error("oh"), START);
  effects.post(EVENTS.fleet_empty);
  assert.equal(await effects.run(), 70);
});

Deno.test("a decision that throws is reported as a bug, and serving continues", async () => {
  const effects = new FakeEffects({ start_handoff: isReady, drain_all: isEmpty });
  effects.post(
    { name: "settled" } as Event,
    EVENTS.handoff_ended,
    settled("other"),
    EVENTS.drain_requested,
  );
  assert.equal(await effects.run(), 0);
  assert.equal(effects.performed.filter((name) => name === "start_handoff").length, 2);
  assert.ok(effects.logged.some((text) => /^a bug in the wrapper/.test(text)));
});

Deno.test("a repeated bug is logged once and counted each time", async () => {
  let bugs = 0;
  const count = ({ event }: Step) => {
    if (event?.name === "bug") bugs++;
  };
  const effects: FakeEffects = new FakeEffects({
    start_handoff: isReady,
    pass_on: failTimes(1_000, () => effects),
    drain_all: isEmpty,
  }, [count]);
  effects.post(EVENTS.handoff_ended);
  for (let sent = 0; sent < 1_000; sent++) effects.supervisor.post(EVENTS.pass_on_requested);
  assert.equal(await effects.run(), 0);
  assert.deepEqual([bugsIn(effects), bugs], [1, 1_000]);
});

Deno.test("bugs whose descriptions always differ do not flood the log", async () => {
  const effects = new FakeEffects({ start_handoff: isReady, drain_all: isEmpty });
  effects.post(EVENTS.handoff_ended);
  for (let bug = 0; bug < 1_000; bug++) {
    effects.supervisor.postBug(`number ${bug}`, { name: "status" });
  }
  effects.post(EVENTS.drain_requested);
  assert.equal(await effects.run(), 0);
  const told = effects.logged.filter((text) => /^a bug/.test(text));
  assert.equal(told.length, 50);
  assert.match(told.at(-1)!, /number 49.*further bugs are only counted/);
});

Deno.test("even if every log line throws, it serves, reloads and ends as asked", async () => {
  const effects = new FakeEffects({
    start_handoff: () => [EVENTS.handoff_ended],
    drain: () => [EVENTS.drain_requested],
    log: fail,
    drain_all: isEmpty,
  });
  effects.post(settled("other"), EVENTS.handoff_ended, settled("other"));
  assert.equal(await effects.run(), 0);
});

Deno.test("an observer that throws at each step disturbs neither the loop nor other observers", async () => {
  const heard: string[] = [];
  const effects = new FakeEffects({ start_handoff: isReady, drain_all: isEmpty }, [
    fail,
    ({ after }) => heard.push(after.name),
  ]);
  effects.post(EVENTS.handoff_ended, EVENTS.drain_requested);
  assert.equal(await effects.run(), 0);
  assert.deepEqual(heard.filter((name, index) => name !== heard[index - 1]), [
    ...["starting", "serving", "draining", "ended"],
  ]);
  // Once for each call site.
  assert.equal(bugsIn(effects), 2);
});

Deno.test("the wrapper ends when asked to, even if every action for that throws", async () => {
  const effects = new FakeEffects({
    start_handoff: isReady,
    drain_all: fail,
    terminate_all: fail,
    kill_all: isEmpty,
  });
  effects.post(EVENTS.drain_requested);
  assert.equal(await effects.run(), 70);
  const tried = effects.performed.filter((name) => name.endsWith("_all"));
  assert.deepEqual(tried, ["drain_all", "terminate_all", "kill_all"]);
});

Deno.test("a bug is described by its stack, or by the value thrown", () => {
  assert.match(describeBug(new TypeError("oh")), /^TypeError: oh\n +at /);
  assert.equal(describeBug("oh"), "oh");
  assert.equal(describeBug(undefined), "undefined");
});
