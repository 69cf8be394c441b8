import assert from "node:assert/strict";
import {
  findDistrust,
  makeTrusted,
  type Step,
  trustIn,
} from "../../../../lib/system/files/trusted_directory.ts";
import { TempFolder } from "../../../support/machine/temp_folder.ts";

const US = 1_000;

/** By default a directory of root's that only root may write to. */
function step(path: string, { isSymlink = false, ...more }: Partial<Step["info"]> = {}): Step {
  const info = { isDirectory: !isSymlink, isSymlink, uid: 0, mode: 0o755, dev: 1, ...more };
  return { path, info };
}

const ROOT = step("/");
const TMP = step("/tmp", { mode: 0o1777 });

const TRUSTED: Readonly<Record<string, readonly Step[]>> = {
  "root's": [ROOT, step("/run")],
  "our own, in a sticky one": [ROOT, TMP, step("/tmp/x", { uid: US, mode: 0o700 })],
  "a sticky one that others may write to": [ROOT, TMP],
  "our own that is setgid": [ROOT, step("/x", { uid: US, mode: 0o2750 })],
  "the root of a mount that all may write to": [ROOT, step("/x", { mode: 0o777, dev: 2 })],
  "the root of a mount that a group may write to": [ROOT, step("/x", { mode: 0o2775, dev: 2 })],
  "behind a link of root's": [
    ROOT,
    step("/var"),
    step("/var/run", { isSymlink: true, mode: 0o777 }),
    step("/run"),
  ],
  "in a user namespace, of its unknown root": [
    step("/", { uid: 65_534 }),
    step("/run", { uid: 65_534 }),
    step("/run/x", { uid: US }),
  ],
  "/ alone, whatever its mode": [step("/", { mode: 0o777 })],
};

for (const [what, steps] of Object.entries(TRUSTED)) {
  Deno.test(`a directory is trusted that is ${what}`, () => {
    assert.equal(findDistrust(steps, US), null);
  });
}

const OTHER =
  /^"\/x" belongs to user 1001, who could replace what is in it, wanted root or user 1000: /;
const OPEN = /^others may write to "\/x", which has mode [02]77[57]: take that away/;

const DISTRUSTED: Readonly<Record<string, readonly [readonly Step[], RegExp]>> = {
  "another user's": [[ROOT, step("/x", { uid: 1_001 })], OTHER],
  "another user's, though nobody may write to it": [
    [ROOT, step("/x", { uid: 1_001, mode: 0o555 })],
    OTHER,
  ],
  "another user's, though it is sticky": [[ROOT, step("/x", { uid: 1_001, mode: 0o1777 })], OTHER],
  "another user's, though it is a mount": [[ROOT, step("/x", { uid: 1_001, dev: 2 })], OTHER],
  "below another user's": [[ROOT, step("/x", { uid: 1_001 }), step("/x/y", { uid: US })], OTHER],
  "behind another user's link": [
    [ROOT, step("/x", { uid: 1_001, isSymlink: true }), step("/run")],
    OTHER,
  ],
  "open to all": [[ROOT, step("/x", { mode: 0o777 })], OPEN],
  "open to its group": [[ROOT, step("/x", { mode: 0o775 })], OPEN],
  "open to its group, though setgid": [[ROOT, step("/x", { mode: 0o2775 })], OPEN],
  "open to all and ours": [[ROOT, step("/x", { uid: US, mode: 0o777 })], OPEN],
  "below one that is open to all": [[ROOT, step("/x", { mode: 0o777 }), step("/x/y")], OPEN],
  "in a mount, below one that is open to all": [
    [ROOT, step("/m", { dev: 2 }), step("/m/x", { dev: 2, mode: 0o777 })],
    /^others may write to "\/m\/x"/,
  ],
  "a file": [[ROOT, step("/x", { isDirectory: false })], /^"\/x" is not a directory$/],
  "nobody's, with a / of root's": [
    [ROOT, step("/x", { uid: 65_534 })],
    /^"\/x" belongs to user 65534/,
  ],
};

for (const [what, [steps, reason]] of Object.entries(DISTRUSTED)) {
  Deno.test(`a directory is not trusted that is ${what}`, () => {
    assert.match(findDistrust(steps, US)!, reason);
  });
}

const user = Deno.uid()!;

Deno.test("the path is followed link by link, and each link is judged where it is", async () => {
  await using folder = new TempFolder();
  Deno.mkdirSync(folder.at("safe"));
  Deno.mkdirSync(folder.at("open"));
  Deno.chmodSync(folder.at("open"), 0o777);
  assert.equal((await trustIn(folder.link("good", "safe"), user)).tag, "trusted");
  folder.link("open/back", "../safe");
  const trust = await trustIn(folder.at("open/back"), user);
  assert.equal(trust.tag, "distrusted");
  assert.equal((await trustIn(folder.link("round", "round"), user)).tag, "distrusted");
});

Deno.test("missing directories are made for our user alone, and none through a dangling link", async () => {
  await using folder = new TempFolder();
  assert.equal((await trustIn(folder.at("a/b"), user)).tag, "missing");
  assert.equal(await makeTrusted(folder.at("a/b"), user), null);
  for (const name of ["a", "a/b"]) {
    assert.equal(Deno.statSync(folder.at(name)).mode! & 0o777, 0o700);
  }
  folder.link("dangling", "nowhere");
  assert.match((await makeTrusted(folder.at("dangling/x"), user))!, /No such file/);
  assert.deepEqual(folder.names(), ["a", "dangling"]);
});

Deno.test("nothing is made in a directory that others may write to", async () => {
  await using folder = new TempFolder();
  Deno.mkdirSync(folder.at("open"));
  Deno.chmodSync(folder.at("open"), 0o777);
  assert.match((await makeTrusted(folder.at("open/x"), user))!, /^others may write to ".*open"/);
  assert.deepEqual(folder.names(folder.at("open")), []);
});
