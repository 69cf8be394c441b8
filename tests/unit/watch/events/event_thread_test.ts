import assert from "node:assert/strict";
import { EventThread } from "../../../../lib/watch/events/event_thread.ts";
import { TempFolder } from "../../../support/machine/temp_folder.ts";
import { pause } from "../../../support/wait.ts";

/** A thread, and the folder of its probes. */
class Scene extends TempFolder {
  readonly thread = new EventThread();
  #watcher: Deno.FsWatcher | null = null;

  /** Passes on the events of the folder from now on. */
  async watch(): Promise<void> {
    this.#watcher = Deno.watchFs(this.path, { recursive: false });
    for await (const event of this.#watcher) this.thread.note(event);
  }

  state() {
    return this.thread.state(this.path);
  }

  override async [Symbol.asyncDispose]() {
    this.#watcher?.close();
    await super[Symbol.asyncDispose]();
  }
}

Deno.test("a thread whose probe gives an event waits for the next, again and again", async () => {
  await using scene = new Scene();
  scene.watch();
  for (let times = 0; times < 3; times++) assert.equal(await scene.state(), "waiting");
  assert.deepEqual([...Deno.readDirSync(scene.path)], []);
});

Deno.test("a thread that gives no event is hung", async () => {
  await using scene = new Scene();
  assert.equal(await scene.state(), "hung");
});

Deno.test("a thread that gives events of others all the time is flooded, also when it drops the probe's", async () => {
  for (const isProbed of [true, false]) {
    await using scene = new Scene();
    if (isProbed) scene.watch();
    const flood = setInterval(() => scene.thread.note({ kind: "modify", paths: ["/other"] }), 1);
    assert.equal(await scene.state(), "flooded");
    clearInterval(flood);
  }
});

Deno.test("a thread that was held up, or has had a flood, waits", async () => {
  await using scene = new Scene();
  const flood = setInterval(() => scene.thread.note({ kind: "modify", paths: ["/other"] }), 1);
  const state = scene.state();
  await pause(250);
  clearInterval(flood);
  scene.watch();
  assert.equal(await state, "waiting");
});

Deno.test("where no probe can be written, nothing is known against the thread", async () => {
  const thread = new EventThread();
  assert.equal(await thread.state("/proc/nowhere"), "waiting");
});
