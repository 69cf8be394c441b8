/** What is recorded, and when. */
import assert from "node:assert/strict";
import { Recorder, type Serving } from "../../../lib/last_good/recorder.ts";
import { Store } from "../../../lib/last_good/store.ts";
import { sha256 } from "../../../lib/system/files/contents.ts";
import type { LogEntry } from "../../../lib/system/log.ts";
import type { Fingerprint } from "../../../lib/watch/scan/fingerprint.ts";
import { pause, waitFor } from "../../support/wait.ts";
import { TempFolder } from "../../support/machine/temp_folder.ts";

const SERVED_MS = 60;

/** The store is swept whenever gathered files are not recorded. */
class CountingStore extends Store {
  sweeps = 0;

  override async sweep(): Promise<void> {
    await super.sweep();
    this.sweeps++;
  }
}

class Scene extends TempFolder {
  readonly store = new CountingStore(this.at("recorded"));
  readonly lines: LogEntry[] = [];
  readonly recorder = new Recorder({
    store: this.store,
    directory: this.path,
    log: (entry) => this.lines.push(entry),
    servedMs: SERVED_MS,
  });

  /** A generation that has loaded "cfg" with that text, whatever the file holds now. */
  async generation(number: number, text: string, more: Partial<Serving> = {}) {
    const content = await sha256(new TextEncoder().encode(text));
    const files = new Map([[this.at("cfg"), { content, modifiedMs: 0, stamp: "" }]]);
    const fingerprint: Fingerprint = { digest: content, files };
    return {
      number,
      fingerprint,
      changedDuringRead: false,
      version: "3.4.0",
      ...more,
    } satisfies Serving;
  }

  /** Generation 1 loads "cfg", which holds "one", and serves. */
  async serveOne(): Promise<void> {
    this.write("cfg", "one");
    this.step(await this.generation(1, "one"));
  }

  step(serving: Serving | null): void {
    this.recorder.observe(serving);
  }

  says(pattern: RegExp): Promise<LogEntry> {
    return waitFor(`${pattern}`, () => this.lines.find(({ text }) => pattern.test(text)), {
      explain: () => JSON.stringify(this.lines),
    });
  }

  get objects(): string[] {
    try {
      return this.names(this.at("recorded/set/objects"));
    } catch {
      return [];
    }
  }

  /** The recorded generation; `null` if there is none. */
  async recorded(): Promise<number | null> {
    const recorded = await this.store.read();
    return recorded.tag === "recorded" ? recorded.manifest.generation : null;
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    await this.recorder.close();
    await super[Symbol.asyncDispose]();
  }
}

Deno.test("a generation that has served long enough is recorded, and a line says so", async () => {
  await using scene = new Scene();
  await scene.serveOne();
  assert.equal(await scene.recorded(), null);
  const { level, text } = await scene.says(
    /generation 1 has served for 60ms: recorded its 1 file in/,
  );
  assert.equal(level, "info");
  assert.match(text, /1 of them newly written/);
  const recorded = await scene.store.read();
  assert.ok(recorded.tag === "recorded");
  const { generation, haproxyVersion, directory } = recorded.manifest;
  assert.deepEqual([generation, haproxyVersion, directory], [1, "3.4.0", scene.path]);
});

Deno.test("loaded files are read at once, so that the disk may hold something else later", async () => {
  await using scene = new Scene();
  await scene.serveOne();
  await waitFor("the copy", () => scene.objects.some((name) => !name.endsWith(".part")));
  scene.write("cfg", "bad");
  await scene.says(/generation 1 has served/);
  assert.equal(await scene.recorded(), 1);
});

Deno.test("a generation replaced or dead before that leaves no trace", async () => {
  await using scene = new Scene();
  await scene.serveOne();
  await scene.says(/generation 1 has served/);
  scene.write("cfg", "two");
  scene.step(await scene.generation(2, "two"));
  scene.step(null);
  await scene.recorder.close();
  assert.equal(await scene.recorded(), 1);
  assert.equal(scene.objects.length, 1);
  assert.equal(scene.lines.length, 1);
});

Deno.test("steps that do not change the serving generation do not restart the time", async () => {
  await using scene = new Scene();
  scene.write("cfg", "one");
  const generation = await scene.generation(1, "one");
  scene.step(generation);
  const again = setInterval(() => scene.step({ ...generation }), 5);
  await scene.says(/generation 1 has served/);
  clearInterval(again);
  assert.equal(scene.lines.length, 1);
});

Deno.test("a hot apply makes a new set, after its own time", async () => {
  await using scene = new Scene();
  await scene.serveOne();
  await scene.says(/generation 1 has served/);
  scene.write("cfg", "renewed");
  const renewed = await scene.generation(1, "renewed");
  scene.step(renewed);
  await waitFor("two lines", () => scene.lines.length === 2);
  const recorded = await scene.store.read();
  assert.ok(recorded.tag === "recorded");
  assert.deepEqual([...recorded.manifest.files.values()], [renewed.fingerprint?.digest]);
  assert.deepEqual(scene.objects, [renewed.fingerprint?.digest]);
});

Deno.test("a generation started from the recorded set is not recorded again", async () => {
  await using scene = new Scene();
  const lastGood = { directory: scene.at("recorded"), recordedMs: 0 };
  scene.step(await scene.generation(2, "one", { fingerprint: null, lastGood }));
  scene.write("cfg", "marker");
  await pause(2 * SERVED_MS);
  scene.step(await scene.generation(3, "marker"));
  await scene.says(/generation 3 has served/);
  assert.equal(scene.lines.length, 1);
});

const INCOMPLETE: Readonly<Record<string, (scene: Scene) => Promise<Serving>>> = {
  'cfg" no longer holds what was loaded': (scene) => scene.generation(2, "other"),
  "what it has loaded is unknown": (scene) => scene.generation(2, "one", { fingerprint: null }),
  "what it has loaded is unknown, because files changed": (scene) =>
    scene.generation(2, "one", { changedDuringRead: true }),
};

for (const [reason, generation] of Object.entries(INCOMPLETE)) {
  Deno.test(`a generation is not recorded because ${reason}: logged once, and the previous set stays`, async () => {
    await using scene = new Scene();
    await scene.serveOne();
    await scene.says(/generation 1 has served/);
    scene.step(await generation(scene));
    const { level, text } = await scene.says(/generation 2 are not recorded/);
    assert.equal(level, "warning");
    assert.ok(text.includes(reason), text);
    scene.step(await scene.generation(3, "one"));
    await scene.says(/generation 3 has served/);
    assert.equal(scene.lines.length, 3);
  });
}

Deno.test("a failure to write is logged once, until a write succeeds", async () => {
  await using scene = new Scene();
  scene.write("cfg", "one");
  scene.write("recorded", "a file in the way");
  for (const number of [1, 2, 3]) {
    scene.step(await scene.generation(number, "one"));
    await waitFor("its time to be over", () => scene.store.sweeps === number);
  }
  assert.equal(scene.lines.length, 1);
  assert.match(
    scene.lines[0]!.text,
    /^cannot record what serves in ".*": "\/.*" is not a directory/,
  );
  Deno.removeSync(scene.at("recorded"));
  scene.step(await scene.generation(4, "one"));
  await scene.says(/generation 4 has served/);
  Deno.removeSync(scene.at("recorded"), { recursive: true });
  scene.write("recorded", "in the way again");
  scene.step(await scene.generation(5, "one"));
  await waitFor("the warning", () => scene.lines.length === 3);
});

Deno.test("a bug in recording is logged and goes no further", async () => {
  await using scene = new Scene();
  scene.store.gather = () => Promise.reject(new TypeError("x is undefined"));
  scene.step(await scene.generation(1, "one"));
  scene.step(await scene.generation(2, "two"));
  await scene.says(
    /cannot record what serves in ".*": a bug in the wrapper: TypeError: x is undefined/,
  );
  assert.equal(scene.lines.length, 1);
});
