import assert from "node:assert/strict";
import { makePrivateFolder, type PrivateFolder } from "../../lib/haproxy/private_folder.ts";
import { RUNTIME_PARENTS } from "../../lib/settings/options.ts";
import { TempFolder } from "../temp_folder.ts";

/** Makes the private folder in `parent`, which must be possible. */
async function makeIn(parent: TempFolder): Promise<PrivateFolder> {
  const made = await makePrivateFolder([parent.path]);
  assert.ok(made.tag === "made");
  return made.folder;
}

const modeOf = (path: string) => Deno.statSync(path).mode! & 0o777;

Deno.test("the private folder is nobody else's", async () => {
  await using parent = new TempFolder();
  const folder = await makeIn(parent);
  assert.ok(folder.path.startsWith(`${parent.path}/haproxy-reload-wrapper-`));
  assert.equal(modeOf(folder.path), 0o700);
});

Deno.test("what is written for a generation gives no event where events are probed", async () => {
  await using parent = new TempFolder();
  const folder = await makeIn(parent);
  await folder.prepare(1);
  assert.ok([...Deno.readDirSync(folder.path)].length > 1);
  assert.deepEqual([...Deno.readDirSync(folder.probeDirectory)], []);
});

Deno.test("two wrappers share a parent, but no folder", async () => {
  await using parent = new TempFolder();
  assert.notEqual((await makeIn(parent)).path, (await makeIn(parent)).path);
});

Deno.test("without a parent the folder is in the first that can be written", async () => {
  const made = await makePrivateFolder(RUNTIME_PARENTS);
  assert.ok(made.tag === "made");
  const { folder } = made;
  try {
    assert.match(folder.path, /^(\/run|\/var\/lib\/haproxy|\/dev\/shm|\/tmp)\/[^/]+$/);
  } finally {
    await folder.remove();
  }
});

Deno.test("a generation's files stand around the user's and name its own socket", async () => {
  await using parent = new TempFolder();
  const folder = await makeIn(parent);
  const { first, last } = await folder.prepare(7);
  const socket = folder.socket(7);
  assert.equal(socket, `${folder.path}/7.sock`);
  assert.equal(
    Deno.readTextFileSync(first),
    `global\n    stats socket '${socket}' mode 600 level admin expose-fd listeners\n`,
  );
  assert.equal(Deno.readTextFileSync(last), "global\n    stats maxconn 50\n");
});

Deno.test("a generation that loads its servers' state is told where, and finds that of none", async () => {
  await using parent = new TempFolder();
  const folder = await makeIn(parent);
  const { first } = await folder.prepare(7, { loadsServerState: true });
  const state = folder.serverState(7);
  assert.equal(state, `${folder.path}/7-servers.state`);
  assert.ok(Deno.readTextFileSync(first).endsWith(`\n    server-state-file '${state}'\n`));
  assert.equal(Deno.readTextFileSync(state), "1\n");
  await folder.forgetServerState(7);
  assert.deepEqual(parent.names(folder.path), ["7-first.cfg", "7-last.cfg", "probe"]);
  await folder.prepare(7, { loadsServerState: true });
  await folder.forget(7);
  assert.deepEqual(parent.names(folder.path), ["probe"]);
});

Deno.test("the generations that share a secret have the same, which nobody else can read or guess", async () => {
  await using parent = new TempFolder();
  const [folder, other] = [await makeIn(parent), await makeIn(parent)];
  const secretOf = async ({ prepare }: typeof folder, generation: number) => {
    const { last } = await prepare(generation, { sharesSecret: true });
    assert.equal(modeOf(last), 0o600);
    const text = Deno.readTextFileSync(last);
    const [, secret] =
      /^\.if version_atleast\(2\.8\)\n {4}cluster-secret (\w+)\n\.endif\n$/m.exec(text) ??
        assert.fail(text);
    return secret;
  };
  const secret = await secretOf(folder, 1);
  assert.match(secret!, /^[0-9a-f]{32}$/);
  assert.equal(await secretOf(folder, 2), secret);
  assert.notEqual(await secretOf(other, 1), secret);
});

Deno.test("a folder that somebody removed is made again, for nobody else", async () => {
  await using parent = new TempFolder();
  const folder = await makeIn(parent);
  await folder.prepare(1);
  await Deno.remove(folder.path, { recursive: true });
  await folder.prepare(2);
  assert.equal(modeOf(folder.path), 0o700);
  assert.deepEqual(parent.names(folder.path), ["2-first.cfg", "2-last.cfg"]);
});

Deno.test("what could not be removed goes with a later generation, but none that may come", async () => {
  await using parent = new TempFolder();
  const folder = await makeIn(parent);
  for (const generation of [1, 2, 3, 4]) await folder.prepare(generation);
  // In a file nothing can be removed, as on a disk that is read-only.
  const moved = parent.at("moved");
  await Deno.rename(folder.path, moved);
  await Deno.writeTextFile(folder.path, "");
  await folder.forget(1);
  await folder.forget(4);
  await Deno.remove(folder.path, { recursive: true });
  await Deno.rename(moved, folder.path);
  await folder.forget(2);
  assert.deepEqual(
    parent.names(folder.path),
    ["3-first.cfg", "3-last.cfg", "4-first.cfg", "4-last.cfg", "probe"],
  );
});

Deno.test("preparing fails with the system's error where nothing can be written", async () => {
  await using parent = new TempFolder();
  const folder = await makeIn(parent);
  await Deno.remove(folder.path, { recursive: true });
  await Deno.writeTextFile(folder.path, "a file in the folder's place");
  await assert.rejects(() => folder.prepare(1), Error);
});

Deno.test("forgetting a generation removes just what belongs to it, and may be done twice", async () => {
  await using parent = new TempFolder();
  const folder = await makeIn(parent);
  await folder.prepare(1);
  await folder.prepare(11);
  await Deno.writeTextFile(folder.socket(1), "");
  await folder.forget(1);
  await folder.forget(1);
  assert.deepEqual(parent.names(folder.path), ["11-first.cfg", "11-last.cfg", "probe"]);
});

Deno.test("removing the folder takes all files with it, and may be done twice", async () => {
  await using parent = new TempFolder();
  const folder = await makeIn(parent);
  await folder.prepare(1);
  await folder.remove();
  await folder.remove();
  assert.deepEqual(parent.names(), []);
});

Deno.test("a parent that is missing is named with the reason", async () => {
  await using parent = new TempFolder();
  const missing = `${parent.path}/missing`;
  assert.deepEqual(await makePrivateFolder([missing]), {
    tag: "not_made",
    reason: `"${missing}": No such file or directory`,
  });
});

Deno.test("a parent that is too long for a socket's address is refused, and left as it was", async () => {
  await using parent = new TempFolder();
  const long = `${parent.path}/${"x".repeat(90)}`;
  await Deno.mkdir(long);
  assert.deepEqual(await makePrivateFolder([long]), {
    tag: "not_made",
    reason: `"${long}": the name is too long for a socket's address`,
  });
  assert.deepEqual(parent.names(long), []);
});
