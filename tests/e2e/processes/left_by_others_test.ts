/** What other users put in a world-writable runtime directory delays no start, and ends no process. */
import assert from "node:assert/strict";
import { join } from "@std/path";
import { rootTest } from "../../support/wrapper/program.ts";
import { waitFor } from "../../support/wait.ts";
import { namesIn, readIfThere } from "../../support/machine/files.ts";
import { killQuietly } from "../../support/machine/processes.ts";
import { Workspace } from "../../support/wrapper/workspace.ts";

const PREFIX = "haproxy-reload-wrapper-";

class Shared extends Workspace {
  /** Nobody's but this folder's: at its end all processes of that user are killed. */
  readonly user = this.port;
  readonly #strangers: Deno.ChildProcess[] = [];

  constructor() {
    super();
    Deno.chmodSync(this.path, 0o755);
    Deno.chmodSync(this.runtimeDirectory, 0o1777);
  }

  override at(name: string): string {
    return join(this.runtimeDirectory, name);
  }

  get folders(): readonly string[] {
    return namesIn(this.runtimeDirectory);
  }

  /** Leaves an HAProxy of ours behind, and returns its pid. */
  async leave(): Promise<number> {
    const wrapper = await this.serve();
    const pids = this.haproxyPids();
    await wrapper.dies();
    return pids[0]!;
  }

  /** Runs `script` as the stranger, in the runtime directory, until it has written the file `done`. */
  async stranger(script: string, ...words: string[]): Promise<void> {
    const as = ["--reuid", `${this.user}`, "--regid", `${this.user}`, "--clear-groups"];
    const child = new Deno.Command("setpriv", {
      args: [...as, "sh", "-c", script, "sh", ...words],
      cwd: this.runtimeDirectory,
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    this.#strangers.push(child);
    await waitFor("the stranger to be done", () => this.folders.includes("done"));
    await Deno.remove(this.at("done"));
  }

  /** The pids of the stranger's processes with the argument `word`. */
  strangersWith(word: string): number[] {
    return this.strangers().filter((pid) =>
      readIfThere(`/proc/${pid}/cmdline`).split("\0").includes(word)
    );
  }

  strangers(): number[] {
    return namesIn("/proc").map(Number).filter((pid) =>
      pid > 0 && readIfThere(`/proc/${pid}/status`).includes(`Uid:\t${this.user}\t`)
    );
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    this.strangers().forEach((pid) => killQuietly(pid));
    await Promise.all(this.#strangers.map(({ status }) => status));
    await super[Symbol.asyncDispose]();
  }
}

rootTest("another user's process that names a dead folder gets no signal", async () => {
  await using workspace = new Shared();
  const left = await workspace.leave();
  const [dead] = workspace.folders;
  const word = workspace.at(`${dead}/1-first.cfg`);
  killQuietly(left);
  await workspace.stranger("touch done; sleep 600; :", word);
  const wrapper = await workspace.serve();
  await waitFor("the folder to be removed", () => !workspace.folders.includes(dead!));
  assert.ok(!wrapper.output.includes("left behind"), wrapper.output);
  wrapper.signal("SIGTERM");
  await wrapper.exitCode;
  assert.equal(workspace.strangersWith(word).length, 1);
});

rootTest("nor does one that names the folder of a leftover", async () => {
  await using workspace = new Shared();
  const left = await workspace.leave();
  const word = workspace.at(`${workspace.folders[0]}/1-first.cfg`);
  await workspace.stranger("touch done; sleep 600; :", word);
  await workspace.replace(workspace.page("two"));
  const wrapper = await workspace.serve();
  await wrapper.says(`process ${left}, left behind .*, drains as generation 0`);
  await wrapper.says(/generation 0 drained/);
  await workspace.serves("two", wrapper);
  assert.equal(workspace.strangersWith(word).length, 1);
});

/** As many as are examined, or more. */
for (const count of [3, 2_500]) {
  rootTest(`${count} folders, a link and pipes of another user are left alone`, async () => {
    await using workspace = new Shared();
    const victim = join(workspace.path, "victim");
    Deno.mkdirSync(victim, { mode: 0o700 });
    Deno.writeTextFileSync(join(victim, "service.json"), "{}", { mode: 0o600 });
    await workspace.stranger(
      `seq -f "${PREFIX}%g" $1 | xargs mkdir -m 0777
mkfifo ${PREFIX}fifo ${PREFIX}1/service.json ${PREFIX}1/1.sock; ln -s "$2" ${PREFIX}link
touch done; exec sleep 600`,
      ...[`${count}`, victim],
    );
    const before = workspace.folders;
    const wrapper = await workspace.serve();
    wrapper.signal("SIGTERM");
    assert.equal(await wrapper.exitCode, 143);
    assert.deepEqual(workspace.folders, before);
    assert.deepEqual(namesIn(victim), ["service.json"]);
  });
}

for (
  const [what, parent, isReported] of [
    ["whose parent is no wrapper, as under a subreaper, is reported", "sh", true],
    ["of a live wrapper, whatever its name, is not reported", 'flock "$1" sh', false],
  ] as const
) {
  rootTest(`another user's process ${what}`, async () => {
    await using workspace = new Shared();
    const folder = workspace.at(`${PREFIX}stranger`);
    const word = `${folder}/1-first.cfg`;
    await workspace.stranger(
      `mkdir -m 0777 "$1"; ${parent} -c 'sh -c "sleep 600; :" sh "$1" & touch done; wait' sh "$2"; :`,
      ...[folder, word],
    );
    const wrapper = await workspace.serve();
    wrapper.signal("SIGTERM");
    assert.equal(await wrapper.exitCode, 143);
    const reports = wrapper.output.match(/process \d+, .* folder belongs to user/g) ?? [];
    assert.equal(reports.length > 0, isReported, wrapper.output);
    assert.ok(workspace.strangersWith(word).length > 0);
  });
}

rootTest("another user's orphan is reported with its pid, and left alone", async () => {
  await using workspace = new Shared();
  const folder = workspace.at(`${PREFIX}stranger`);
  const word = `${folder}/1-first.cfg`;
  await workspace.stranger(
    `mkdir -m 0777 "$1"; sh -c 'sleep 600; :' sh "$2" & touch done`,
    ...[folder, word],
  );
  const listener = Deno.listen({ transport: "unix", path: join(folder, "1.sock") });
  let connections = 0;
  const accepting = (async () => {
    for await (const connection of listener) {
      connections += 1;
      connection.close();
    }
  })();
  const pid = await waitFor(
    "the orphan",
    () =>
      workspace.strangersWith(word).find((one) =>
        readIfThere(`/proc/${one}/status`).includes("PPid:\t1\n")
      ),
  );
  try {
    const wrapper = await workspace.serve();
    await wrapper.says(
      `process ${pid}, .* folder belongs to user ${workspace.user}.*kill -USR1 ${pid}`,
    );
    wrapper.signal("SIGTERM");
    assert.equal(await wrapper.exitCode, 143);
    assert.deepEqual(workspace.strangersWith(word), [pid]);
    assert.equal(connections, 0);
  } finally {
    listener.close();
    await accepting;
    killQuietly(pid, "SIGKILL");
  }
});
