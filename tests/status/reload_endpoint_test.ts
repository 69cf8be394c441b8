import assert from "node:assert/strict";
import { type History, newHistory } from "../../lib/status/history.ts";
import { remember } from "../../lib/status/remember.ts";
import { reloadAndWait } from "../../lib/status/reload_endpoint.ts";
import { decide } from "../../lib/supervisor/decide.ts";
import type { Event, State } from "../../lib/supervisor/events.ts";
import {
  EVENTS,
  failed,
  POLICY,
  processEnded,
  ready,
  reloadRequested,
  settled,
  STATES,
} from "../supervisor/samples.ts";

/** A supervisor that is moved by hand. */
class Scene {
  history: History = newHistory(0);
  requests = 0;
  readonly #watchers = new Set<() => void>();

  constructor(public state: State) {}

  /** What the request is answered, once it is; watched for from now on. */
  request() {
    return reloadAndWait({
      look: () => ({ state: this.state, history: this.history }),
      request: () => void this.requests++,
      watch: (look) => {
        this.#watchers.add(look);
        return () => this.#watchers.delete(look);
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
      this.history = remember(this.history, { event, before, after, actions, nowMs: 1_000 });
      this.state = after;
      this.#watchers.forEach((look) => look());
    }
  }
}

const requested = reloadRequested("POST /reload", "new");

Deno.test("the answer is that of the reload that the request began", async () => {
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

Deno.test("a reload that has begun before the request is not its answer", async () => {
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

Deno.test("another reload that begins after the request answers it as well", async () => {
  const scene = new Scene(STATES.serving);
  const answer = scene.request();
  scene.happen(settled("new"), ready("new"));
  assert.equal((await answer).isOk, true);
});

Deno.test("what served last is no answer: it has not read what is on disk", async () => {
  const scene = new Scene(STATES.starting);
  const answer = scene.request();
  const refused = failed({ mayPass: false });
  const lastGood = { directory: "/run/kept", keptMs: 0 };
  scene.happen(requested, {
    name: "handoff_ended",
    outcome: { ...refused.outcome as Extract<typeof refused.outcome, { tag: "failed" }>, lastGood },
    atMs: 10_000,
  });
  scene.happen(ready(""), reloadRequested("POST /reload", "new"), refused);
  const { isOk, report } = await answer;
  const { result, generation } = report as Readonly<Record<string, unknown>>;
  assert.deepEqual([isOk, result, generation], [false, "failure", 3]);
});

for (const name of ["leaving", "draining", "stopping"] as const) {
  Deno.test(`while ${name} nothing is asked for`, async () => {
    const scene = new Scene(STATES[name]);
    const { isTried, isOk } = await scene.request();
    assert.deepEqual([isTried, isOk, scene.requests], [false, false, 0]);
  });
}

for (const event of [EVENTS.stop_requested, EVENTS.drain_requested, processEnded(3, 139)]) {
  Deno.test(`${event.name} while the answer is waited for is the answer`, async () => {
    const scene = new Scene(STATES.serving);
    const answer = scene.request();
    scene.happen(requested, event);
    assert.equal((await answer).isTried, false);
    assert.equal(scene.watchers, 0);
  });
}
