import assert from "node:assert/strict";
import type { Fingerprint } from "../../../../lib/watch/scan/fingerprint.ts";
import { isRelevant, type SourceFile } from "../../../../lib/watch/scan/inventory.ts";
import { createScanner, type ScanResult } from "../../../../lib/watch/scan/scan.ts";
import type { Source } from "../../../../lib/watch/scan/sources.ts";
import { TempFolder } from "../../../support/machine/temp_folder.ts";
import { pathsOf as pathsIn } from "./taking.ts";

const loaded = (path: string): Source => ({ kind: "loaded", path, foundBy: "" });

/** A configuration that names `a`, and a file `b` that it does not name. */
class Scene extends TempFolder {
  readonly configuration = this.write("h.cfg");
  readonly a = this.write("a");
  readonly b = this.write("b");
  readonly own = [this.configuration, this.at("w"), this.a];
  /** The configurations of each request. */
  readonly asked: string[][] = [];
  readonly scanner = createScanner(
    [
      { kind: "configuration", path: this.configuration, foundBy: "-f" },
      { kind: "watched", path: this.at("w"), foundBy: "--watch" },
    ],
    (files) => Promise.resolve(this.#name(files)),
  );

  #name(files: readonly SourceFile[]): Source[] {
    this.asked.push(files.map(({ path }) => path));
    return [loaded(this.a)];
  }
}

const pathsOf = ({ inventory }: ScanResult) => pathsIn(inventory);

function fingerprintOf({ seen }: ScanResult): Fingerprint {
  assert.ok(seen.tag === "taken");
  return seen.fingerprint;
}

Deno.test("a scan finds the sources, and then what the configurations among them name", async () => {
  await using scene = new Scene();
  const scan = await scene.scanner.scan();
  assert.deepEqual(pathsOf(scan), scene.own);
  assert.deepEqual([...fingerprintOf(scan).files.keys()], scene.own);
  assert.deepEqual(scan.references, [loaded(scene.a)]);
  assert.deepEqual(scene.asked, [[scene.configuration]]);
});

Deno.test("listed files are scanned from then on, in place of the previous list", async () => {
  await using scene = new Scene();
  await using elsewhere = new TempFolder();
  const c = elsewhere.write("c");
  const withB = await scene.scanner.scanWith([loaded(scene.b)]);
  assert.deepEqual(new Set(pathsOf(withB)), new Set([...scene.own, scene.b]));
  assert.deepEqual(pathsOf(await scene.scanner.scan()), pathsOf(withB));
  const withC = await scene.scanner.scanWith([loaded(c)]);
  assert.deepEqual(new Set(pathsOf(withC)), new Set([...scene.own, c]));
  const { inventory } = withC;
  for (const one of [scene.configuration, scene.a, c]) assert.ok(isRelevant(inventory, one), one);
  assert.ok(!isRelevant(inventory, scene.b));
  for (const one of [scene.path, elsewhere.path]) assert.ok(inventory.directories.has(one), one);
});

Deno.test("a file that is watched, named and listed is scanned once, as the first of these", async () => {
  await using scene = new Scene();
  scene.write("w");
  const listed = [scene.at("w"), scene.a].map((path) => ({ ...loaded(path), foundBy: "show map" }));
  const { inventory } = await scene.scanner.scanWith(listed);
  assert.deepEqual(inventory.files.map(({ path, source }) => [path, source.foundBy]), [
    [scene.configuration, "-f"],
    [scene.at("w"), "--watch"],
    [scene.a, ""],
  ]);
});

Deno.test("a scan of touched files sees nothing else, and reads no configuration again", async () => {
  await using scene = new Scene();
  const before = fingerprintOf(await scene.scanner.scanWith([loaded(scene.b)]));
  scene.write("a", "another a");
  scene.write("b", "another b");
  const one = fingerprintOf(await scene.scanner.scan(new Set([scene.a])));
  const changed = [scene.a, scene.b].map((path) =>
    one.files.get(path)?.content !== before.files.get(path)?.content
  );
  assert.deepEqual(changed, [true, false]);
  assert.equal(scene.asked.length, 1);
  assert.equal((await scene.scanner.scan(new Set())).seen.tag, "taken");
  assert.notEqual(fingerprintOf(await scene.scanner.scan()).digest, one.digest);
  assert.equal(scene.asked.length, 2);
});

Deno.test("touching a configuration leads to a full scan", async () => {
  await using scene = new Scene();
  await scene.scanner.scan();
  scene.write("a", "another a");
  scene.write("h.cfg", "another");
  const all = fingerprintOf(await scene.scanner.scan(new Set([scene.configuration])));
  assert.equal(all.digest, fingerprintOf(await scene.scanner.scan()).digest);
  assert.equal(scene.asked.length, 3);
});

for (const kind of ["loaded", "watched", "configuration"] as const) {
  Deno.test(`a removed link to a ${kind} file is seen by a scan of touched files`, async () => {
    await using folder = new TempFolder();
    folder.write("real/a");
    const path = folder.link("a", "real/a");
    const scanner = createScanner([{ kind, path, foundBy: "" }], () => Promise.resolve([]));
    const { seen } = await scanner.scan();
    Deno.removeSync(path);
    assert.notDeepEqual((await scanner.scan(new Set([path]))).seen, seen);
  });
}

Deno.test("the first scan is a full one, whatever was touched", async () => {
  await using scene = new Scene();
  assert.equal(pathsOf(await scene.scanner.scan(new Set())).length, 3);
});

Deno.test("after an unreadable source the next scan is a full one", async () => {
  await using scene = new Scene();
  await scene.scanner.scan();
  Deno.removeSync(scene.configuration);
  const { seen } = await scene.scanner.scan(new Set([scene.configuration]));
  assert.deepEqual(seen, {
    tag: "unreadable",
    unreadable: [{ path: scene.configuration, reason: "No such file or directory" }],
  });
  scene.write("h.cfg");
  const scan = await scene.scanner.scan(new Set());
  assert.deepEqual(pathsOf(scan)[0], scene.configuration);
  assert.equal(scan.seen.tag, "taken");
});

Deno.test("concurrent scans run one by one", async () => {
  await using scene = new Scene();
  const scans = await Promise.all([
    scene.scanner.scanWith([loaded(scene.b)]),
    scene.scanner.scanWith([]),
    scene.scanner.scan(),
  ]);
  assert.deepEqual(scans.map((scan) => pathsOf(scan).includes(scene.b)), [true, false, false]);
});

Deno.test("a scan that throws does not stop the next one", async () => {
  let isBroken = true;
  const scanner = createScanner([], () => {
    if (isBroken) throw new Error("a bug");
    return Promise.resolve([]);
  });
  await assert.rejects(scanner.scan(), /a bug/);
  isBroken = false;
  assert.equal((await scanner.scan()).seen.tag, "taken");
});

Deno.test("listed files change neither the order of named files nor the digest", async () => {
  await using folder = new TempFolder();
  const [a, b] = [loaded(folder.write("a")), loaded(folder.write("b"))];
  const scanner = createScanner([], () => Promise.resolve([a, b]));
  const { seen } = await scanner.scan();
  assert.deepEqual((await scanner.scanWith([b])).seen, seen);
});
