/** A certificate is saved whole or not at all, and never over what somebody else has put in its place. */
import assert from "node:assert/strict";
import { dirname } from "@std/path";
import { contentOf, MISSING, saveCertificate, type SaveEnd } from "../../../lib/obtained/save.ts";
import { readPair } from "../../../lib/hot_apply/kinds/pair.ts";
import { Authority, later } from "../../support/certificates.ts";
import { readIfThere } from "../../support/machine/files.ts";
import { ROOT, testNeeding } from "../../support/needs.ts";
import { TempFolder } from "../../support/machine/temp_folder.ts";

const digestOf = async (path: string) => (await contentOf(path)).content;

class Scene extends TempFolder {
  readonly authority = new Authority(this.at("ca"));
  readonly obtained = this.authority.issue();
  /** As HAProxy shows it: the key first. */
  readonly dump = `${this.obtained.key}${this.obtained.certificate}${this.authority.certificate}\n`;
  readonly pem = this.at("certificates/site.pem");
  /** How often a file was about to be replaced. */
  replaced = 0;

  constructor() {
    super();
    Deno.mkdirSync(this.at("certificates"));
  }

  async save(
    { dump = this.dump, path = this.pem, keyPath = null as string | null, loaded = MISSING } = {},
  ): Promise<SaveEnd> {
    return await saveCertificate(dump, { path, keyPath }, {
      loaded,
      replace: (rename) => {
        this.replaced++;
        return Promise.resolve(rename());
      },
    });
  }

  /** Asserts that the file holds the obtained pair, and nothing else is left. */
  async holdsObtained(path = this.pem): Promise<void> {
    const pair = await readPair(Deno.readTextFileSync(path), null);
    const fingerprint = pair.tag === "read" && pair.certificate.fingerprint256;
    assert.equal(fingerprint, this.obtained.fingerprint);
    assert.equal(Deno.statSync(path).mode! & 0o777, 0o600);
    assert.deepEqual(this.names(dirname(path)).filter((name) => name.startsWith(".")), []);
  }
}

Deno.test("a missing file is made, for its owner alone: certificate, chain and key", async () => {
  await using scene = new Scene();
  const end = await scene.save();
  assert.equal(end.tag, "saved");
  await scene.holdsObtained();
  const { certificate, key } = scene.obtained;
  const text = Deno.readTextFileSync(scene.pem);
  assert.equal(text, certificate + scene.authority.certificate + key);
  assert.equal(end.tag === "saved" && end.content, await digestOf(scene.pem));
});

Deno.test("a file that is as it was loaded is replaced, whatever its mode was", async () => {
  await using scene = new Scene();
  scene.write("certificates/site.pem", scene.authority.issue().pem);
  Deno.chmodSync(scene.pem, 0o644);
  assert.equal((await scene.save({ loaded: await digestOf(scene.pem) })).tag, "saved");
  await scene.holdsObtained();
});

Deno.test("a file that has changed since it was loaded stays", async () => {
  await using scene = new Scene();
  const [loaded, other] = [scene.authority.issue(), scene.authority.issue()];
  for (const [before, now] of [[null, other], [loaded, other], [loaded, null]] as const) {
    await Deno.remove(scene.pem).catch(() => {});
    if (before !== null) scene.write("certificates/site.pem", before.pem);
    const digest = await digestOf(scene.pem);
    if (now === null) Deno.removeSync(scene.pem);
    else scene.write("certificates/site.pem", now.pem);
    assert.deepEqual(await scene.save({ loaded: digest }), {
      tag: "refused",
      reason: "the file has changed since it was loaded",
    });
    assert.equal(readIfThere(scene.pem), now?.pem ?? "");
  }
  assert.equal(scene.replaced, 0);
});

Deno.test("a file that already holds the certificate stays as it is", async () => {
  await using scene = new Scene();
  scene.write("certificates/site.pem", scene.obtained.pem);
  assert.deepEqual(await scene.save(), { tag: "held", content: await digestOf(scene.pem) });
  assert.equal(Deno.readTextFileSync(scene.pem), scene.obtained.pem);
});

const FLAWED: Readonly<Record<string, (scene: Scene) => string>> = {
  "HAProxy shows none": () => "Can't display the certificate: Not found or in a transaction!\n",
  "what HAProxy shows has no private key, in it or beside it": ({ obtained }) =>
    obtained.certificate,
  "what HAProxy shows does not match the private key in it": ({ obtained, authority }) =>
    obtained.certificate + authority.issue().key,
  "it expired on": ({ authority }) =>
    authority.issue({ from: later(-2_000_000), until: later(-1_000_000) }).pem,
  "it is not valid before": ({ authority }) => authority.issue({ from: later(1_000_000) }).pem,
};

for (const [reason, dumpOf] of Object.entries(FLAWED)) {
  Deno.test(`what must not be served is not saved: ${reason}`, async () => {
    await using scene = new Scene();
    const end = await scene.save({ dump: dumpOf(scene) });
    assert.ok(end.tag === "refused" && end.reason.startsWith(reason), JSON.stringify(end));
    assert.doesNotMatch(JSON.stringify(end), /PRIVATE KEY-/);
    assert.deepEqual(scene.names(scene.at("certificates")), []);
  });
}

Deno.test("a link is followed, and stays", async () => {
  await using scene = new Scene();
  scene.write("elsewhere/real.pem", scene.authority.issue().pem);
  scene.link("certificates/site.pem", "../elsewhere/real.pem");
  assert.equal((await scene.save({ loaded: await digestOf(scene.pem) })).tag, "saved");
  assert.ok(Deno.lstatSync(scene.pem).isSymlink);
  await scene.holdsObtained(scene.at("elsewhere/real.pem"));
});

testNeeding([ROOT], "a link that another user could have placed is not followed", async () => {
  await using scene = new Scene();
  const other = scene.authority.issue();
  scene.write("certificates/other.pem", other.pem);
  Deno.mkdirSync(scene.at("open"));
  Deno.chmodSync(scene.at("open"), 0o777);
  scene.link("open/site.pem", "../certificates/other.pem");
  scene.link("open/folder", "../certificates");
  scene.write("sticky/x");
  Deno.chmodSync(scene.at("sticky"), 0o1777);
  scene.link("sticky/site.pem", "../certificates/other.pem");
  new Deno.Command("chown", { args: ["-h", "12345", scene.at("sticky/site.pem")] }).outputSync();
  const reasons = {
    "open/site.pem": /^others may write to ".*open"/,
    "open/folder/other.pem": /^others may write to ".*open"/,
    "open/folder/new.pem": /^others may write to ".*open"/,
    "sticky/site.pem": /site\.pem" belongs to user 12345/,
  };
  for (const [name, reason] of Object.entries(reasons)) {
    const path = scene.at(name);
    const end = await scene.save({ path, loaded: await digestOf(path) });
    assert.ok(end.tag === "not_written" && reason.test(end.reason), JSON.stringify(end));
  }
  assert.equal(Deno.readTextFileSync(scene.at("certificates/other.pem")), other.pem);
  assert.deepEqual(scene.names(scene.at("certificates")), ["other.pem"]);
});

const CHANGES: Readonly<Record<string, (scene: Scene, text: string) => void>> = {
  "replaced": (scene, text) => {
    scene.write("certificates/new.pem", text);
    Deno.renameSync(scene.at("certificates/new.pem"), scene.pem);
  },
  "written to": (scene, text) => scene.write("certificates/site.pem", text),
};

for (const [what, change] of Object.entries(CHANGES)) {
  for (const isThere of [true, false]) {
    const file = isThere ? "a file" : "a missing file";
    Deno.test(`${file} that is ${what} while its successor is written stays`, async () => {
      await using scene = new Scene();
      if (isThere) scene.write("certificates/site.pem", scene.authority.issue().pem);
      const other = scene.authority.issue().pem;
      const end = await saveCertificate(scene.dump, { path: scene.pem, keyPath: null }, {
        loaded: await digestOf(scene.pem),
        replace: (rename) => {
          change(scene, other);
          return Promise.resolve(rename());
        },
      });
      assert.deepEqual(end, { tag: "declined" });
      assert.equal(Deno.readTextFileSync(scene.pem), other);
      assert.deepEqual(scene.names(scene.at("certificates")), ["site.pem"]);
    });
  }
}

Deno.test("a declined replacement leaves nothing, and the old file", async () => {
  await using scene = new Scene();
  const options = { loaded: MISSING, replace: () => Promise.resolve(false) };
  const end = await saveCertificate(scene.dump, { path: scene.pem, keyPath: null }, options);
  assert.deepEqual(end, { tag: "declined" });
  assert.deepEqual(scene.names(scene.at("certificates")), []);
});

Deno.test("what a killed wrapper leaves is for its owner alone, and does not disturb the next", async () => {
  await using scene = new Scene();
  const old = scene.authority.issue();
  scene.write("certificates/site.pem", old.pem);
  const loaded = await digestOf(scene.pem);
  const killed = Promise.withResolvers<void>();
  saveCertificate(scene.dump, { path: scene.pem, keyPath: null }, {
    loaded,
    replace: () => {
      killed.resolve();
      return new Promise(() => {});
    },
  });
  await killed.promise;
  assert.equal(Deno.readTextFileSync(scene.pem), old.pem);
  const [part, ...others] = scene.names(scene.at("certificates"));
  assert.deepEqual([part, others], [".site.pem.part", ["site.pem"]]);
  assert.equal(Deno.statSync(scene.at(`certificates/${part}`)).mode! & 0o777, 0o600);
  assert.equal((await scene.save({ loaded })).tag, "saved");
  await scene.holdsObtained();
});

const UNWRITABLE: Readonly<Record<string, readonly [RegExp, (scene: Scene) => object]>> = {
  "a folder that others may write to": [/^others may write to ".*certificates"/, (scene) => {
    Deno.chmodSync(scene.at("certificates"), 0o777);
    return {};
  }],
  "no folder": [/^its folder is missing/, (scene) => ({ path: scene.at("nowhere/site.pem") })],
  "a link to nowhere": [/a link leads nowhere$/, (scene) => {
    scene.link("certificates/site.pem", "nowhere/site.pem");
    return {};
  }],
  "a folder of that name": [/^it is not a regular file$/, (scene) => {
    Deno.mkdirSync(scene.pem);
    return { loaded: "unreadable: it is not a regular file" };
  }],
  "a FIFO": [/^it is not a regular file$/, (scene) => {
    new Deno.Command("mkfifo", { args: [scene.pem] }).outputSync();
    return { loaded: "unreadable: it is not a regular file" };
  }],
  "a key in a file of its own": [/^its key is in another file, "\/site\.key"/, () => ({
    keyPath: "/site.key",
  })],
  "a folder in the way of what is written": [/^Directory not empty$|^Is a directory$/, (scene) => {
    scene.write("certificates/.site.pem.part/x");
    return {};
  }],
};

for (const [what, [reason, prepare]] of Object.entries(UNWRITABLE)) {
  Deno.test(`not written: ${what}`, async () => {
    await using scene = new Scene();
    const end = await scene.save(prepare(scene));
    assert.ok(end.tag === "not_written" && reason.test(end.reason), JSON.stringify(end));
    assert.equal(scene.replaced, 0);
  });
}

testNeeding([ROOT], "not written: a folder of another user", async () => {
  await using scene = new Scene();
  Deno.chownSync(scene.at("certificates"), 12_345, 12_345);
  const end = await scene.save();
  assert.ok(end.tag === "not_written" && /belongs to user 12345/.test(end.reason));
});

Deno.test("a key that the configuration names in the same file is no other file", async () => {
  await using scene = new Scene();
  assert.equal((await scene.save({ keyPath: scene.pem })).tag, "saved");
});
