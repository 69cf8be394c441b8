/** What a wrapper leaves that is killed while it saves: finished or removed at the next start, if it is surely its own. */
import assert from "node:assert/strict";
import { holdingOf, type ObtainedFile } from "../../../lib/obtained/holding.ts";
import { saveCertificate } from "../../../lib/obtained/save.ts";
import { tidyUp } from "../../../lib/obtained/tidy.ts";
import { Authority, type Pair } from "../../support/certificates.ts";
import { readIfThere } from "../../support/machine/files.ts";
import { ROOT, testNeeding } from "../../support/needs.ts";
import { TempFolder } from "../../support/machine/temp_folder.ts";

const CRT_PART = "certificates/.site.crt.part";
const KEY_PART = "certificates/.site.key.part";

class Scene extends TempFolder {
  readonly authority = new Authority(this.at("ca"));
  readonly before = this.authority.issue();
  readonly obtained = this.authority.issue();
  readonly crt = this.at("certificates/site.crt");
  readonly key = this.at("certificates/site.key");
  readonly file: ObtainedFile = {
    path: this.crt,
    keyPath: this.key,
    name: "@/site",
    file: "/haproxy.cfg",
    line: 7,
  };

  constructor() {
    super();
    Deno.mkdirSync(this.at("certificates"));
    this.write("certificates/site.crt", this.before.certificate);
    this.write("certificates/site.key", this.before.key);
  }

  /** As a wrapper that is killed right before it renames. */
  async leave(): Promise<void> {
    const killed = Promise.withResolvers<void>();
    saveCertificate(this.obtained.pem, this.file, {
      files: [this.file],
      loaded: (await holdingOf(this.file)).contents,
      replace: () => {
        killed.resolve();
        return new Promise(() => {});
      },
    });
    await killed.promise;
    assert.deepEqual(this.names(this.at("certificates")).slice(0, 2), [
      ".site.crt.part",
      ".site.key.part",
    ]);
  }

  writePrivate(name: string, text: string): void {
    Deno.chmodSync(this.write(name, text), 0o600);
  }

  holds({ certificate, key }: Pair): void {
    assert.deepEqual([readIfThere(this.crt), readIfThere(this.key)], [certificate, key]);
    assert.deepEqual(this.names(this.at("certificates")), ["site.crt", "site.key"]);
  }
}

const KILLED: Readonly<Record<string, (scene: Scene) => void>> = {
  "before the first rename": () => {},
  "while the certificate is written": (scene) => {
    const text = scene.obtained.certificate;
    scene.writePrivate(CRT_PART, text.slice(0, text.length / 2));
  },
  "while the key is written": (scene) => {
    Deno.removeSync(scene.at(CRT_PART));
    scene.writePrivate(KEY_PART, scene.obtained.key.slice(0, 40));
  },
  "right after the key is written": (scene) => Deno.removeSync(scene.at(CRT_PART)),
};

for (const [when, kill] of Object.entries(KILLED)) {
  Deno.test(`a wrapper killed ${when} leaves the old pair, and the next nothing else`, async () => {
    await using scene = new Scene();
    await scene.leave();
    kill(scene);
    const parts = [CRT_PART, KEY_PART].map((name) => scene.at(name));
    const removed = parts.filter((path) => readIfThere(path) !== "");
    assert.deepEqual(await tidyUp(scene.file), { finished: [], removed });
    scene.holds(scene.before);
  });
}

for (const isThere of [true, false]) {
  const what = isThere ? "an old one" : "none";
  Deno.test(`a wrapper killed between the renames, with ${what}: the next finishes the pair`, async () => {
    await using scene = new Scene();
    if (!isThere) [scene.crt, scene.key].forEach((path) => Deno.removeSync(path));
    await scene.leave();
    Deno.renameSync(scene.at(KEY_PART), scene.key);
    assert.deepEqual(await tidyUp(scene.file), { finished: [scene.crt], removed: [] });
    scene.holds(scene.obtained);
  });
}

Deno.test("a machine that lost only the key's rename: the next finishes the pair", async () => {
  await using scene = new Scene();
  await scene.leave();
  Deno.renameSync(scene.at(CRT_PART), scene.crt);
  assert.deepEqual(await tidyUp(scene.file), { finished: [scene.key], removed: [] });
  scene.holds(scene.obtained);
});

Deno.test("a certificate is not put beside a key that is not its own", async () => {
  await using scene = new Scene();
  await scene.leave();
  Deno.removeSync(scene.at(KEY_PART));
  assert.deepEqual(await tidyUp(scene.file), { finished: [], removed: [scene.at(CRT_PART)] });
  scene.holds(scene.before);
});

Deno.test("one file for certificate and key: its part is removed", async () => {
  await using scene = new Scene();
  scene.writePrivate(CRT_PART, scene.obtained.pem);
  const file = { ...scene.file, keyPath: null };
  assert.deepEqual(await tidyUp(file), { finished: [], removed: [scene.at(CRT_PART)] });
  scene.holds(scene.before);
});

const FOREIGN: Readonly<Record<string, (scene: Scene, part: string) => void>> = {
  "a link": (scene, part) => {
    scene.writePrivate("precious", "");
    scene.link(part, "../precious");
  },
  "a hard link": (scene, part) => {
    scene.writePrivate("precious", "");
    Deno.linkSync(scene.at("precious"), scene.at(part));
  },
  "a directory": (scene, part) => Deno.mkdirSync(scene.at(part)),
  "a FIFO": (scene, part) =>
    void new Deno.Command("mkfifo", { args: [scene.at(part)] }).outputSync(),
  "a file that others may read": (scene, part) => Deno.chmodSync(scene.write(part), 0o640),
  "a file in a folder that others may write to": (scene, part) => {
    scene.writePrivate(part, "");
    Deno.chmodSync(scene.at("certificates"), 0o777);
  },
};

/** Asserts that nothing was touched. */
async function staysAsItIs(scene: Scene, prepare: (part: string) => void): Promise<void> {
  for (const part of [CRT_PART, KEY_PART]) {
    prepare(part);
    const before = [scene.names(scene.at("certificates")), Deno.lstatSync(scene.at(part))];
    assert.deepEqual(await tidyUp(scene.file), { finished: [], removed: [] });
    assert.deepEqual(
      [scene.names(scene.at("certificates")), Deno.lstatSync(scene.at(part))],
      before,
    );
    Deno.removeSync(scene.at(part));
    await Deno.remove(scene.at("precious")).catch(() => {});
  }
  assert.deepEqual(readIfThere(scene.crt), scene.before.certificate);
}

for (const [what, prepare] of Object.entries(FOREIGN)) {
  Deno.test(`what is not surely the wrapper's stays: ${what}`, async () => {
    await using scene = new Scene();
    await staysAsItIs(scene, (part) => prepare(scene, part));
  });
}

testNeeding([ROOT], "what is not surely the wrapper's stays: another user's file", async () => {
  await using scene = new Scene();
  await staysAsItIs(scene, (part) => {
    scene.writePrivate(part, "");
    Deno.chownSync(scene.at(part), 12_345, 12_345);
  });
});

Deno.test("nothing is touched where nothing can have been saved", async () => {
  await using scene = new Scene();
  scene.writePrivate("volume/..version_1/site.crt", "");
  scene.writePrivate("volume/..version_1/.site.crt.part", "");
  scene.link("volume/..data", "..version_1");
  scene.link("volume/site.crt", "..data/site.crt");
  const file = { ...scene.file, path: scene.at("volume/site.crt"), keyPath: null };
  assert.deepEqual(await tidyUp(file), { finished: [], removed: [] });
  assert.equal(scene.names(scene.at("volume/..version_1")).length, 2);
});
