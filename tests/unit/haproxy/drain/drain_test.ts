import assert from "node:assert/strict";
import { Drain } from "../../../../lib/haproxy/drain/drain.ts";
import { ageLimit, KILL_AFTER_MS } from "../../../../lib/haproxy/drain/limits.ts";
import type { Ending, HaproxyProcess } from "../../../../lib/haproxy/process/process.ts";

/** A process that records its signals and ends when the test says so. */
class FakeProcess implements HaproxyProcess {
  readonly pid = 1;
  readonly output = Promise.resolve("");
  readonly signals: string[] = [];
  readonly #end = Promise.withResolvers<Ending>();
  readonly release = () => Promise.resolve();
  readonly ended = this.#end.promise;

  signal(signal: string): boolean {
    this.signals.push(signal);
    return true;
  }

  async exit(): Promise<void> {
    this.#end.resolve({ tag: "exited", code: 0 });
    await this.ended;
  }
}

interface Timer {
  readonly delayMs: number;
  readonly act: () => void;
  readonly repeats: boolean;
}

/** A process and its drain. Replaces the timers within a test, so that five seconds pass at once. */
class Scene implements Disposable {
  readonly process = new FakeProcess();
  readonly drain = new Drain(this.process);
  readonly #real = { setTimeout, clearTimeout, setInterval, clearInterval };
  readonly #pending = new Map<number, Timer>();
  #last = 0;

  constructor() {
    const set = (repeats: boolean) => (act: () => void, delayMs: number) => {
      this.#pending.set(++this.#last, { delayMs, act, repeats });
      return this.#last;
    };
    const clear = (id?: number) => this.#pending.delete(id ?? 0);
    const timeouts = { setTimeout: set(false), clearTimeout: clear };
    Object.assign(globalThis, { ...timeouts, setInterval: set(true), clearInterval: clear });
  }

  get delaysMs(): number[] {
    return [...this.#pending.values()].map(({ delayMs }) => delayMs);
  }

  /** Lets every timer fire once. */
  fire(): void {
    for (const [id, { act, repeats }] of [...this.#pending]) {
      if (!repeats) this.#pending.delete(id);
      act();
    }
  }

  [Symbol.dispose](): void {
    Object.assign(globalThis, this.#real);
  }
}

Deno.test("a process that was never asked to end has not started to drain", () => {
  using scene = new Scene();
  const { process, drain } = scene;
  assert.equal(drain.isStarted, false);
  assert.equal(drain.elapsedMs, 0);
  assert.equal(drain.end, "by_itself");
  assert.deepEqual(process.signals, []);
});

Deno.test("drain sends SIGUSR1, then SIGTERM after its limit, then SIGKILL", () => {
  using scene = new Scene();
  const { process, drain } = scene;
  drain.begin(ageLimit(300));
  assert.ok(drain.isStarted);
  assert.deepEqual(process.signals, ["SIGUSR1"]);
  assert.equal(drain.end, "by_itself");
  assert.deepEqual(scene.delaysMs, [300]);
  scene.fire();
  assert.deepEqual(process.signals, ["SIGUSR1", "SIGTERM"]);
  assert.equal(drain.end, "terminated");
  assert.deepEqual(scene.delaysMs, [KILL_AFTER_MS]);
  scene.fire();
  assert.deepEqual(process.signals, ["SIGUSR1", "SIGTERM", "SIGKILL"]);
  assert.equal(drain.end, "killed");
  assert.deepEqual(scene.delaysMs, []);
});

Deno.test("drain without a limit has no deadline", () => {
  using scene = new Scene();
  const { process, drain } = scene;
  drain.begin(ageLimit(null));
  assert.deepEqual(process.signals, ["SIGUSR1"]);
  assert.deepEqual(scene.delaysMs, []);
});

Deno.test("the deadline of a process that ends by itself is cleared", async () => {
  using scene = new Scene();
  const { process, drain } = scene;
  drain.begin(ageLimit(300));
  await process.exit();
  assert.deepEqual(scene.delaysMs, []);
  assert.equal(drain.end, "by_itself");
});

Deno.test("a process that is gone gets no deadline", async () => {
  using scene = new Scene();
  const { process, drain } = scene;
  await process.exit();
  drain.terminate("SIGTERM");
  assert.deepEqual(scene.delaysMs, []);
});

Deno.test("terminating replaces the deadline of the drain", () => {
  using scene = new Scene();
  const { process, drain } = scene;
  drain.begin(ageLimit(300));
  drain.terminate("SIGINT");
  assert.deepEqual(process.signals, ["SIGUSR1", "SIGINT"]);
  assert.deepEqual(scene.delaysMs, [KILL_AFTER_MS]);
});

Deno.test("terminating twice sends one signal and does not postpone SIGKILL", () => {
  using scene = new Scene();
  const { process, drain } = scene;
  drain.terminate("SIGTERM");
  scene.fire();
  drain.terminate("SIGTERM");
  assert.deepEqual(process.signals, ["SIGTERM", "SIGKILL"]);
  assert.deepEqual(scene.delaysMs, []);
});

Deno.test("killing needs no earlier signal, and no other follows", () => {
  using scene = new Scene();
  const { process, drain } = scene;
  drain.begin(ageLimit(300));
  drain.kill();
  scene.fire();
  assert.deepEqual(process.signals, ["SIGUSR1", "SIGKILL"]);
  assert.equal(drain.end, "killed");
});

Deno.test("a rejected process is asked to drain repeatedly until it is gone", async () => {
  using scene = new Scene();
  const { process, drain } = scene;
  drain.discard();
  assert.deepEqual(scene.delaysMs, [5_000, 100]);
  scene.fire();
  assert.deepEqual(process.signals, ["SIGUSR1", "SIGTERM", "SIGUSR1"]);
  assert.equal(drain.end, "terminated");
  await process.exit();
  assert.deepEqual(scene.delaysMs, []);
});

Deno.test("a rejected process that is gone already is not asked again", async () => {
  using scene = new Scene();
  const { process, drain } = scene;
  await process.exit();
  drain.discard();
  assert.deepEqual(scene.delaysMs, []);
});
