import assert from "node:assert/strict";
import type { Fingerprint } from "../../../../lib/watch/scan/fingerprint.ts";
import type { SourceFile } from "../../../../lib/watch/scan/inventory.ts";
import { createScanner, type ScanResult } from "../../../../lib/watch/scan/scan.ts";
import type { Source } from "../../../../lib/watch/scan/sources.ts";
import { TempFolder } from "../../../support/temp_folder.ts";

const loaded = (path: string): Source => ({ kind: "loaded", path, foundBy: "" });

/** A configuration that names `a`, and a file `b` that it does not name. */
class Scene extends TempFolder {
  readonly configuration = this.write("h.cfg");
  readonly a = this.write("a");
  readonly b = this.write("b");
  /** The configurations that were asked about, each time. */
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

const pathsOf = ({ inventory }: ScanResult) => inventory.files.map(({ path }) => path);

function fingerprintOf({ seen }: ScanResult): Fingerprint {
  assert.ok(seen.tag === "taken");
  return seen.fingerprint;
}

Deno.test("a look sees the sources, and then what the configurations among them name", async () => {
  await using scene = new Scene();
  const look = await scene.scanner.scan();
  const paths = [scene.configuration, scene.at("w"), scene.a];
  assert.deepEqual(pathsOf(look), paths);
  assert.deepEqual([...fingerprintOf(look).files.keys()], paths);
  assert.deepEqual(scene.asked, [[scene.configuration]]);
});

Deno.test("sources and what they name are relevant, and their directories are watched", async () => {
  await using scene = new Scene();
  await using elsewhere = new TempFolder();
  const path = elsewhere.write("c");
  const { inventory: { isRelevant, directories } } = await scene.scanner.scanWith([loaded(path)]);
  for (const one of [scene.configuration, scene.a, path]) assert.ok(isRelevant(one), one);
  assert.ok(!isRelevant(scene.b));
  for (const one of [scene.path, elsewhere.path]) assert.ok(directories.has(one), one);
});

Deno.test("what is listed is seen from then on, in place of the list before", async () => {
  await using scene = new Scene();
  const c = scene.write("c");
  const own = [scene.configuration, scene.at("w"), scene.a];
  const paths = async (look: Promise<ScanResult>) => new Set(pathsOf(await look));
  assert.deepEqual(
    await paths(scene.scanner.scanWith([loaded(scene.b)])),
    new Set([...own, scene.b]),
  );
  assert.deepEqual(await paths(scene.scanner.scan()), new Set([...own, scene.b]));
  assert.deepEqual(await paths(scene.scanner.scanWith([loaded(c)])), new Set([...own, c]));
});

Deno.test("what is listed and named is what the configuration says of it", async () => {
  await using scene = new Scene();
  const listed = { ...loaded(scene.a), foundBy: "show map" };
  const { inventory } = await scene.scanner.scanWith([listed]);
  const file = inventory.files.find(({ path }) => path === scene.a);
  assert.deepEqual(file?.source, loaded(scene.a));
});

Deno.test("what is named and listed and watched is seen once, as what comes first", async () => {
  await using scene = new Scene();
  scene.write("w");
  const { inventory } = await scene.scanner.scanWith([loaded(scene.at("w")), loaded(scene.a)]);
  assert.deepEqual(inventory.files.map(({ path, source }) => [path, source.kind]), [
    [scene.configuration, "configuration"],
    [scene.at("w"), "watched"],
    [scene.a, "loaded"],
  ]);
});

Deno.test("a look at what was touched sees nothing else, and asks no configuration again", async () => {
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
  assert.notEqual(fingerprintOf(await scene.scanner.scan()).digest, one.digest);
  assert.equal(scene.asked.length, 2);
});

Deno.test("a look at a touched configuration is one at everything", async () => {
  await using scene = new Scene();
  await scene.scanner.scan();
  scene.write("a", "another a");
  scene.write("h.cfg", "another");
  const all = fingerprintOf(await scene.scanner.scan(new Set([scene.configuration])));
  assert.equal(all.digest, fingerprintOf(await scene.scanner.scan()).digest);
  assert.equal(scene.asked.length, 3);
});

for (const kind of ["loaded", "watched", "configuration"] as const) {
  Deno.test(`a link to a ${kind} file that is removed is seen by a look at what was touched`, async () => {
    await using folder = new TempFolder();
    folder.write("real/a");
    const path = folder.link("a", "real/a");
    const scanner = createScanner([{ kind, path, foundBy: "" }], () => Promise.resolve([]));
    const { seen } = await scanner.scan();
    Deno.removeSync(path);
    assert.notDeepEqual((await scanner.scan(new Set([path]))).seen, seen);
  });
}

Deno.test("Kubernetes' ..data that is removed is seen by a look at what was touched", async () => {
  await using folder = new TempFolder();
  folder.write("..1/a");
  const data = folder.link("..data", "..1");
  const source = loaded(folder.link("a", "..data/a"));
  const scanner = createScanner([], () => Promise.resolve([source]));
  assert.deepEqual(pathsOf(await scanner.scan()), [source.path]);
  Deno.removeSync(data);
  assert.deepEqual(pathsOf(await scanner.scan(new Set([data]))), []);
});

Deno.test("the first look is one at everything, whatever was touched", async () => {
  await using scene = new Scene();
  assert.equal(pathsOf(await scene.scanner.scan(new Set())).length, 3);
});

Deno.test("a source that cannot be read is told, and the next look is one at everything", async () => {
  await using scene = new Scene();
  await scene.scanner.scan();
  Deno.removeSync(scene.configuration);
  const { seen } = await scene.scanner.scan(new Set([scene.configuration]));
  assert.deepEqual(seen, {
    tag: "unreadable",
    unreadable: [{ path: scene.configuration, reason: "No such file or directory" }],
  });
  scene.write("h.cfg");
  const look = await scene.scanner.scan(new Set());
  assert.deepEqual(pathsOf(look)[0], scene.configuration);
  assert.equal(look.seen.tag, "taken");
});

Deno.test("looks that are asked for at once come one after the other", async () => {
  await using scene = new Scene();
  const looks = await Promise.all([
    scene.scanner.scanWith([loaded(scene.b)]),
    scene.scanner.scanWith([]),
    scene.scanner.scan(),
  ]);
  assert.deepEqual(looks.map((look) => pathsOf(look).includes(scene.b)), [true, false, false]);
});

Deno.test("after a look that failed by a bug the next one is taken all the same", async () => {
  let isBroken = true;
  const scanner = createScanner([], () => {
    if (isBroken) throw new Error("a bug");
    return Promise.resolve([]);
  });
  await assert.rejects(scanner.scan(), /a bug/);
  isBroken = false;
  assert.equal((await scanner.scan()).seen.tag, "taken");
});

Deno.test("a certificate that is named as something else as well keeps its side files", async () => {
  await using folder = new TempFolder();
  const [path, key] = [folder.write("a"), folder.write("a.key")];
  const certificate = { ...loaded(path), sideFiles: (path: string) => [`${path}.key`] };
  const named = [certificate, loaded(path)];
  const { inventory } = await createScanner([], () => Promise.resolve(named)).scan();
  assert.deepEqual(inventory.files.map((file) => file.path), [path, key]);
});

Deno.test("what is listed does not change the order of what is named, nor the digest", async () => {
  await using folder = new TempFolder();
  const [a, b] = [loaded(folder.write("a")), loaded(folder.write("b"))];
  const scanner = createScanner([], () => Promise.resolve([a, b]));
  const { seen } = await scanner.scan();
  assert.deepEqual((await scanner.scanWith([b])).seen, seen);
});
