/** A certificate is saved whole or not at all, and never over what somebody else has put in its place. */
import assert from "node:assert/strict";
import { dirname } from "@std/path";
import { readPair } from "../../../lib/hot_apply/kinds/pair.ts";
import { contentOf, holdingOf, type ObtainedFile } from "../../../lib/obtained/holding.ts";
import type { Rename } from "../../../lib/obtained/parts.ts";
import { saveCertificate, type SaveEnd } from "../../../lib/obtained/save.ts";
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

  file(path = this.pem, keyPath: string | null = null): ObtainedFile {
    return { path, keyPath, name: path, file: "/haproxy.cfg", line: 7 };
  }

  async save({
    dump = this.dump,
    file = this.file(),
    files = [file] as readonly ObtainedFile[],
    loaded = null as ReadonlyMap<string, string> | null,
    replace = (rename: Rename) => Promise.resolve(rename()),
  } = {}): Promise<SaveEnd> {
    return await saveCertificate(dump, file, {
      files,
      loaded: loaded ?? (await holdingOf(file)).contents,
      replace: (rename) => {
        this.replaced++;
        return replace(rename);
      },
    });
  }

  /** Asserts that the file holds the obtained pair, and nothing else is left. */
  async holdsObtained(path = this.pem): Promise<void> {
    const pair = await readPair(Deno.readTextFileSync(path), null);
    const fingerprint = pair.tag === "read" && pair.certificate.fingerprint256;
    assert.equal(fingerprint, this.obtained.fingerprint);
    assert.equal(Deno.statSync(path).mode! & 0o777, 0o600);
    assert.deepEqual(this.names(dirname(path)).filter((name) => name.endsWith(".part")), []);
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
  assert.deepEqual(end.tag === "saved" && end.contents, (await holdingOf(scene.file())).contents);
});

Deno.test("a file that is as it was loaded is replaced, whatever its mode was", async () => {
  await using scene = new Scene();
  scene.write("certificates/site.pem", scene.authority.issue().pem);
  Deno.chmodSync(scene.pem, 0o644);
  assert.equal((await scene.save()).tag, "saved");
  await scene.holdsObtained();
});

Deno.test("a file that has changed since it was loaded stays", async () => {
  await using scene = new Scene();
  const [loaded, other] = [scene.authority.issue(), scene.authority.issue()];
  for (const [before, now] of [[null, other], [loaded, other], [loaded, null]] as const) {
    await Deno.remove(scene.pem).catch(() => {});
    if (before !== null) scene.write("certificates/site.pem", before.pem);
    const { contents } = await holdingOf(scene.file());
    if (now === null) Deno.removeSync(scene.pem);
    else scene.write("certificates/site.pem", now.pem);
    assert.deepEqual(await scene.save({ loaded: contents }), {
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
  const contents = new Map([[scene.pem, await digestOf(scene.pem)]]);
  assert.deepEqual(await scene.save(), { tag: "held", contents });
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
  assert.equal((await scene.save()).tag, "saved");
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
    const end = await scene.save({ file: scene.file(scene.at(name)) });
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
      const end = await scene.save({
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
  const end = await scene.save({ replace: () => Promise.resolve(false) });
  assert.deepEqual(end, { tag: "declined" });
  assert.deepEqual(scene.names(scene.at("certificates")), []);
});

Deno.test("what a killed wrapper leaves is for its owner alone, and does not disturb the next", async () => {
  await using scene = new Scene();
  const old = scene.authority.issue();
  scene.write("certificates/site.pem", old.pem);
  const killed = Promise.withResolvers<void>();
  scene.save({
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
  assert.equal((await scene.save()).tag, "saved");
  await scene.holdsObtained();
});

const UNWRITABLE: Readonly<Record<string, readonly [RegExp, (scene: Scene) => object]>> = {
  "a folder that others may write to": [/^others may write to ".*certificates"/, (scene) => {
    Deno.chmodSync(scene.at("certificates"), 0o777);
    return {};
  }],
  "no folder": [/^its folder is missing/, (scene) => (
    { file: scene.file(scene.at("nowhere/site.pem")) }
  )],
  "a link to nowhere": [/a link leads nowhere$/, (scene) => {
    scene.link("certificates/site.pem", "nowhere/site.pem");
    return {};
  }],
  "a folder of that name": [/^it is not a regular file$/, (scene) => {
    Deno.mkdirSync(scene.pem);
    return {};
  }],
  "a FIFO": [/^it is not a regular file$/, (scene) => {
    new Deno.Command("mkfifo", { args: [scene.pem] }).outputSync();
    return {};
  }],
  "a key file in a folder that others may write to": [
    /^its key cannot be saved in ".*open\/site\.key": others may write to ".*open"/,
    (scene) => {
      scene.write("open/x");
      Deno.chmodSync(scene.at("open"), 0o777);
      return { file: scene.file(scene.pem, scene.at("open/site.key")) };
    },
  ],
  "a file that is also another certificate's key": [
    /^line 9 of "\/haproxy\.cfg" names that file or its key's too$/,
    (scene) => {
      const file = scene.file();
      const other = { ...scene.file(scene.at("x.pem"), scene.pem), name: "@/x", line: 9 };
      return { file, files: [file, other] };
    },
  ],
  "a file of the kubelet's": [/^it lies in a volume of Kubernetes/, (scene) => {
    scene.write("volume/..version_1/site.pem", scene.authority.issue().pem);
    scene.link("volume/..data", "..version_1");
    scene.link("volume/site.pem", "..data/site.pem");
    return { file: scene.file(scene.at("volume/site.pem")) };
  }],
  "a file that the kubelet has just taken away": [/^it lies in a volume of Kubernetes/, (scene) => {
    Deno.mkdirSync(scene.at("volume/..version_1"), { recursive: true });
    scene.link("volume/..data", "..version_1");
    scene.link("volume/site.pem", "..data/site.pem");
    return { file: scene.file(scene.at("volume/site.pem")) };
  }],
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
  assert.equal((await scene.save({ file: scene.file(scene.pem, scene.pem) })).tag, "saved");
  await scene.holdsObtained();
});

Deno.test("a certificate that HAProxy does not show whole is not saved", async () => {
  await using scene = new Scene();
  const { certificate, key } = scene.obtained;
  for (const cut of [certificate.length / 2, certificate.length + 200]) {
    const dump = (key + certificate + scene.authority.certificate).slice(0, key.length + cut);
    const reason = "HAProxy does not show all of it";
    assert.deepEqual(await scene.save({ dump }), { tag: "refused", reason });
  }
  assert.deepEqual(scene.names(scene.at("certificates")), []);
});

Deno.test("a name with blanks, quotes, line breaks and what is not ASCII is a name like others", async () => {
  await using scene = new Scene();
  for (const name of ["a b.pem", '"q\'u".pem', "..pem", "-rf", "a\nb.pem", "\u{1f512}.pem", "*"]) {
    const path = scene.at(`certificates/${name}`);
    assert.equal((await scene.save({ file: scene.file(path) })).tag, "saved", name);
    await scene.holdsObtained(path);
  }
});

Deno.test("a link is followed before `..`, as HAProxy does", async () => {
  await using scene = new Scene();
  scene.write("certificates/site.pem", "another's");
  Deno.mkdirSync(scene.at("elsewhere/deep"), { recursive: true });
  scene.link("certificates/link", "../elsewhere/deep");
  const file = scene.file(`${scene.path}/certificates/link/../site.pem`);
  assert.equal((await scene.save({ file })).tag, "saved");
  await scene.holdsObtained(scene.at("elsewhere/site.pem"));
  assert.equal(Deno.readTextFileSync(scene.pem), "another's");
});

/** A certificate whose key is in a file of its own, in another folder. */
class Separate extends Scene {
  readonly crt = this.at("certificates/site.crt");
  readonly key = this.at("keys/site.key");
  readonly both = this.file(this.crt, this.key);

  constructor() {
    super();
    Deno.mkdirSync(this.at("keys"));
  }

  /** Writes another pair. */
  writeOld(): this {
    const { certificate, key } = this.authority.issue();
    this.write("certificates/site.crt", certificate);
    this.write("keys/site.key", key);
    return this;
  }

  get texts(): readonly [string, string] {
    return [readIfThere(this.crt), readIfThere(this.key)];
  }

  /** Asserts that both files hold the obtained pair, and nothing else is left. */
  holdsBoth(): void {
    const { certificate, key } = this.obtained;
    assert.deepEqual(this.texts, [certificate + this.authority.certificate, key]);
    assert.deepEqual([Deno.statSync(this.key).mode! & 0o777, this.all()], [0o600, [
      "site.crt",
      "site.key",
    ]]);
  }

  /** The names in both folders. */
  all(): readonly string[] {
    return ["certificates", "keys"].flatMap((folder) => this.names(this.at(folder)));
  }
}

for (const isThere of [true, false]) {
  const what = isThere ? "both files are replaced" : "both files are made";
  Deno.test(`a key in a file of its own: ${what}, once`, async () => {
    await using scene = new Separate();
    if (isThere) scene.writeOld();
    const end = await scene.save({ file: scene.both });
    assert.deepEqual(end, {
      ...end,
      tag: "saved",
      contents: (await holdingOf(scene.both)).contents,
    });
    scene.holdsBoth();
    assert.equal((await scene.save({ file: scene.both })).tag, "held");
    assert.equal(scene.replaced, 1);
  });
}

Deno.test("a key in a file of its own counts, not one in the certificate's file", async () => {
  await using scene = new Separate();
  scene.write("certificates/site.crt", scene.obtained.pem);
  scene.write("keys/site.key", scene.authority.issue().key);
  assert.equal((await scene.save({ file: scene.both })).tag, "saved");
  scene.holdsBoth();
});

Deno.test("a key file that has changed since it was loaded stays, and so does its certificate", async () => {
  await using scene = new Separate().writeOld();
  const { contents: loaded } = await holdingOf(scene.both);
  scene.write("keys/site.key", scene.authority.issue().key);
  const before = scene.texts;
  const reason = `its key file "${scene.key}" has changed since it was loaded`;
  assert.deepEqual(await scene.save({ file: scene.both, loaded }), { tag: "refused", reason });
  assert.deepEqual(scene.texts, before);
});

Deno.test("a key file that is replaced while its successor is written stays", async () => {
  await using scene = new Separate().writeOld();
  const [before] = scene.texts;
  const { key } = scene.authority.issue();
  const end = await scene.save({
    file: scene.both,
    replace: (rename) => {
      scene.write("keys/site.key", key);
      return Promise.resolve(rename());
    },
  });
  assert.deepEqual([end, scene.texts], [{ tag: "declined" }, [before, key]]);
  assert.deepEqual(scene.all(), ["site.crt", "site.key"]);
});

for (const isThere of [true, false]) {
  const what = isThere ? "the old key is put back" : "there is no key again";
  Deno.test(`if only the key can be renamed, ${what}`, async () => {
    await using scene = new Separate();
    if (isThere) scene.writeOld();
    const before = scene.texts;
    const end = await scene.save({
      file: scene.both,
      // As a file that is mounted makes its own rename fail.
      replace: (rename) => {
        Deno.removeSync(scene.at("certificates/.site.crt.part"));
        return Promise.resolve(rename());
      },
    });
    assert.deepEqual(end, { tag: "not_written", reason: "No such file or directory" });
    assert.deepEqual(scene.texts, before);
    assert.deepEqual(scene.all(), isThere ? ["site.crt", "site.key"] : []);
  });
}
