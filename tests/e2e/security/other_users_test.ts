/** What another user puts in the wrapper's way is neither run nor written to, and sees no key. */
import assert from "node:assert/strict";
import { basename, join } from "@std/path";
import { record } from "../../support/wrapper/recorded.ts";
import { type Need, ROOT, testNeeding } from "../../support/needs.ts";
import { FORM, NOT_AS_PROCESS_1, RUNNABLE } from "../../support/wrapper/program.ts";
import { Workspace } from "../../support/wrapper/workspace.ts";
import { isThere, namesIn } from "../../support/machine/files.ts";

/** Neither root nor the wrapper's user. */
const STRANGER = 41_002;
const OURS = 41_001;

const NEEDS = [RUNNABLE, ROOT, NOT_AS_PROCESS_1];

/** Only root has a cache from which Deno could run the source. */
const COMPILED_ONLY: Need = { missing: null, isElsewhere: FORM === "source" };

class Crowded extends Workspace {
  readonly recorded = this.at("shared/recorded");
  readonly marker = this.at("code-was-run");

  constructor() {
    super();
    // Anyone may enter it, as with /tmp.
    Deno.chmodSync(this.path, 0o755);
    Deno.mkdirSync(this.at("shared"));
  }

  /** A configuration that creates a file when it is loaded. */
  get evil(): string {
    const lua = this.at("evil.lua");
    Deno.writeTextFileSync(lua, `io.open("${this.marker}", "w"):close()\n`);
    return `global\n    lua-load ${lua}\n`;
  }

  get wasRun(): boolean {
    return isThere(this.marker);
  }

  /** Records the evil configuration, as a stranger could. */
  async layInWait(): Promise<void> {
    await Deno.writeTextFile(this.configuration, this.evil + this.page("evil"));
    await record(this.recorded, { words: ["-f", this.configuration], directory: this.path });
    await Deno.writeTextFile(this.configuration, "nonsense\n");
  }

  async give(path: string, ...options: string[]): Promise<void> {
    await run("chown", ...options, `${STRANGER}:${STRANGER}`, path);
  }
}

async function run(command: string, ...args: string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command(command, { args }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
}

const FOREIGN_SETS: Readonly<Record<string, (workspace: Crowded) => Promise<void>>> = {
  "all of which is another user's": (workspace) => workspace.give(workspace.recorded, "-R"),
  "whose parent is another user's": ({ give, path }) => give(join(path, "shared")),
  "whose parent others may write to": ({ path }) => Deno.chmod(join(path, "shared"), 0o777),
  "whose folder is another user's": ({ give, recorded }) => give(join(recorded, "set"), "-R"),
  "whose objects are in another user's folder": ({ give, recorded }) =>
    give(join(recorded, "set/objects")),
  "whose manifest is another user's": ({ give, recorded }) =>
    give(join(recorded, "set/manifest.json")),
  "whose folder others may write to": ({ recorded }) => Deno.chmod(join(recorded, "set"), 0o777),
  "whose manifest others may write to": ({ recorded }) =>
    Deno.chmod(join(recorded, "set/manifest.json"), 0o666),
  "that is behind another user's link": async ({ give, path, recorded }) => {
    await Deno.rename(recorded, join(path, "elsewhere"));
    await Deno.symlink(join(path, "elsewhere"), recorded);
    await give(recorded, "-h");
  },
  "whose folder is a link": async ({ path, recorded }) => {
    await Deno.rename(join(recorded, "set"), join(path, "elsewhere"));
    await Deno.symlink(join(path, "elsewhere"), join(recorded, "set"));
  },
};

for (const [what, spoil] of Object.entries(FOREIGN_SETS)) {
  testNeeding(NEEDS, `no code of a recorded set is run ${what}`, async () => {
    await using workspace = new Crowded();
    await workspace.layInWait();
    await spoil(workspace);
    const args = ["--last-good", workspace.recorded, "-f", workspace.configuration];
    const wrapper = workspace.start({ args });
    await wrapper.says(
      /the set recorded in ".*recorded" cannot serve instead: .*(?:belongs to user 41002, w|others may write|has mode 0|is not a directory)/,
    );
    assert.equal(await wrapper.exitCode, 1);
    assert.equal(workspace.wasRun, false);
  });
}

testNeeding(NEEDS, "the same set is served if it belongs to nobody else", async () => {
  await using workspace = new Crowded();
  await workspace.layInWait();
  const wrapper = workspace.start({ flags: ["--last-good", workspace.recorded] });
  await wrapper.says(/generation 2 serves, .*; started from what served last/);
  // So the tests above would fail if they used the set.
  assert.equal(workspace.wasRun, true);
});

/** Takes the place of a removed private folder, with a socket that hands over no listeners, and rewrites files there. */
class Thief implements AsyncDisposable {
  readonly told: string[] = [];
  readonly #listener: Deno.UnixListener;
  readonly #accepting: Promise<void>;

  constructor(readonly folder: string, evil: string) {
    Deno.mkdirSync(folder);
    Deno.chmodSync(folder, 0o777);
    this.#listener = Deno.listen({ transport: "unix", path: join(folder, "1.sock") });
    const next = join(folder, "2-first.cfg");
    Deno.writeTextFileSync(next, "");
    for (const path of [folder, next, join(folder, "1.sock")]) {
      Deno.chownSync(path, STRANGER, STRANGER);
    }
    this.#accepting = this.#accept(next, evil);
  }

  async #accept(next: string, evil: string): Promise<void> {
    for await (const connection of this.#listener) {
      const bytes = new Uint8Array(100);
      const count = await connection.read(bytes) ?? 0;
      this.told.push(new TextDecoder().decode(bytes.subarray(0, count)));
      // From a process that takes over, before it reads its configuration (HAProxy 2.6).
      Deno.writeTextFileSync(next, evil + Deno.readTextFileSync(next));
      await connection.write(new Uint8Array(4)).catch(() => {});
      connection.close();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    await this.#accepting;
  }
}

for (const hasUserSocket of [false, true]) {
  const outcome = hasUserSocket ? "and --socket is the second way" : "and no reload is possible";
  testNeeding(
    NEEDS,
    `a private folder that another user recreated is not used, ${outcome}`,
    async () => {
      await using workspace = new Crowded();
      Deno.chmodSync(workspace.runtimeDirectory, 0o1777);
      const socket = workspace.at("user.sock");
      const stats = `global\n    stats socket ${socket} mode 600 expose-fd listeners\n`;
      await workspace.replace(stats + workspace.page("one"));
      const wrapper = await workspace.serve({
        env: hasUserSocket ? { HAPROXY_SOCKET: socket } : {},
      });
      const folder = await workspace.losePrivateFolder();
      {
        await using thief = new Thief(folder, workspace.evil);
        await workspace.replace(stats + workspace.page("two"));
        if (hasUserSocket) await workspace.serves("two", wrapper);
        else {
          await wrapper.says(
            /generation 2 rejected: the private socket ".*1\.sock" cannot be trusted any more, because its folder belongs to user 41002, wanted 0: .*--socket/,
          );
          assert.equal(await workspace.get(), "one");
        }
        wrapper.signal("SIGTERM");
        assert.equal(await wrapper.exitCode, 143);
        assert.deepEqual(thief.told, []);
        assert.equal(Deno.readTextFileSync(join(folder, "2-first.cfg")), "");
      }
      assert.equal(workspace.wasRun, false);
      // What belongs to another user stays, and nothing of ours is left.
      assert.deepEqual(namesIn(workspace.runtimeDirectory), [basename(folder)]);
    },
  );
}

testNeeding(NEEDS, "a respawned process gets a new private folder", async () => {
  await using workspace = new Crowded();
  Deno.chmodSync(workspace.runtimeDirectory, 0o1777);
  const args = ["--respawn", "3", "-f", workspace.configuration];
  const wrapper = await workspace.serve({ args });
  const folder = await workspace.losePrivateFolder();
  await using thief = new Thief(folder, workspace.evil);
  workspace.haproxyPids().forEach((pid) => Deno.kill(pid, "SIGKILL"));
  await wrapper.says(/generation 2 serves/);
  await workspace.replace(workspace.page("two"));
  await wrapper.says(/generation 3 serves/);
  await workspace.serves("two", wrapper);
  wrapper.signal("SIGTERM");
  await wrapper.exitCode;
  assert.deepEqual(thief.told, []);
  assert.equal(workspace.wasRun, false);
  assert.equal(isThere(folder), true);
});

const REFUSED: Readonly<Record<string, readonly [(workspace: Crowded) => Promise<void>, RegExp]>> =
  {
    "another user's": [
      ({ give, runtimeDirectory }) => give(runtimeDirectory),
      /run": ".*run" belongs to user 41002, who could replace what is in it, wanted root or user 0: /,
    ],
    "below another user's": [
      ({ give, path }) => give(path),
      /run": ".*" belongs to user 41002/,
    ],
    "open to all and not sticky": [
      ({ runtimeDirectory }) => Deno.chmod(runtimeDirectory, 0o777),
      /others may write to ".*run", which has mode 0777: take that away \("chmod go-w"\)/,
    ],
    "open to a group": [
      ({ runtimeDirectory }) => Deno.chmod(runtimeDirectory, 0o2775),
      /others may write to ".*run", which has mode 2775/,
    ],
    "behind another user's link": [
      async ({ give, runtimeDirectory, path }) => {
        await Deno.rename(runtimeDirectory, join(path, "elsewhere"));
        await Deno.symlink("elsewhere", runtimeDirectory);
        await give(runtimeDirectory, "-h");
      },
      /run" belongs to user 41002/,
    ],
  };

for (const [what, [spoil, reason]] of Object.entries(REFUSED)) {
  testNeeding(NEEDS, `a runtime directory that is ${what} is refused`, async () => {
    await using workspace = new Crowded();
    await spoil(workspace);
    const wrapper = workspace.start();
    await wrapper.says(/cannot make a private folder: found /);
    assert.match(wrapper.output, reason);
    assert.equal(await wrapper.exitCode, 73);
    const directory = await Deno.realPath(workspace.runtimeDirectory);
    assert.deepEqual(namesIn(directory), []);
  });
}

/** As Kubernetes mounts an `emptyDir`: owned by root, writable by all, not sticky. */
const mounting = (...directories: readonly string[]) => [
  "unshare",
  "--mount",
  "sh",
  "-c",
  `${directories.map((one) => `mount -t tmpfs -o mode=0777 none ${one}`).join(" && ")} &&
  exec setpriv --reuid ${OURS} --regid ${OURS} --clear-groups "$@"`,
  "sh",
];

testNeeding(
  [RUNNABLE, ROOT, COMPILED_ONLY],
  "a pod's volumes work for an unprivileged user",
  async () => {
    await using workspace = new Crowded();
    await Deno.mkdir(workspace.recorded);
    const wrapper = workspace.start({
      flags: ["--last-good", workspace.recorded],
      launcher: mounting(workspace.runtimeDirectory, workspace.recorded),
    });
    await wrapper.says(/generation 1 serves/);
    await workspace.changeTo("two", wrapper);
    await wrapper.says(/has served for 10s/);
    const inside = `/proc/${wrapper.pid}/root${workspace.recorded}/set`;
    const { uid, mode } = Deno.statSync(inside);
    assert.deepEqual([uid, mode! & 0o7777], [OURS, 0o700]);
  },
);

testNeeding(NEEDS, "the status socket admits nobody else, whatever the umask", async () => {
  await using workspace = new Crowded();
  const path = workspace.at("status.sock");
  const wrapper = await workspace.serve({
    flags: ["--status-listen", `unix:${path}`],
    launcher: ["sh", "-c", 'umask 000 && exec "$@"', "sh"],
  });
  assert.equal(Deno.lstatSync(path).mode! & 0o777, 0o600);
  await Deno.remove(path);
  await Deno.writeTextFile(path, "another's");
  await wrapper.endsBy("SIGTERM", 143);
  assert.equal(await Deno.readTextFile(path), "another's");
});

testNeeding(NEEDS, "a PATH that another user can write to causes one warning", async () => {
  await using workspace = new Crowded();
  const quiet = await workspace.serve();
  assert.doesNotMatch(quiet.output, /warning \[.*another user/);
  quiet.signal("SIGTERM");
  await quiet.exitCode;
  await workspace.give(workspace.binaries);
  const wrapper = await workspace.serve();
  await wrapper.says(
    /warning \[\d+\] another user could replace "haproxy" in PATH: ".*bin" belongs to user 41002/,
  );
  wrapper.signal("SIGHUP");
  await wrapper.says(/generation 2 serves/);
  assert.equal(wrapper.output.match(/another user could replace/g)?.length, 1);
});
