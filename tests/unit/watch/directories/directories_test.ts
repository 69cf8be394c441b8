import assert from "node:assert/strict";
import { openLibc } from "../../../../lib/system/libc.ts";
import { Directories } from "../../../../lib/watch/directories/directories.ts";
import { isVisible } from "../../../../lib/watch/directories/globs.ts";
import { TempFolder } from "../../../support/machine/temp_folder.ts";

const libc = await openLibc();
const WANTED = { isWanted: isVisible };
const ALL_BELOW = { isWanted: isVisible, isDeep: true };

/** Directories with a limit of 10 entries, by a clock that the test sets. */
class Scene extends TempFolder {
  nowMs = 0;
  readonly directories = new Directories(libc?.openDirectory, {
    most: 10,
    // Each call advances it by 1 ms, so that reading takes time.
    now: () => ++this.nowMs,
  });

  fill(count: number, from = 0): void {
    for (let index = from; index < from + count; index++) this.write(`f${index}`);
  }

  async members(): Promise<readonly string[] | number> {
    this.directories.begin();
    const members = await this.directories.members(this.path, WANTED);
    return "digest" in members ? members.entries : members.toSorted();
  }

  async digest(wanted = WANTED, path = this.path): Promise<string> {
    return (await new Directories(libc?.openDirectory).whole(path, wanted)).digest;
  }
}

Deno.test("few entries are listed, too many are only counted", async () => {
  await using scene = new Scene();
  assert.deepEqual(await scene.members(), []);
  scene.fill(3);
  scene.write(".hidden");
  assert.deepEqual(await scene.members(), ["f0", "f1", "f2"]);
  scene.fill(11);
  assert.equal(await scene.members(), 11);
});

Deno.test("directories share one limit", async () => {
  await using scene = new Scene();
  scene.fill(6);
  assert.equal((await scene.members() as string[]).length, 6);
  const more = await scene.directories.members(scene.path, WANTED);
  assert.ok("digest" in more);
});

Deno.test("a whole directory is followed entry by entry again once it has clearly fewer entries", async () => {
  await using scene = new Scene();
  scene.fill(11);
  assert.equal(await scene.members(), 11);
  for (const left of [9, 8]) {
    Deno.removeSync(scene.at(`f${left + 1}`));
    if (left === 8) Deno.removeSync(scene.at("f8"));
    scene.nowMs += 10_000;
    const found = await scene.members();
    assert.equal(typeof found === "number" ? found : found.length, left === 9 ? 10 : 8);
  }
});

Deno.test("a digest shows any change of names and states, but not of order", async () => {
  await using scene = new Scene();
  scene.fill(5);
  const first = await scene.digest();
  assert.equal(await scene.digest(), first);
  const seen = new Set([first]);
  const changes = [
    () => scene.write("f2", "longer than it was"),
    () => Deno.utimeSync(scene.at("f3"), 1, 1),
    () => Deno.renameSync(scene.at("f4"), scene.at("f9")),
    () => scene.write("new"),
    () => Deno.removeSync(scene.at("f0")),
    () => scene.link("link", "f1"),
    () => scene.write("f1", "behind the link"),
    () => scene.link("dangling", "none"),
    () => Deno.mkdirSync(scene.at("below")),
  ];
  for (const change of changes) {
    change();
    const digest = await scene.digest();
    assert.ok(!seen.has(digest), String(change));
    seen.add(digest);
  }
  const two = await scene.digest();
  scene.write("below/deep/file", "1");
  Deno.utimeSync(scene.at("below"), 1, 1);
  const shallow = await scene.digest();
  assert.notEqual(shallow, two);
  const deep = await scene.digest(ALL_BELOW);
  scene.write("below/deep/file", "12");
  assert.equal(await scene.digest(), shallow);
  assert.notEqual(await scene.digest(ALL_BELOW), deep);
});

Deno.test("a link loop does not make an endless tree", async () => {
  await using scene = new Scene();
  scene.link("a/loop", "..");
  const whole = await scene.directories.whole(scene.path, ALL_BELOW);
  assert.equal(whole.entries, 2);
});

Deno.test("a whole directory is not read again for a while, which is shorter after a change in it", async () => {
  await using scene = new Scene();
  const { directories, path } = scene;
  scene.fill(20);
  const first = await directories.whole(path, WANTED);
  scene.fill(1, 20);
  assert.equal((await directories.whole(path, WANTED)).entries, 20);
  assert.equal(directories.dueInMs, Infinity);
  assert.equal((await directories.wholeAgain(path))?.entries, 20);
  const dueInMs = directories.dueInMs;
  assert.ok(dueInMs > 0 && dueInMs <= 4 * first.durationMs, `${dueInMs}`);
  scene.nowMs += dueInMs;
  assert.equal((await directories.whole(path, WANTED)).entries, 21);
  assert.equal(directories.dueInMs, Infinity);
  scene.fill(1, 21);
  scene.nowMs += 4 * first.durationMs;
  assert.equal((await directories.whole(path, WANTED)).entries, 21);
  scene.nowMs += 50 * first.durationMs;
  assert.equal((await directories.whole(path, WANTED)).entries, 22);
});

Deno.test("a whole directory in which a change may have gone unnoticed is read as after one", async () => {
  await using scene = new Scene();
  const { directories, path } = scene;
  scene.fill(20);
  const first = await directories.whole(path, WANTED);
  directories.doubt(path);
  directories.doubt("/another");
  const dueInMs = directories.dueInMs;
  assert.ok(dueInMs > 0 && dueInMs <= 4 * first.durationMs, `${dueInMs}`);
  scene.fill(1, 20);
  scene.nowMs += dueInMs;
  assert.equal((await directories.whole(path, WANTED)).entries, 21);
  assert.equal(directories.dueInMs, Infinity);
});

Deno.test("a directory that cannot be read says why", async () => {
  await using scene = new Scene();
  for (const name of ["none", scene.write("file")]) {
    const reading = scene.directories.names(scene.at(name), () => true);
    await assert.rejects(reading, /No such file|Not a directory/);
  }
});

Deno.test("without the C library directories are read all the same", async () => {
  await using scene = new Scene();
  scene.fill(12);
  const plain = new Directories(null, { most: 10 });
  assert.equal((await plain.members(scene.path, WANTED) as { entries: number }).entries, 12);
  assert.equal((await plain.whole(scene.path, WANTED)).digest, await scene.digest());
});

Deno.test("a huge directory is recognized without listing it", async () => {
  await using scene = new Scene();
  for (let index = 0; index < 8; index++) {
    for (const name of "abcd") scene.write(`${index}/${name}`);
  }
  assert.equal(await scene.directories.isHuge(scene.path, 1), false);
  assert.equal(await scene.directories.isHuge(scene.path, 2), true);
});
