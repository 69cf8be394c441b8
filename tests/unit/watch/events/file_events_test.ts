import assert from "node:assert/strict";
import { EventThread, type EventThreadState } from "../../../../lib/watch/events/event_thread.ts";
import { FileEvents, type Hint } from "../../../../lib/watch/events/file_events.ts";
import { TempFolder } from "../../../support/machine/temp_folder.ts";
import { waitFor } from "../../../support/wait.ts";

/** A thread in the state that the test says. */
class Thread extends EventThread {
  told: EventThreadState | null = null;
  asked = 0;

  override async state(directory: string | null): Promise<EventThreadState> {
    this.asked++;
    return this.told ?? await super.state(directory);
  }
}

/** Events below a folder, and the hints that they gave. */
class Scene extends TempFolder {
  readonly hints: Hint[] = [];
  readonly logged: string[] = [];
  readonly thread = new Thread({ areCoresWanted: () => false, isAwaited: () => false });
  isAwaited = false;
  hasProbe = true;
  readonly events = new FileEvents({
    isRelevant: (path) => path.endsWith("/file"),
    onHint: (hint) => this.hints.push(hint),
    onBug: (error) => assert.fail(error as Error),
    probeDirectory: () => this.hasProbe ? this.path : null,
    areCoresWanted: () => false,
    isAwaited: () => this.isAwaited,
    log: ({ text }) => this.logged.push(text),
    thread: this.thread,
  });

  /** Whether a scan is due. */
  async watch(...names: readonly string[]): Promise<boolean> {
    return (await this.events.watch(new Set(names.map((name) => this.at(name))))).isDue;
  }

  /** Writes a file, and waits until it is noticed. */
  async notices(name: string): Promise<void> {
    this.hints.length = 0;
    Deno.writeTextFileSync(this.at(name), "");
    const isNoticed = () =>
      this.hints.some((hint) => "path" in hint && hint.path === this.at(name));
    await waitFor(name, isNoticed);
  }

  override async [Symbol.asyncDispose]() {
    await this.events.close();
    await super[Symbol.asyncDispose]();
  }
}

Deno.test("a scan is due when other paths are watched, and only then", async () => {
  await using scene = new Scene();
  for (const name of ["a", "b"]) Deno.mkdirSync(scene.at(name));
  assert.equal(await scene.watch("a"), true);
  assert.equal(await scene.watch("a"), false);
  assert.equal(await scene.watch("a", "b"), true);
  assert.equal(scene.events.dueInMs, Infinity);
  await scene.notices("a/file");
  await scene.notices("b/file");
});

Deno.test("while a change waits, one directory is watched at a time, and the next scan is due", async () => {
  await using scene = new Scene();
  for (const name of ["a", "b"]) Deno.mkdirSync(scene.at(name));
  scene.isAwaited = true;
  for (const name of ["a", "b"]) {
    assert.equal(await scene.watch("a", "b"), true);
    await scene.notices(`${name}/file`);
  }
  assert.equal(await scene.watch("a", "b"), false);
});

Deno.test("while a change waits, one path that cannot be watched is tried; the others are due", async () => {
  await using scene = new Scene();
  Deno.mkdirSync(scene.at("a"));
  await scene.watch("a");
  scene.isAwaited = true;
  scene.thread.asked = 0;
  const tooLong = ["x", "y", "z"].map((letter) => letter.repeat(300));
  await scene.watch("a", ...tooLong);
  assert.equal(scene.thread.asked, 1);
  assert.ok(scene.events.dueInMs < Infinity);
});

Deno.test("a path that is gone makes one scan due, and is watched when it is back", async () => {
  await using scene = new Scene();
  assert.equal(await scene.watch("a"), true);
  assert.equal(await scene.watch("a"), false);
  Deno.mkdirSync(scene.at("a"));
  assert.equal(await scene.watch("a"), true);
  await scene.notices("a/file");
});

Deno.test("a directory is watched anew when others may read it than before", async () => {
  await using scene = new Scene();
  Deno.mkdirSync(scene.at("a"), { mode: 0o700 });
  await scene.watch("a");
  Deno.chmodSync(scene.at("a"), 0o755);
  assert.equal(await scene.watch("a"), true);
  assert.equal(await scene.watch("a"), false);
  await scene.notices("a/file");
});

Deno.test("what a flood leaves out is watched later; only the second in a row is logged", async () => {
  await using scene = new Scene();
  for (const name of ["a", "b"]) Deno.mkdirSync(scene.at(name));
  await scene.watch("a");
  scene.thread.told = "flooded";
  assert.equal(await scene.watch("a", "b"), false);
  assert.deepEqual(scene.logged, []);
  assert.ok(scene.events.dueInMs < Infinity);
  assert.equal(await scene.watch("a", "b"), false);
  // A change that interrupts one does not have it logged once more.
  scene.thread.told = "interrupted";
  assert.equal(await scene.watch("a", "b"), false);
  assert.ok(scene.events.dueInMs < Infinity);
  scene.thread.told = "flooded";
  assert.equal(await scene.watch("a", "b"), false);
  scene.thread.told = null;
  assert.equal(scene.logged.length, 1);
  assert.match(scene.logged.join(), /^file events come without a pause,[^;]*; only the poll/);
  assert.equal(await scene.watch("a", "b"), true);
  assert.equal(scene.events.dueInMs, Infinity);
  await scene.notices("b/file");
});

Deno.test("a thread that was taken for hung is trusted again at the next event, and one scan is due", async () => {
  await using scene = new Scene();
  for (const name of ["a", "b"]) Deno.mkdirSync(scene.at(name));
  await scene.watch("a");
  scene.thread.told = "hung";
  assert.equal(await scene.watch("a", "b"), false);
  scene.thread.told = null;
  // Nobody asks a thread that may hang.
  assert.equal(await scene.watch("a", "b"), false);
  await scene.notices("a/file");
  assert.equal(scene.hints.filter(({ tag }) => tag === "lost").length, 1);
  assert.equal(await scene.watch("a", "b"), true);
  await scene.notices("b/file");
  assert.match(
    scene.logged.join("\n"),
    /^file events have stopped,.*\n.* lost: they had stopped;.*$/,
  );
});

Deno.test("without a probe nothing is opened or closed beside other watches; paths left out are due", async () => {
  await using scene = new Scene();
  for (const name of ["a", "b"]) Deno.mkdirSync(scene.at(name));
  await scene.watch("a");
  scene.hasProbe = false;
  assert.equal(await scene.watch("a"), false);
  assert.equal(scene.events.dueInMs, Infinity);
  assert.equal(await scene.watch("b"), false);
  assert.ok(scene.events.dueInMs < Infinity);
  await scene.notices("a/file");
  scene.hasProbe = true;
  assert.equal(await scene.watch("b"), true);
  await scene.notices("b/file");
});
