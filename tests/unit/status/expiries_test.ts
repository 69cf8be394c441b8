import assert from "node:assert/strict";
import { sha256 } from "../../../lib/system/files/contents.ts";
import type { Target, Targets } from "../../../lib/loaded/targets.ts";
import { createExpiries } from "../../../lib/status/expiries.ts";
import type { Fingerprint } from "../../../lib/watch/scan/fingerprint.ts";
import { Authority, DAY_MS, later } from "../../support/certificates.ts";
import { TempFolder } from "../../support/machine/temp_folder.ts";

/** Certificate files that a generation has loaded. */
class Scene extends TempFolder {
  readonly authority = new Authority(this.at("ca"));
  readonly tell = createExpiries();

  issue(days: number) {
    return this.authority.issue({ until: later(days * DAY_MS) });
  }

  targets(...paths: readonly string[]): Targets {
    const byPath = new Map(paths.map((path) => [path, [targetOf(path)]]));
    return { byPath, replacesCrt: false };
  }
}

const targetOf = (path: string): Target => ({
  tag: "certificate",
  path,
  name: path,
  keyPath: `${path}.key`,
  isMember: false,
});

async function loaded(...paths: readonly string[]): Promise<Fingerprint> {
  const files = new Map<string, { content: string; modifiedMs: number; stamp: string }>();
  for (const path of paths) {
    files.set(path, { content: await sha256(Deno.readFileSync(path)), modifiedMs: 0, stamp: "" });
  }
  return { digest: "", files };
}

/** In days from now. */
const daysOf = (expiries: ReadonlyMap<string, number>) =>
  Object.fromEntries(
    Array.from(expiries, ([path, ms]) => [path, Math.round((ms - Date.now()) / DAY_MS)]),
  );

Deno.test("of several certificates in a file, the first to expire counts", async () => {
  await using scene = new Scene();
  const pem = scene.issue(30).pem + scene.issue(10).certificate + scene.authority.certificate;
  const path = scene.write("a.pem", pem);
  const other = scene.write("b.pem", scene.issue(20).pem);
  const expiries = await scene.tell(scene.targets(path, other), await loaded(path, other));
  assert.deepEqual(daysOf(expiries), { [path]: 10, [other]: 20 });
});

Deno.test("a certificate with OpenSSL's trust settings expires like any other", async () => {
  await using scene = new Scene();
  const plain = scene.write("plain.pem", scene.issue(30).certificate);
  const path = scene.at("trusted.pem");
  const args = ["x509", "-in", plain, "-out", path, "-trustout", "-addtrust", "serverAuth"];
  assert.ok(new Deno.Command("openssl", { args }).outputSync().success);
  assert.match(Deno.readTextFileSync(path), /BEGIN TRUSTED CERTIFICATE/);
  assert.deepEqual(daysOf(await scene.tell(scene.targets(path), await loaded(path))), {
    [path]: 30,
  });
});

Deno.test("unchanged files are not read again, and files that are only on disk are left out", async () => {
  await using scene = new Scene();
  const path = scene.write("a.pem", scene.issue(30).pem);
  const [targets, before] = [scene.targets(path), await loaded(path)];
  await scene.tell(targets, before);
  scene.write("a.pem", scene.issue(5).pem);
  assert.deepEqual(daysOf(await scene.tell(targets, before)), { [path]: 30 });
  assert.deepEqual(daysOf(await scene.tell(targets, await loaded(path))), { [path]: 5 });
  Deno.removeSync(path);
  assert.deepEqual(daysOf(await scene.tell(targets, null)), { [path]: 5 });
});

Deno.test("a refused file that was never read is left out, and so is what is not a certificate", async () => {
  await using scene = new Scene();
  const refused = scene.write("a.pem", scene.issue(30).pem);
  const before = await loaded(refused);
  scene.write("a.pem", scene.issue(5).pem);
  assert.deepEqual(daysOf(await scene.tell(scene.targets(refused), before)), {});
  const garbage = "-----BEGIN CERTIFICATE-----\nAAEC\n-----END CERTIFICATE-----\n";
  for (const text of ["", "no PEM", garbage]) {
    const path = scene.write("garbage.pem", text);
    assert.deepEqual(daysOf(await scene.tell(scene.targets(path), await loaded(path))), {});
  }
});

Deno.test("key files, and files of other kinds, are left out", async () => {
  await using scene = new Scene();
  const { certificate, key } = scene.issue(30);
  const [path, keyPath] = [scene.write("a.crt", certificate), scene.write("a.key", key)];
  const caPath = scene.write("ca.pem", scene.authority.certificate);
  const target: Target = {
    ...targetOf(path),
    tag: "certificate",
    keyPath,
    name: path,
    isMember: false,
  };
  const byPath = new Map<string, readonly Target[]>([
    [path, [target]],
    [keyPath, [target]],
    [caPath, [{ tag: "ca_file", path: caPath, name: caPath }]],
  ]);
  const all = await loaded(path, keyPath, caPath);
  assert.deepEqual(Object.keys(daysOf(await scene.tell({ byPath, replacesCrt: false }, all))), [
    path,
  ]);
});

Deno.test("files that are no longer loaded are forgotten, and concurrent calls get the same", async () => {
  await using scene = new Scene();
  const paths = ["a.pem", "b.pem"].map((name) => scene.write(name, scene.issue(30).pem));
  const all = await loaded(...paths);
  const [first, second] = await Promise.all([
    scene.tell(scene.targets(...paths), all),
    scene.tell(scene.targets(...paths), all),
  ]);
  assert.deepEqual(first, second);
  assert.equal(first.size, 2);
  assert.deepEqual([...(await scene.tell(scene.targets(paths[1]!), all)).keys()], [paths[1]]);
});
