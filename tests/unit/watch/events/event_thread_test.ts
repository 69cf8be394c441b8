import assert from "node:assert/strict";
import { EventThread } from "../../../../lib/watch/events/event_thread.ts";
import { TempFolder } from "../../../support/machine/temp_folder.ts";
import { pause, waitFor } from "../../../support/wait.ts";

/** A thread, and the folder of its probes. */
class Scene extends TempFolder {
  areCoresWanted = false;
  isAwaited = false;
  readonly thread = new EventThread({
    areCoresWanted: () => this.areCoresWanted,
    isAwaited: () => this.isAwaited,
  });
  readonly paths: string[] = [];
  #watcher: Deno.FsWatcher | null = null;

  /** Passes on the events of the folder from now on. */
  async watch(): Promise<void> {
    this.#watcher = Deno.watchFs(this.path, { recursive: false });
    for await (const event of this.#watcher) {
      this.paths.push(...event.paths);
      this.thread.note(event);
    }
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
  // One event each, and nothing that takes space on a full disk.
  assert.ok(scene.paths.length <= 3 && scene.paths.every((path) => path === scene.path));
});

Deno.test("one probe answers for many watchers, until something else happens", async () => {
  await using scene = new Scene();
  scene.watch();
  for (let times = 0; times < 1_000; times++) assert.equal(await scene.state(), "waiting");
  const { length } = scene.paths;
  assert.ok(length < 300, `there were ${length} probes`);
  scene.thread.note({ kind: "modify", paths: ["/other"] });
  assert.equal(await scene.state(), "waiting");
  await waitFor("another probe", () => scene.paths.length > length);
  // Without a probe as well as with one, the writer of a flood may be about to go on.
  scene.areCoresWanted = true;
  for (let times = 0; times < 4; times++) {
    const startedMs = performance.now();
    assert.equal(await scene.state(), "waiting");
    assert.ok(performance.now() - startedMs >= 50);
  }
});

Deno.test("a thread that gives no event is hung", async () => {
  await using scene = new Scene();
  assert.equal(await scene.state(), "hung");
});

Deno.test("a thread that gives events of others all the time is flooded, also when it drops the probe's", async () => {
  const other = { kind: "modify", paths: ["/other"] } as const;
  // What cannot be read is an event like any other.
  for (const [isProbed, event] of [[true, other], [false, other], [true, null]] as const) {
    await using scene = new Scene();
    if (isProbed) scene.watch();
    const flood = setInterval(
      () => scene.thread.note(event && { ...event, paths: [...event.paths] }),
      1,
    );
    assert.equal(await scene.state(), "flooded");
    clearInterval(flood);
  }
});

Deno.test("while a change waits, a flooded thread is given one try", async () => {
  await using scene = new Scene();
  scene.watch();
  scene.isAwaited = true;
  assert.equal(await scene.state(), "waiting");
  const flood = setInterval(() => scene.thread.note(null), 1);
  const startedMs = performance.now();
  assert.equal(await scene.state(), "interrupted");
  assert.ok(performance.now() - startedMs < 1_000);
  clearInterval(flood);
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

Deno.test("while others want the cores, the writer of a flood may be about to go on", async () => {
  await using scene = new Scene();
  scene.areCoresWanted = true;
  scene.watch();
  const startedMs = performance.now();
  assert.equal(await scene.state(), "waiting");
  assert.ok(performance.now() - startedMs >= 50);
});

Deno.test("where there can be no probe, a long quiet shows that the thread waits", async () => {
  for (const directory of [null, "/proc/nowhere"]) {
    const thread = new EventThread({ areCoresWanted: () => false, isAwaited: () => false });
    const startedMs = performance.now();
    assert.equal(await thread.state(directory), "waiting");
    assert.ok(performance.now() - startedMs >= 50);
    const flood = setInterval(() => thread.note(null), 1);
    assert.equal(await thread.state(directory), "flooded");
    clearInterval(flood);
  }
});
