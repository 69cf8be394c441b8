import assert from "node:assert/strict";
import { adopt, type AdoptionOptions } from "../../../lib/loaded/adoption.ts";
import { createLoadedFiles } from "../../../lib/loaded/loaded_files.ts";
import { createScanner } from "../../../lib/watch/scan/scan.ts";
import { findServers } from "../../../lib/loaded/servers.ts";
import { serversIn, withServers } from "../../../lib/loaded/targets.ts";
import type { Fingerprint } from "../../../lib/watch/scan/fingerprint.ts";
import { TempFolder } from "../../support/machine/temp_folder.ts";
import { ScriptedHaproxy } from "../../support/haproxy/scripted_haproxy.ts";

/** Before and long after all files of a test were written. */
const [LONG_AGO_MS, LATER_MS] = [0, Date.parse("2100-01-01T00:00:00Z")];

/** A configuration that names nothing, for a process that has loaded `map` all the same. */
class Scene extends TempFolder {
  readonly configuration = this.write("h.cfg", "global\n");
  readonly map = this.write("a.map", "a 1\n");
  readonly watched: ReadonlySet<string>[] = [];
  readonly #loadedFiles = createLoadedFiles({
    watchLoaded: true,
    envFile: null,
    workingDirectory: this.path,
    environment: {},
  });
  readonly scanner = createScanner(
    [{ kind: "configuration", path: this.configuration, foundBy: "-f" }],
    this.#loadedFiles.findNamed,
  );

  /** What is on disk now. */
  async scan(): Promise<Fingerprint> {
    const { seen } = await this.scanner.scan();
    assert.ok(seen.tag === "taken");
    return seen.fingerprint;
  }

  /** Adopts what a process that loaded `map`, by whatever name, lists. */
  async adopt(before: Fingerprint | null, options: Partial<AdoptionOptions> = {}) {
    const socket = this.at("socket");
    await using _ = new ScriptedHaproxy(
      socket,
      (command) =>
        command === "show map" ? `3 (a.map) pattern loaded from file 'a.map' used by map\n` : "\n",
    );
    return await adopt(before, {
      socket,
      startedMs: LATER_MS,
      scanner: this.scanner,
      loadedFiles: this.#loadedFiles,
      servers: before === null
        ? Promise.resolve(null)
        : findServers(this.#loadedFiles.configurations(), before),
      onInventory: ({ directories }) => void this.watched.push(directories),
      ...options,
    });
  }
}

const pathsOf = (fingerprint: Fingerprint | null) => [...fingerprint?.files.keys() ?? []];

Deno.test("what a generation has loaded belongs to its fingerprint and is a target", async () => {
  await using scene = new Scene();
  const before = await scene.scan();
  assert.deepEqual(pathsOf(before), [scene.configuration]);
  const { fingerprint, changedDuringRead, targets, isSilent } = await scene.adopt(before);
  assert.deepEqual(pathsOf(fingerprint), [scene.configuration, scene.map]);
  assert.equal(changedDuringRead, false);
  assert.deepEqual(
    withServers(targets, null).byPath,
    new Map([[scene.map, [{ tag: "map", path: scene.map, id: 3 }]]]),
  );
  assert.deepEqual(serversIn(targets)?.paths, [scene.configuration]);
  assert.equal(isSilent, false);
});

Deno.test("every later scan includes what the generation has loaded", async () => {
  await using scene = new Scene();
  const { fingerprint } = await scene.adopt(await scene.scan());
  assert.equal((await scene.scan()).digest, fingerprint?.digest);
  scene.write("a.map", "a 22\n");
  assert.notEqual((await scene.scan()).digest, fingerprint?.digest);
});

Deno.test("a file written after the start changed during the read", async () => {
  await using scene = new Scene();
  const before = await scene.scan();
  const adopted = await scene.adopt(before, { startedMs: LONG_AGO_MS });
  assert.equal(adopted.changedDuringRead, true);
  assert.equal(adopted.fingerprint, before);
  assert.equal(adopted.targets.byPath.size, 1);
});

Deno.test("a configuration that changed after the scan changed during the read", async () => {
  await using scene = new Scene();
  const before = await scene.scan();
  scene.write("h.cfg", "global # another\n");
  const { fingerprint, changedDuringRead } = await scene.adopt(before);
  assert.deepEqual([fingerprint, changedDuringRead], [before, true]);
});

Deno.test("if the configuration can no longer be read, the fingerprint stays", async () => {
  await using scene = new Scene();
  const before = await scene.scan();
  Deno.removeSync(scene.configuration);
  const { fingerprint, changedDuringRead } = await scene.adopt(before);
  assert.deepEqual([fingerprint, changedDuringRead], [before, true]);
});

Deno.test("an unknown fingerprint stays unknown, but scans include what was loaded", async () => {
  await using scene = new Scene();
  const { fingerprint, changedDuringRead } = await scene.adopt(null);
  assert.deepEqual([fingerprint, changedDuringRead], [null, false]);
  assert.deepEqual(pathsOf(await scene.scan()), [scene.configuration, scene.map]);
});

Deno.test("a generation that does not answer is reported, and what its predecessor loaded is forgotten", async () => {
  await using scene = new Scene();
  const { fingerprint: before } = await scene.adopt(await scene.scan());
  const { fingerprint, changedDuringRead, targets, isSilent } = await scene.adopt(before, {
    socket: scene.at("nobody"),
  });
  assert.equal(isSilent, true);
  assert.deepEqual([pathsOf(fingerprint), changedDuringRead], [[scene.configuration], false]);
  assert.equal(targets.byPath.size, 0);
});

Deno.test("a generation that is not asked is not reported as silent", async () => {
  await using scene = new Scene();
  const before = await scene.scan();
  const { fingerprint, targets, isSilent } = await scene.adopt(before, { socket: null });
  assert.equal(isSilent, false);
  assert.deepEqual(pathsOf(fingerprint), [scene.configuration]);
  assert.deepEqual([...targets.byPath.keys()], [scene.configuration]);
});

Deno.test("a swap of ..data by Kubernetes between the scan and the start is noticed", async () => {
  await using scene = new Scene();
  scene.write("..1/a.map", "a 1\n");
  scene.link("..data", "..1");
  Deno.removeSync(scene.map);
  scene.link("a.map", "..data/a.map");
  const { fingerprint: before } = await scene.adopt(await scene.scan());
  assert.deepEqual(pathsOf(before), [scene.configuration, scene.map]);
  scene.write("..2/a.map", "a 1\n");
  scene.link("..data_tmp", "..2");
  Deno.renameSync(scene.at("..data_tmp"), scene.at("..data"));
  assert.equal((await scene.adopt(before)).changedDuringRead, true);
});

Deno.test("the new inventory is reported once", async () => {
  await using scene = new Scene();
  await scene.adopt(await scene.scan());
  assert.equal(scene.watched.length, 1);
  assert.ok(scene.watched[0]!.has(scene.path));
});
