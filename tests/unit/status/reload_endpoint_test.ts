import assert from "node:assert/strict";
import { type History, newHistory } from "../../../lib/status/history/history.ts";
import { reduceHistory } from "../../../lib/status/history/history_reducer.ts";
import {
  reloadAndWait,
  type ReloadAnswer,
  shareReloads,
} from "../../../lib/status/reload_endpoint.ts";
import { decide } from "../../../lib/supervisor/decisions/decide.ts";
import type { Event } from "../../../lib/supervisor/state/events.ts";
import type { State } from "../../../lib/supervisor/state/state.ts";
import type { Step } from "../../../lib/supervisor/supervisor.ts";
import {
  EVENTS,
  failed,
  POLICY,
  processEnded,
  ready,
  reloadRequested,
  restoredSet,
  settled,
  STATES,
} from "../supervisor/samples.ts";

/** A supervisor that is moved by hand. */
class Scene {
  history: History = newHistory(0);
  requests = 0;
  readonly #watchers = new Set<(step: Step) => void>();

  constructor(public state: State) {}

  /** The answer to the request, once there is one. */
  request() {
    return reloadAndWait({
      current: () => ({ state: this.state, history: this.history }),
      request: () => void this.requests++,
      watch: (onStep) => {
        this.#watchers.add(onStep);
        return () => this.#watchers.delete(onStep);
      },
    });
  }

  get watchers(): number {
    return this.#watchers.size;
  }

  happen(...events: readonly Event[]): void {
    for (const event of events) {
      const before = this.state;
      const [after, actions] = decide(before, event, POLICY);
      this.history = reduceHistory(this.history, { event, before, after, actions, nowMs: 1_000 });
      this.state = after;
      this.#watchers.forEach((onStep) => onStep({ event, before, after, actions }));
    }
  }
}

const requested = reloadRequested("POST /reload", "new");

Deno.test("the answer is that of the reload that the request started", async () => {
  const scene = new Scene(STATES.serving);
  const answer = scene.request();
  assert.equal(scene.requests, 1);
  scene.happen(requested, ready("new"));
  assert.deepEqual(await answer, {
    isTried: true,
    isOk: true,
    report: { result: "success", generation: 4, durationMs: 30, reason: null, alerts: [] },
  });
  assert.equal(scene.watchers, 0);
});

Deno.test("a refused reload is answered with HAProxy's words", async () => {
  const scene = new Scene(STATES.serving);
  const answer = scene.request();
  const { outcome } = failed({ mayPass: false });
  assert.ok(outcome.tag === "failed");
  const alerts = ["[ALERT] a"];
  scene.happen(requested, { name: "handoff_ended", outcome: { ...outcome, alerts }, atMs: 10_000 });
  const { isTried, isOk, report } = await answer;
  assert.deepEqual([isTried, isOk], [true, false]);
  assert.deepEqual(report, {
    result: "failure",
    generation: 4,
    durationMs: 0,
    reason: "haproxy exited with 1 before it was ready",
    alerts,
  });
});

Deno.test("a reload that began before the request is not its answer", async () => {
  const scene = new Scene(STATES.reloading);
  const answer = scene.request();
  scene.happen(requested, ready("new"));
  scene.happen(reloadRequested("POST /reload", "new"), ready("new"));
  assert.deepEqual((await answer).report, {
    result: "success",
    generation: 5,
    durationMs: 30,
    reason: null,
    alerts: [],
  });
});

Deno.test("a reload for a change that was seen before the request's own scan is not its answer", async () => {
  const scene = new Scene(STATES.serving);
  const answer = scene.request();
  scene.happen(settled("new"), requested, ready("new"));
  scene.happen(reloadRequested("POST /reload", "new"), ready("new"));
  const { report } = await answer;
  assert.equal((report as { generation: number }).generation, 5);
});

Deno.test("a start from the last good files is no answer: it has not read what is on disk", async () => {
  const scene = new Scene(STATES.starting);
  const answer = scene.request();
  const refused = failed({ mayPass: false });
  const fallback = restoredSet({ directory: "/run/recorded", recordedMs: 0 });
  scene.happen(requested, {
    name: "handoff_ended",
    outcome: { ...refused.outcome as Extract<typeof refused.outcome, { tag: "failed" }>, fallback },
    atMs: 10_000,
  });
  scene.happen(ready(""), reloadRequested("POST /reload", "new"), refused);
  const { isOk, report } = await answer;
  const { result, generation } = report as Readonly<Record<string, unknown>>;
  assert.deepEqual([isOk, result, generation], [false, "failure", 3]);
});

for (const name of ["leaving", "draining", "stopping"] as const) {
  Deno.test(`while ${name} no reload is requested`, async () => {
    const scene = new Scene(STATES[name]);
    const { isTried, isOk } = await scene.request();
    assert.deepEqual([isTried, isOk, scene.requests], [false, false, 0]);
  });
}

for (const event of [EVENTS.stop_requested, EVENTS.drain_requested, processEnded(3, 139)]) {
  Deno.test(`${event.name} while a request waits is its answer`, async () => {
    const scene = new Scene(STATES.serving);
    const answer = scene.request();
    scene.happen(requested, event);
    assert.equal((await answer).isTried, false);
    assert.equal(scene.watchers, 0);
  });
}

const ANSWER: ReloadAnswer = { isTried: true, isOk: true, report: {} };

/** Reloads that end on command. */
function shared() {
  const running: PromiseWithResolvers<ReloadAnswer>[] = [];
  const ask = shareReloads(() => {
    running.push(Promise.withResolvers<ReloadAnswer>());
    return running.at(-1)!.promise;
  });
  const end = (index: number) => running[index]!.resolve({ ...ANSWER, report: { index } });
  return { running, ask, end };
}

const STAYS = new AbortController().signal;

const turns = () => new Promise((resolve) => setTimeout(resolve, 0));

Deno.test("concurrent requests share a reload, and later ones the next", async () => {
  const { running, ask, end } = shared();
  const together = [ask(STAYS), ask(STAYS)];
  await turns();
  const later = Array.from({ length: 64 }, () => ask(STAYS));
  await turns();
  assert.equal(running.length, 1);
  end(0);
  assert.deepEqual(
    await Promise.all(together),
    together.map(() => ({ ...ANSWER, report: { index: 0 } })),
  );
  await turns();
  assert.equal(running.length, 2);
  end(1);
  assert.deepEqual(
    await Promise.all(later),
    later.map(() => ({ ...ANSWER, report: { index: 1 } })),
  );
  await turns();
  assert.equal(running.length, 2);
});

Deno.test("a request whose client is gone is carried out, and the others get their answer", async () => {
  const { running, ask, end } = shared();
  const [leaving, alsoLeaving] = [new AbortController(), new AbortController()];
  ask(leaving.signal);
  const other = ask(STAYS);
  await turns();
  ask(alsoLeaving.signal);
  leaving.abort();
  alsoLeaving.abort();
  end(0);
  assert.equal((await other).isOk, true);
  await turns();
  assert.equal(running.length, 2);
});

Deno.test("a bug in a reload reaches all who share it, and the next request reloads", async () => {
  const { running, ask, end } = shared();
  const both = [ask(STAYS), ask(STAYS)];
  await turns();
  const next = ask(STAYS);
  const bug = new TypeError("a bug");
  running[0]!.reject(bug);
  assert.deepEqual((await Promise.allSettled(both)).map(({ status }) => status), [
    "rejected",
    "rejected",
  ]);
  await turns();
  end(1);
  assert.equal((await next).isOk, true);
});
