import assert from "node:assert/strict";
import type { Action, Event } from "../../lib/supervisor/events.ts";
import { describeBug, type Effects, Supervisor } from "../../lib/supervisor/supervisor.ts";
import { content, EVENTS, POLICY, settled } from "./samples.ts";

type Answers = { readonly [Name in Action["name"]]?: (action: Action) => readonly Event[] };

/** Notes each action and posts what a real one would lead to, or throws where the test wants that. */
class FakeEffects implements Effects {
  readonly performed: Action["name"][] = [];
  readonly supervisor = new Supervisor(POLICY);
  readonly #answers: Answers;

  constructor(answers: Answers) {
    this.#answers = answers;
  }

  perform(action: Action): void {
    this.performed.push(action.name);
    this.#answers[action.name]?.(action).forEach(this.supervisor.post);
  }

  run(): Promise<number> {
    return this.supervisor.run(this, content("served"));
  }
}

const fail = () => {
  throw new Error("the disk is on fire");
};
const isReady = () => [EVENTS.handoff_ended];
const isEmpty = () => [EVENTS.fleet_empty];

Deno.test("the loop ends with the status that the last state has", async () => {
  const effects = new FakeEffects({ terminate_all: isEmpty });
  effects.supervisor.post(EVENTS.handoff_ended);
  effects.supervisor.post(EVENTS.stop_requested);
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

Deno.test("the loop waits for events that come later, and takes several at once in order", async () => {
  const effects = new FakeEffects({ start_handoff: isReady, drain_all: isEmpty });
  const exitCode = effects.run();
  await Promise.resolve();
  effects.supervisor.post(EVENTS.dump_requested);
  effects.supervisor.post(EVENTS.drain_requested);
  assert.equal(await exitCode, 0);
  const order = effects.performed.filter((name) => name === "dump" || name === "drain_all");
  assert.deepEqual(order, ["dump", "drain_all"]);
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
  effects.supervisor.post(EVENTS.stop_requested);
  assert.equal(await effects.run(), 143);
  assert.ok(!effects.performed.includes("kill_all"));
});

Deno.test("an action that throws does not keep the others from being carried out", async () => {
  const changes = [settled("other")];
  const effects = new FakeEffects({
    start_handoff: () => [EVENTS.handoff_ended, ...changes.splice(0)],
    drain: fail,
    drain_all: isEmpty,
  });
  assert.equal(await effects.run(), 70);
  assert.deepEqual(effects.performed.slice(2), [
    "clear_timer",
    "start_handoff",
    "drain",
    "log",
    "log",
    "cancel_handoff",
    "clear_timer",
    "drain_all",
    "log",
  ]);
});

Deno.test("a start that throws ends with 70", async () => {
  const effects = new FakeEffects({ start_handoff: fail, drain_all: isEmpty });
  assert.equal(await effects.run(), 70);
});

Deno.test("a decision that throws is a bug like any other, and ends with 70", async () => {
  const effects = new FakeEffects({ start_handoff: isReady, drain_all: isEmpty });
  effects.supervisor.post({ name: "nonsense" } as unknown as Event);
  assert.equal(await effects.run(), 70);
  assert.ok(effects.performed.includes("drain_all"));
});

Deno.test("while every log line throws, all are asked to drain, then terminated, then killed", async () => {
  const effects = new FakeEffects({ start_handoff: isReady, log: fail });
  assert.equal(await effects.run(), 70);
  const tried = effects.performed.filter((name) => name.endsWith("_all"));
  assert.deepEqual(tried, ["drain_all", "terminate_all", "kill_all"]);
});

Deno.test("bugs that others report escalate in the same way", async () => {
  const effects = new FakeEffects({
    start_handoff: isReady,
    drain_all: () => [EVENTS.bug],
    terminate_all: () => [EVENTS.bug],
    kill_all: isEmpty,
  });
  effects.supervisor.post(EVENTS.bug);
  assert.equal(await effects.run(), 70);
  const tried = effects.performed.filter((name) => name.endsWith("_all"));
  assert.deepEqual(tried, ["drain_all", "terminate_all", "kill_all"]);
});

Deno.test("the loop ends although every action throws", async () => {
  const names = ["start_handoff", "log", "cancel_handoff", "clear_timer", "drain_all"] as const;
  const effects = new FakeEffects(Object.fromEntries(names.map((name) => [name, fail])));
  assert.equal(await effects.run(), 70);
});

Deno.test("a bug is described by its stack, or by whatever was thrown", () => {
  assert.match(describeBug(new TypeError("oh")), /^TypeError: oh\n +at /);
  assert.equal(describeBug("oh"), "oh");
  assert.equal(describeBug(undefined), "undefined");
});
