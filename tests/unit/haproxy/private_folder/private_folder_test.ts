import assert from "node:assert/strict";
import {
  makePrivateFolder,
  type PrivateFolder,
} from "../../../../lib/haproxy/private_folder/private_folder.ts";
import { isListening } from "../../../../lib/haproxy/runtime/client.ts";
import { NO_NEEDS } from "../../../../lib/config/needs.ts";
import { RUNTIME_PARENTS } from "../../../../lib/settings/option_types.ts";
import { TempFolder } from "../../../support/machine/temp_folder.ts";
import { isThere, namesIfThere, namesIn } from "../../../support/machine/files.ts";

/** Makes the private folder in `parent`; fails if that is impossible. */
async function makeIn(parent: TempFolder): Promise<PrivateFolder> {
  const made = await makePrivateFolder([parent.path]);
  assert.ok(made.tag === "made");
  return made.folder;
}

/** A test of the private folder that is made in `parent`. */
function folderTest(
  name: string,
  body: (folder: PrivateFolder, parent: TempFolder) => void | Promise<void>,
): void {
  Deno.test(name, async () => {
    await using parent = new TempFolder();
    await body(await makeIn(parent), parent);
  });
}

const modeOf = (path: string) => Deno.statSync(path).mode! & 0o777;

folderTest("the private folder is accessible to our user only", (folder, parent) => {
  assert.ok(folder.path.startsWith(`${parent.path}/haproxy-reload-wrapper-`));
  assert.equal(modeOf(folder.path), 0o700);
});

folderTest(
  "writing a generation's files causes no event where events are probed",
  async (folder) => {
    await folder.prepare(1, NO_NEEDS);
    assert.ok(namesIn(folder.path).length > 1);
    assert.deepEqual(namesIn(folder.probeDirectory()!), []);
  },
);

folderTest("the directory for probes is made again, but not after the end", async (folder) => {
  const probe = folder.probeDirectory()!;
  Deno.removeSync(probe);
  assert.equal(folder.probeDirectory(), probe);
  assert.equal(modeOf(probe), 0o700);
  await folder.remove();
  assert.equal(folder.probeDirectory(), null);
});

folderTest(
  "a file that is rewritten never disappears: an HAProxy on standby may be looking for it",
  async (folder) => {
    const { first, last } = await folder.prepare(1, NO_NEEDS);
    using watcher = Deno.watchFs(folder.path, { recursive: false });
    const marker = `${folder.path}/marker`;
    await folder.prepare(1, NO_NEEDS);
    Deno.writeTextFileSync(marker, "");
    const kinds = new Map<string, string[]>();
    for await (const { kind, paths } of watcher) {
      if (paths.includes(marker)) break;
      for (const path of paths) kinds.set(path, [...kinds.get(path) ?? [], kind]);
    }
    for (const path of [first, last]) assert.deepEqual([...new Set(kinds.get(path))], ["rename"]);
    assert.deepEqual(namesIn(folder.path).filter((name) => /part$/.test(name)), []);
  },
);

Deno.test("two wrappers share a parent, but no folder", async () => {
  await using parent = new TempFolder();
  assert.notEqual((await makeIn(parent)).path, (await makeIn(parent)).path);
});

Deno.test("the folder is made in the first parent that is writable", async () => {
  const made = await makePrivateFolder(RUNTIME_PARENTS);
  assert.ok(made.tag === "made");
  const { folder } = made;
  try {
    assert.match(folder.path, /^(\/run|\/var\/lib\/haproxy|\/tmp)\/[^/]+$/);
  } finally {
    await folder.remove();
  }
});

folderTest("a generation's files surround the user's and name its own socket", async (folder) => {
  const { first, last } = await folder.prepare(7, NO_NEEDS);
  const socket = folder.socket(7).path;
  assert.equal(socket, `${folder.path}/7.sock`);
  assert.equal(
    Deno.readTextFileSync(first),
    "global\n    stats maxconn 50\n" +
      `    stats socket '${socket}' mode 600 level admin expose-fd listeners\n`,
  );
  assert.equal(Deno.readTextFileSync(last), "global\n");
});

folderTest(
  "a generation that loads its servers' state gets a file, which is empty of servers at first",
  async (folder, parent) => {
    const { first } = await folder.prepare(7, { ...NO_NEEDS, loadsServerState: true });
    const state = folder.serverState(7).path;
    assert.equal(state, `${folder.path}/7-servers.state`);
    assert.ok(Deno.readTextFileSync(first).endsWith(`\n    server-state-file '${state}'\n`));
    assert.equal(Deno.readTextFileSync(state), "1\n");
    await folder.forgetServerState(7);
    assert.deepEqual(parent.names(folder.path), ["7-first.cfg", "7-last.cfg", "probe"]);
    await folder.prepare(7, { ...NO_NEEDS, loadsServerState: true });
    await folder.forget(7);
    assert.deepEqual(parent.names(folder.path), ["probe"]);
  },
);

/** What may be in the folder's place, or be wrong with it. */
const LOSSES: Readonly<Record<string, { lose(path: string): void; readonly problem: RegExp }>> = {
  "is removed": {
    lose: (path) => Deno.removeSync(path, { recursive: true }),
    problem: /^is gone$/,
  },
  "is replaced by another": {
    lose(path) {
      Deno.renameSync(path, `${path}-moved`);
      Deno.mkdirSync(path, { mode: 0o700 });
    },
    problem:
      /^cannot be trusted any more, because its folder is not the one that the wrapper made$/,
  },
  "is replaced by a link to it": {
    lose(path) {
      Deno.renameSync(path, `${path}-moved`);
      Deno.symlinkSync(`${path}-moved`, path);
    },
    problem: /because its folder is not a directory$/,
  },
  "is replaced by a file": {
    lose(path) {
      Deno.removeSync(path, { recursive: true });
      Deno.writeTextFileSync(path, "");
    },
    problem: /because its folder is not a directory$/,
  },
  "others may enter": {
    lose: (path) => Deno.chmodSync(path, 0o711),
    problem: /because its folder has mode 0711, wanted none for group and others$/,
  },
};

for (const [loss, { lose, problem }] of Object.entries(LOSSES)) {
  folderTest(
    `a folder that ${loss} is no longer used, and is replaced by a new one`,
    async (folder, parent) => {
      await folder.prepare(1, NO_NEEDS);
      using _listener = Deno.listen({ transport: "unix", path: folder.socket(1).path });
      assert.equal(folder.socket(1).problem(), null);
      assert.equal(await isListening(folder.socket(1)), true);
      const { path } = folder;
      lose(path);
      assert.match(folder.socket(1).problem()!, problem);
      assert.equal(folder.probeDirectory(), null);
      // If another folder is in its place, somebody else listens there.
      assert.equal(await isListening(folder.socket(1)), false);
      await assert.rejects(() => folder.serverState(1).write("state"));
      const before = namesIfThere(path);
      await folder.prepare(2, NO_NEEDS);
      assert.notEqual(folder.path, path);
      assert.equal(modeOf(folder.path), 0o700);
      assert.deepEqual(parent.names(folder.path), ["2-first.cfg", "2-last.cfg", "probe"]);
      assert.ok(folder.socket(2).path.startsWith(folder.path));
      assert.deepEqual(namesIfThere(path), before);
      await folder.forget(1);
      await folder.remove();
      assert.equal(isThere(folder.path), false);
      // Our own folder is removed if it still exists; another in its place stays.
      assert.equal(isThere(path), loss !== "is removed" && loss !== "others may enter");
    },
  );
}

folderTest("a folder that comes back is used again for the sockets in it", async (folder) => {
  await folder.prepare(1, NO_NEEDS);
  using _listener = Deno.listen({ transport: "unix", path: folder.socket(1).path });
  Deno.chmodSync(folder.path, 0o750);
  assert.equal(await isListening(folder.socket(1)), false);
  Deno.chmodSync(folder.path, 0o700);
  assert.equal(await isListening(folder.socket(1)), true);
});

folderTest(
  "files planted in place of a generation's files are not written to",
  async (folder, parent) => {
    const other = parent.write("other", "precious");
    Deno.symlinkSync(other, `${folder.path}/1-first.cfg`);
    Deno.linkSync(other, `${folder.path}/1-last.cfg`);
    const { first } = await folder.prepare(1, NO_NEEDS);
    assert.equal(Deno.readTextFileSync(other), "precious");
    assert.equal(Deno.lstatSync(first).isFile, true);
    assert.equal(modeOf(first), 0o600);
  },
);

folderTest("no connection is made to a socket that is not ours", async (folder, parent) => {
  using _listener = Deno.listen({ transport: "unix", path: parent.at("s") });
  Deno.symlinkSync(parent.at("s"), folder.socket(1).path);
  assert.equal(await isListening(parent.at("s")), true);
  assert.match(
    folder.socket(1).problem()!,
    /cannot be trusted any more, because it is not a socket/,
  );
  assert.equal(await isListening(folder.socket(1)), false);
});

folderTest(
  "files that could not be removed go with a later generation, but never those of a future one",
  async (folder, parent) => {
    for (const generation of [1, 2, 3, 4]) await folder.prepare(generation, NO_NEEDS);
    // Nothing can be removed from a file, as on a read-only disk.
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
  },
);

folderTest(
  "preparing fails with the system's error if no folder can be made",
  async (folder, parent) => {
    const moved = `${parent.path}-moved`;
    await Deno.rename(parent.path, moved);
    try {
      await assert.rejects(() => folder.prepare(1, NO_NEEDS), Deno.errors.NotFound);
    } finally {
      await Deno.rename(moved, parent.path);
    }
  },
);

Deno.test("a parent that others may write to is refused unless it is sticky", async () => {
  await using parent = new TempFolder();
  Deno.chmodSync(parent.path, 0o777);
  const made = await makePrivateFolder([parent.path]);
  assert.ok(made.tag === "not_made");
  assert.match(made.reason, /^"\/.*": others may write to "\/.*", which has mode 0777: take that/);
  assert.deepEqual(parent.names(), []);
  Deno.chmodSync(parent.path, 0o1777);
  assert.equal((await makePrivateFolder([parent.path])).tag, "made");
});

folderTest(
  "forgetting a generation removes only its own files, and may be done twice",
  async (folder, parent) => {
    await folder.prepare(1, NO_NEEDS);
    await folder.prepare(11, NO_NEEDS);
    await Deno.writeTextFile(folder.socket(1).path, "");
    await folder.forget(1);
    await folder.forget(1);
    assert.deepEqual(parent.names(folder.path), ["11-first.cfg", "11-last.cfg", "probe"]);
  },
);

folderTest(
  "removing the folder removes all its files, and may be done twice",
  async (folder, parent) => {
    await folder.prepare(1, NO_NEEDS);
    await folder.remove();
    await folder.remove();
    assert.deepEqual(parent.names(), []);
  },
);

Deno.test("a missing parent is named with the reason", async () => {
  await using parent = new TempFolder();
  const missing = `${parent.path}/missing`;
  assert.deepEqual(await makePrivateFolder([missing]), {
    tag: "not_made",
    reason: `"${missing}": No such file or directory`,
  });
});

Deno.test("a parent whose name is too long for a socket's address is refused and left as it was", async () => {
  await using parent = new TempFolder();
  const long = `${parent.path}/${"x".repeat(90)}`;
  await Deno.mkdir(long);
  assert.deepEqual(await makePrivateFolder([long]), {
    tag: "not_made",
    reason: `"${long}": the name is too long for a socket's address`,
  });
  assert.deepEqual(parent.names(long), []);
});

Deno.test("generations that share a secret have the same one, which nobody else can read or guess", async () => {
  await using parent = new TempFolder();
  const [folder, other] = [await makeIn(parent), await makeIn(parent)];
  const secretOf = async (of: PrivateFolder, generation: number) => {
    const { last } = await of.prepare(generation, { ...NO_NEEDS, sharesSecret: true });
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

for (
  const [most, raised] of [[10, 50], [40, 50], [50, 60], [200, 210]] as const
) {
  folderTest(
    `the wrapper raises the user's limit of ${most} connections to stats sockets to ${raised}`,
    async (folder) => {
      assert.equal(folder.connectionsOf(1), null);
      const { last } = await folder.prepare(1, { ...NO_NEEDS, statsMaxconn: most });
      assert.equal(folder.connectionsOf(1), raised);
      assert.equal(Deno.readTextFileSync(last), `global\n    stats maxconn ${raised}\n`);
    },
  );
}

folderTest(
  "a check loads what a start loads, except the socket, and leaves nothing behind",
  async (folder, parent) => {
    const needs = { ...NO_NEEDS, loadsServerState: true, sharesSecret: true, statsMaxconn: 200 };
    const start = await folder.prepare(1, needs);
    const check = await folder.prepare("check", needs);
    const [started, checked] = [start, check].map(({ first }) =>
      Deno.readTextFileSync(first).replaceAll("/1-", "/check-").split("\n")
    );
    assert.deepEqual(started!.filter((line) => !line.includes("stats socket")), checked);
    assert.equal(checked!.length, started!.length - 1);
    assert.equal(Deno.readTextFileSync(start.last), Deno.readTextFileSync(check.last));
    assert.equal(Deno.readTextFileSync(`${folder.path}/check-servers.state`), "1\n");
    await folder.forget("check");
    assert.deepEqual(parent.names(folder.path).filter((name) => name.startsWith("check")), []);
  },
);
