import assert from "node:assert/strict";
import { type Manifest } from "../../../lib/last_good/manifest.ts";
import { type Gathered, Store } from "../../../lib/last_good/store.ts";
import { sha256 } from "../../../lib/system/files/contents.ts";
import type { Fingerprint } from "../../../lib/watch/scan/fingerprint.ts";
import { waitFor } from "../../support/wait.ts";
import { TempFolder } from "../../support/machine/temp_folder.ts";

const NEVER = new AbortController().signal;

/** The fingerprint of files with these contents, whatever is on disk. */
async function fingerprint(contents: Readonly<Record<string, string>>): Promise<Fingerprint> {
  const marks = await Promise.all(
    Object.entries(contents).map(async ([path, text]) => {
      const content = /^(?:missing|unreadable )/.test(text)
        ? text
        : await sha256(new TextEncoder().encode(text));
      return [path, { content, modifiedMs: 0, stamp: "" }] as const;
    }),
  );
  return { digest: "", files: new Map(marks) };
}

function manifest(gathered: Gathered): Manifest {
  assert.equal(gathered.tag, "gathered");
  const { files } = gathered as Extract<Gathered, { tag: "gathered" }>;
  return { recordedMs: 1_000, generation: 1, haproxyVersion: null, directory: "/", files };
}

/** Three files, two of them with the same content. */
class Folder extends TempFolder {
  readonly store = new Store(this.at("recorded"));
  readonly files = { [this.write("a", "one")]: "one", [this.write("b", "two")]: "two" };

  constructor() {
    super();
    this.files[this.write("c", "one")] = "one";
  }

  async record(contents = this.files): Promise<Manifest> {
    const gathered = await this.store.gather(await fingerprint(contents), NEVER);
    const recorded = manifest(gathered);
    assert.equal(await this.store.record(recorded), null);
    return recorded;
  }

  get objects(): string[] {
    return this.names(this.at("recorded/set/objects"));
  }
}

const modeOf = (path: string) => Deno.statSync(path).mode! & 0o777;

Deno.test("a recorded set is readable by another process of the same user, and holds each content once", async () => {
  await using folder = new Folder();
  const recorded = await folder.record();
  assert.deepEqual([...recorded.files.keys()], Object.keys(folder.files));
  assert.deepEqual(await new Store(folder.at("recorded")).read(), {
    tag: "recorded",
    manifest: recorded,
  });
  assert.equal(folder.objects.length, 2);
  for (const name of ["recorded", "recorded/set", "recorded/set/objects"]) {
    assert.equal(modeOf(folder.at(name)), 0o700);
  }
  const files = [
    "recorded/set/manifest.json",
    ...folder.objects.map((name) => `recorded/set/objects/${name}`),
  ];
  for (const name of files) assert.equal(modeOf(folder.at(name)), 0o600);
});

Deno.test("there is no set if nothing was recorded", async () => {
  await using folder = new TempFolder();
  assert.deepEqual(await new Store(folder.at("no/such")).read(), { tag: "none" });
  await new Store(folder.at("no/such")).sweep();
  assert.deepEqual(folder.names(), []);
});

Deno.test("unchanged contents are not written again, and unlisted ones are removed", async () => {
  await using folder = new Folder();
  await folder.record();
  const before = new Map(folder.objects.map((name) => [name, inodeOf(folder, name)]));
  folder.write("b", "three");
  const contents = { ...folder.files, [folder.at("b")]: "three" };
  const again = new Store(folder.at("recorded"));
  const gathered = await again.gather(await fingerprint(contents), NEVER);
  assert.equal((gathered as Extract<Gathered, { tag: "gathered" }>).added, 1);
  assert.equal(folder.objects.length, 3);
  await again.record(manifest(gathered));
  assert.equal(folder.objects.length, 2);
  const recorded = folder.objects.filter((name) => before.has(name));
  assert.equal(recorded.length, 1);
  assert.equal(inodeOf(folder, recorded[0]!), before.get(recorded[0]!));
});

const inodeOf = (folder: Folder, name: string) =>
  Deno.statSync(folder.at(`recorded/set/objects/${name}`)).ino;

Deno.test("missing files are left out", async () => {
  await using folder = new Folder();
  const recorded = await folder.record({ ...folder.files, "/no/such": "missing" });
  assert.equal(recorded.files.has("/no/such"), false);
});

Deno.test("a content already recorded is kept, whatever the disk holds now", async () => {
  await using folder = new Folder();
  await folder.record();
  folder.write("b", "something else");
  assert.equal((await folder.record()).files.size, 3);
});

const INCOMPLETE: Readonly<Record<string, (folder: Folder) => unknown>> = {
  "no longer holds what was loaded": (folder) => {
    folder.write("a", "other");
    folder.write("c", "other");
  },
  "cannot be read: No such file": (folder) => {
    Deno.removeSync(folder.at("a"));
    Deno.removeSync(folder.at("c"));
  },
  "cannot be read: not a regular file": (folder) => {
    for (const name of ["a", "c"]) {
      Deno.removeSync(folder.at(name));
      Deno.mkdirSync(folder.at(name));
    }
  },
  "cannot be read by the wrapper": (folder) => folder.files[folder.at("a")] = "unreadable 1 2 3",
};

for (const [reason, change] of Object.entries(INCOMPLETE)) {
  Deno.test(`a set with a file that ${reason} is incomplete, and the previous one stays`, async () => {
    await using folder = new Folder();
    await folder.record({ [folder.at("b")]: "two" });
    change(folder);
    const gathered = await folder.store.gather(await fingerprint(folder.files), NEVER);
    assert.equal(gathered.tag, "incomplete");
    assert.match((gathered as { reason: string }).reason, new RegExp(`"/.*" (?:${reason})`));
    const recorded = await new Store(folder.at("recorded")).read();
    assert.equal(recorded.tag, "recorded");
    await folder.store.sweep();
    assert.equal(folder.objects.length, 1);
  });
}

const DAMAGES: Readonly<Record<string, (folder: Folder, object: string) => void>> = {
  "a changed object": (_, object) => Deno.writeTextFileSync(object, "evil"),
  "an emptied object": (_, object) => Deno.truncateSync(object),
  "a missing object": (_, object) => Deno.removeSync(object),
  "a directory in place of an object": (_, object) => {
    Deno.removeSync(object);
    Deno.mkdirSync(object);
  },
  "half a manifest": (folder) => Deno.truncateSync(folder.at("recorded/set/manifest.json"), 100),
  "a directory in place of the manifest": (folder) => {
    Deno.removeSync(folder.at("recorded/set/manifest.json"));
    Deno.mkdirSync(folder.at("recorded/set/manifest.json"));
  },
};

for (const [damage, apply] of Object.entries(DAMAGES)) {
  Deno.test(`a set with ${damage} is refused as a whole`, async () => {
    await using folder = new Folder();
    await folder.record();
    apply(folder, folder.at(`recorded/set/objects/${folder.objects[0]}`));
    const recorded = await new Store(folder.at("recorded")).read();
    assert.equal(recorded.tag, "damaged", JSON.stringify(recorded));
    assert.match((recorded as { reason: string }).reason, /"\/.*"/);
  });
}

Deno.test("a damaged object is written again by the next process that records it", async () => {
  await using folder = new Folder();
  await folder.record();
  Deno.writeTextFileSync(folder.at(`recorded/set/objects/${folder.objects[0]}`), "evil");
  const again = new Store(folder.at("recorded"));
  await again.record(manifest(await again.gather(await fingerprint(folder.files), NEVER)));
  assert.equal((await again.read()).tag, "recorded");
});

Deno.test("a directory that was removed is made again", async () => {
  await using folder = new Folder();
  await folder.record();
  Deno.removeSync(folder.at("recorded"), { recursive: true });
  await folder.record();
  assert.equal((await folder.store.read()).tag, "recorded");
});

Deno.test("the manifest is not recorded if gathered objects were removed", async () => {
  await using folder = new Folder();
  const recorded = manifest(await folder.store.gather(await fingerprint(folder.files), NEVER));
  Deno.removeSync(folder.at("recorded/set/objects"), { recursive: true });
  assert.equal((await folder.store.record(recorded))?.tag, "not_written");
  assert.deepEqual(await folder.store.read(), { tag: "none" });
});

Deno.test("a failure to write is reported with the system's reason", async () => {
  await using folder = new Folder();
  folder.write("blocked", "a file in the way");
  const store = new Store(folder.at("blocked/recorded"));
  const gathered = await store.gather(await fingerprint(folder.files), NEVER);
  const reason = `"${folder.at("blocked")}" is not a directory`;
  assert.deepEqual(gathered, { tag: "not_written", reason });
});

Deno.test("cancelled gathering leaves the recorded set, and the next sweep removes its files", async () => {
  await using folder = new Folder();
  const recorded = await folder.record();
  const many = Object.fromEntries(
    Array.from({ length: 500 }, (_, index) => [folder.write(`many/${index}`), `many/${index}`]),
  );
  const cancel = new AbortController();
  const gathering = folder.store.gather(await fingerprint(many), cancel.signal);
  await waitFor("the first of them", () => folder.objects.length > 2);
  cancel.abort();
  assert.deepEqual(await gathering, { tag: "cancelled" });
  Deno.writeTextFileSync(folder.at("recorded/set/objects/x.part"), "half");
  assert.deepEqual(await new Store(folder.at("recorded")).read(), {
    tag: "recorded",
    manifest: recorded,
  });
  await folder.store.sweep();
  assert.equal(folder.objects.length, 2);
});

Deno.test("thousands of files, large ones too, are recorded without blocking the main thread", async () => {
  await using folder = new Folder();
  const contents: Record<string, string> = {};
  for (let index = 0; index < 3_000; index++) {
    const text = String(index).padEnd(index % 500 === 499 ? 2_000_000 : 3_000, "x");
    contents[folder.write(`many/${index}`, text)] = text;
  }
  const wanted = await fingerprint(contents);
  let turns = 0;
  const counter = setInterval(() => turns++, 0);
  const gathered = await folder.store.gather(wanted, NEVER);
  clearInterval(counter);
  assert.equal(manifest(gathered).files.size, 3_000);
  // About 2 ms at a time make more than 100 turns, or a dozen on a slow disk. All at once would be none.
  assert.ok(turns > 2, `${turns} turns`);
});

Deno.test("a file planted in place of a copy is not written to, and only files of ours are read", async () => {
  await using folder = new Folder();
  await folder.record({ [folder.at("b")]: "two" });
  const digest = await sha256(new TextEncoder().encode("one"));
  const other = folder.write("other", "precious");
  Deno.linkSync(other, folder.at(`recorded/set/objects/${digest}.part`));
  folder.link("recorded/set/manifest.json.part", other);
  await folder.record();
  assert.equal(Deno.readTextFileSync(other), "precious");
  const path = folder.at(`recorded/set/objects/${digest}`);
  assert.equal(Deno.lstatSync(path).nlink, 1);
  for (const lay of [layFifo, layLink]) {
    Deno.removeSync(path);
    await lay(folder, path);
    assert.equal((await new Store(folder.at("recorded")).read()).tag, "damaged", lay.name);
    const again = new Store(folder.at("recorded"));
    await again.record(manifest(await again.gather(await fingerprint(folder.files), NEVER)));
    assert.equal((await again.read()).tag, "recorded", lay.name);
  }
});

const layFifo = async (_: Folder, path: string) =>
  void await new Deno.Command("mkfifo", { args: [path] }).output();

const layLink = async (folder: Folder, path: string) =>
  await Deno.symlink(folder.write("elsewhere", "one"), path);

Deno.test("no copy is written where others could read or replace it, and the reason is reported", async () => {
  for (const [name, mode] of [["", 0o777], ["/set", 0o777], ["/set", 0o750]] as const) {
    await using folder = new Folder();
    Deno.mkdirSync(folder.at("recorded/set/objects"), { recursive: true, mode: 0o700 });
    Deno.chmodSync(folder.at(`recorded${name}`), mode);
    const gathered = await folder.store.gather(await fingerprint(folder.files), NEVER);
    assert.equal(gathered.tag, "not_written");
    assert.match(
      (gathered as { reason: string }).reason,
      /^others may write to ".*recorded", which has mode 0777: |^".*set" has mode 07.., wanted none for group and others: remove it/,
    );
    assert.deepEqual(folder.objects, []);
  }
});

Deno.test("a set in a setgid directory, such as a volume with an fsGroup, is still ours alone", async () => {
  await using folder = new Folder();
  Deno.mkdirSync(folder.at("recorded"));
  Deno.chmodSync(folder.at("recorded"), 0o2755);
  await folder.record();
  assert.equal(Deno.statSync(folder.at("recorded/set")).mode! & 0o7777, 0o2700);
  assert.equal((await new Store(folder.at("recorded")).read()).tag, "recorded");
});
