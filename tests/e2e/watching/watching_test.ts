/** Every way in which a configuration changes, or only seems to, with real files. */
import assert from "node:assert/strict";
import { dirname, join } from "@std/path";
import { ROOT, testNeeding } from "../../support/needs.ts";
import { BY_EVENTS, programTest, RUNNABLE } from "../../support/wrapper/program.ts";
import { Volume } from "../../support/surroundings/volume.ts";
import { pause, waitFor } from "../../support/wait.ts";
import { freePort } from "../../support/machine/free_port.ts";
import { MANY_BACKENDS, Workspace } from "../../support/wrapper/workspace.ts";
import type { Wrapper } from "../../support/wrapper/wrapper.ts";

/** Proves that nothing but this last change has caused a reload since generation 1. */
async function isOnlyReload(wrapper: Wrapper, change: () => unknown) {
  await change();
  await wrapper.says(/generation 2 serves/);
  await wrapper.workspace.serves("marker", wrapper);
  await wrapper.stopsAt(2);
}

programTest("a file written in place or renamed over is served, and the log names it", async () => {
  await using workspace = new Workspace();
  const wrapper = await workspace.serve();
  await Deno.writeTextFile(workspace.configuration, workspace.page("two"));
  await workspace.serves("two", wrapper);
  await workspace.changeTo("three", wrapper);
  await wrapper.says(`generation 3 serves.*changed: "${workspace.configuration}"`);
  await wrapper.stopsAt(3);
});

programTest("half of a slow writer's file is not served, by events or the poll", async () => {
  await using workspace = new Workspace();
  const wrapper = await workspace.serve({ flags: ["--poll-interval", "20ms"] });
  const answers = await writeSlowly(workspace, "two", async (_, answer) => {
    for (const endMs = performance.now() + 500; performance.now() < endMs; await pause(2)) {
      await answer();
    }
  });
  await workspace.serves("two", wrapper);
  assert.deepEqual(answers, ["one"], wrapper.output);
  await wrapper.stopsAt(2);
});

programTest("half of a slow writer's file is not served by a retry either", async () => {
  await using workspace = new Workspace();
  const wrapper = await workspace.serve();
  const taken = freePort();
  const listener = Deno.listen({ hostname: "127.0.0.1", port: taken });
  await workspace.replace(workspace.page("two") + `    bind 127.0.0.1:${taken}\n`);
  await wrapper.says(/generation 2 rejected.*retry in 1s/);
  listener.close();
  const answers = await writeSlowly(workspace, "three", async (write, answer) => {
    for (const endMs = performance.now() + 1_500; performance.now() < endMs; await pause(100)) {
      await write("# more\n");
      await answer();
    }
  });
  await workspace.serves("three", wrapper);
  assert.deepEqual(answers, ["one"], wrapper.output);
});

programTest("a file rewritten identically during a handoff is loaded completely", async () => {
  await using workspace = new Workspace();
  const tail = freePort();
  // Parsing that many backends takes long enough for HAProxy to see half of the file.
  const head = workspace.page("one") + MANY_BACKENDS;
  const rest = workspace.page("tail", { port: tail });
  const whole = head + rest.replace("frontend page", "frontend tail");
  await workspace.replace(whole);
  const wrapper = await workspace.serve();
  wrapper.signal("SIGHUP");
  await waitFor("the new process", () => workspace.haproxyPids().length === 2);
  {
    using file = await Deno.open(workspace.configuration, { write: true, truncate: true });
    await file.write(new TextEncoder().encode(head));
    await wrapper.says(/generation 2 (?:serves|rejected)/);
    await file.write(new TextEncoder().encode(whole.slice(head.length)));
  }
  // If HAProxy had read the file before that, nothing needs to be loaded again.
  await wrapper.until("the tail", async () => await workspace.get(tail) === "tail");
});

programTest("a writer that never closes counts as done after a second of silence", async () => {
  await using workspace = new Workspace();
  const wrapper = await workspace.serve();
  using file = await Deno.open(workspace.configuration, { write: true, truncate: true });
  await file.write(new TextEncoder().encode(workspace.page("two")));
  await workspace.serves("two", wrapper);
});

programTest("of a ConfigMap's new data only the key that HAProxy loads matters", async () => {
  await using workspace = new Workspace();
  const mount = join(workspace.path, "mount");
  const volume = new Volume(mount);
  await volume.write({ "haproxy.cfg": workspace.page("one"), other: "1" });
  const wrapper = await workspace.serve({
    args: ["-f", join(mount, "haproxy.cfg"), ...BY_EVENTS],
  });
  for (const other of ["2", "3"]) {
    await volume.write({ "haproxy.cfg": workspace.page("one"), other });
  }
  for (let version = 2; version <= 9; version++) {
    await volume.write({ "haproxy.cfg": workspace.page(`version ${version}`) });
    await workspace.serves(`version ${version}`, wrapper);
  }
  await wrapper.stopsAt(9);
});

programTest("a retargeted link is followed, to a file or to a directory above it", async () => {
  await using workspace = new Workspace();
  const paths = ["1", "2"].map((release) => join(workspace.path, release, "haproxy.cfg"));
  for (const path of paths) {
    await Deno.mkdir(dirname(path));
    await Deno.writeTextFile(path, workspace.page(path));
  }
  const [directory, file] = ["current", "linked.cfg"].map((name) => join(workspace.path, name));
  await Deno.symlink("1", directory!);
  await Deno.symlink(join(directory!, "haproxy.cfg"), file!);
  const wrapper = await workspace.serve({ args: ["-f", file!, ...BY_EVENTS] });
  await wrapper.watches(workspace.path, dirname(paths[0]!));
  await replaceLink("2", directory!);
  await workspace.serves(paths[1]!, wrapper);
  await replaceLink(paths[0]!, file!);
  await workspace.serves(paths[0]!, wrapper);
  await Deno.writeTextFile(paths[0]!, workspace.page("three"));
  await workspace.serves("three", wrapper);
});

programTest("a deleted file changes nothing until it is back", async () => {
  await using workspace = new Workspace();
  const wrapper = await workspace.serve({ flags: BY_EVENTS });
  await Deno.remove(workspace.configuration);
  await wrapper.says(/warning .*cannot read .*No such file.*only a signal reloads/);
  assert.equal(await workspace.get(), "one");
  await isOnlyReload(
    wrapper,
    () => Deno.writeTextFile(workspace.configuration, workspace.page("marker")),
  );
  await wrapper.says(/all sources can be read again/);
});

programTest("a directory that is removed and made again is watched again", async () => {
  await using workspace = new Workspace();
  const wrapper = await workspace.serve({ flags: BY_EVENTS });
  for (const text of ["two", "three"]) {
    await Deno.remove(workspace.configurationDirectory, { recursive: true });
    await Deno.mkdir(workspace.configurationDirectory);
    await Deno.writeTextFile(workspace.configuration, workspace.page(text));
    await workspace.serves(text, wrapper);
  }
  await Deno.writeTextFile(workspace.configuration, workspace.page("four"));
  await workspace.serves("four", wrapper);
});

programTest("in a -f directory the .cfg files count: added, changed or removed", async () => {
  await using workspace = new Workspace();
  const directory = workspace.configurationDirectory;
  await Deno.writeTextFile(workspace.configuration, workspace.page("one"));
  const second = join(directory, "second.cfg");
  const wrapper = await workspace.serve({ args: ["-f", directory, ...BY_EVENTS] });
  await wrapper.watches(directory);
  await Deno.writeTextFile(join(directory, "notes.txt"), "not loaded");
  await Deno.writeTextFile(join(directory, ".hidden.cfg"), "not loaded");
  await Deno.writeTextFile(second, "backend added\n");
  await wrapper.says(/generation 2 serves.*changed: "[^"]*\/second.cfg";/);
  await Deno.writeTextFile(second, "backend changed\n");
  await wrapper.says(/generation 3 serves.*changed: "[^"]*\/second.cfg";/);
  await Deno.remove(second);
  await wrapper.says(/generation 4 serves.*changed: "[^"]*\/second.cfg";/);
  await Deno.writeTextFile(workspace.configuration, workspace.page("two"));
  await workspace.serves("two", wrapper);
  await wrapper.stopsAt(5);
});

programTest("each of several -f and the files after -- are watched", async () => {
  await using workspace = new Workspace();
  const [second, third] = ["second.cfg", "third.cfg"].map((name) => join(workspace.path, name));
  await Deno.writeTextFile(second!, "backend second\n");
  await Deno.writeTextFile(third!, "backend third\n");
  const wrapper = await workspace.serve({
    args: ["-f", workspace.configuration, "-f", second!, "--", third!],
  });
  await workspace.replace("backend second_changed\n", second);
  await wrapper.says(/generation 2 serves.*changed: "[^"]*\/second.cfg";/);
  await workspace.replace("backend third_changed\n", third);
  await wrapper.says(/generation 3 serves.*changed: "[^"]*\/third.cfg";/);
});

programTest("--watch takes a file, a directory with all below it, or a glob", async () => {
  await using workspace = new Workspace();
  const directory = join(workspace.path, "further");
  await Deno.mkdir(join(directory, "below"), { recursive: true });
  const file = join(workspace.path, "file.map");
  const wrapper = await workspace.serve({
    flags: BY_EVENTS,
    env: { WATCH_PATH: `${file}:${directory}:${workspace.path}/*.lst` },
  });
  await Deno.writeTextFile(join(workspace.path, "notes.txt"), "matches nothing");
  await Deno.writeTextFile(file, "made after the start");
  await wrapper.says(/generation 2 serves.*changed: "[^"]*\/file.map";/);
  await Deno.writeTextFile(join(directory, "below", "a.txt"), "1");
  await wrapper.says(/generation 3 serves.*changed: "[^"]*\/below\/a.txt";/);
  await Deno.writeTextFile(join(workspace.path, "new.lst"), "1");
  await wrapper.says(/generation 4 serves.*changed: "[^"]*\/new.lst";/);
  await Deno.remove(file);
  await wrapper.says(/generation 5 serves.*changed: "[^"]*\/file.map";/);
});

programTest("touch, chmod and an identical rewrite do nothing", async () => {
  await using workspace = new Workspace();
  const wrapper = await workspace.serve();
  await Deno.utime(workspace.configuration, new Date(), new Date());
  await Deno.chmod(workspace.configuration, 0o600);
  await Deno.writeTextFile(workspace.configuration, workspace.page("one"));
  await workspace.replace(workspace.page("one"));
  await isOnlyReload(wrapper, () => workspace.replace(workspace.page("marker")));
});

programTest("of 50 successive writes the last is served, after few starts", async () => {
  await using workspace = new Workspace();
  const settleMs = 250;
  const wrapper = await workspace.serve({ env: { HRW_SETTLE_TIME: `${settleMs}ms` } });
  const startedMs = performance.now();
  for (let number = 1; number <= 50; number++) {
    await Deno.writeTextFile(workspace.configuration, workspace.page(`write ${number}`));
    await pause(5);
  }
  await workspace.serves("write 50", wrapper);
  // On a busy machine they take longer, with longer pauses between them.
  const starts = 2 * (1 + (performance.now() - startedMs) / settleMs);
  await workspace.changeTo("marker", wrapper);
  assert.ok(wrapper.lastGeneration <= 1 + starts + 1, wrapper.output);
});

programTest("a change without any event is found by the poll", async () => {
  await using workspace = new Workspace();
  // A write through a hard link in another directory gives no event where the file is watched.
  const hidden = join(workspace.path, "unwatched", "link");
  await Deno.mkdir(dirname(hidden));
  await Deno.link(workspace.configuration, hidden);
  const wrapper = await workspace.serve({ flags: ["--poll-interval", "100ms"] });
  await Deno.writeTextFile(hidden, workspace.page("two"));
  await workspace.serves("two", wrapper);
  await wrapper.stopsAt(2);
});

testNeeding(
  [RUNNABLE, ROOT],
  "without inotify watches left the log names the limit, and the poll continues",
  async () => {
    await using workspace = new Workspace();
    const inOwnUserNamespace = [
      ...["unshare", "--user", "--map-root-user", "sh", "-c"],
      'echo 0 > /proc/sys/user/max_inotify_instances && exec "$@"',
      "sh",
    ];
    const wrapper = await workspace.serve({
      launcher: inOwnUserNamespace,
      flags: ["--poll-interval", "100ms"],
      hasEvents: false,
    });
    await wrapper.says(/warning .*cannot watch.*fs\.inotify\.max_user_instances.*poll/);
    await workspace.changeTo("two", wrapper);
    assert.equal(wrapper.output.match(/cannot watch/g)?.length, 1, wrapper.output);
  },
);

programTest("a FIFO in a watched directory stops events, not the poll or the end", async () => {
  await using workspace = new Workspace();
  const wrapper = await workspace.serve({ flags: ["--poll-interval", "100ms"] });
  await makeFifo(join(workspace.configurationDirectory, "fifo"));
  const moved = join(workspace.path, "moved");
  await Deno.rename(workspace.configurationDirectory, moved);
  await Deno.mkdir(workspace.configurationDirectory);
  await Deno.writeTextFile(workspace.configuration, workspace.page("two"));
  await workspace.serves("two", wrapper);
  await wrapper.endsBy("SIGTERM", 143);
});

programTest(
  "a FIFO in a watched directory does not stop the end, if stdout delays that",
  async () => {
    await using workspace = new Workspace();
    const full = join(workspace.binaries, "full");
    await makeFifo(full);
    const intoFull = `exec 3<>${full} && head -c 65536 /dev/zero >&3 && exec "$@" >&3`;
    const wrapper = workspace.start({
      launcher: ["sh", "-c", intoFull, "sh"],
      flags: ["--poll-interval", "10ms"],
    });
    await workspace.serves("one", wrapper);
    await wrapper.watches(workspace.path, workspace.configurationDirectory);
    await makeFifo(join(workspace.configurationDirectory, "fifo"));
    await wrapper.endsBy("SIGTERM", 143);
  },
);

programTest(
  "a file that is written to without a pause holds up neither a start, a change nor the end",
  async () => {
    await using workspace = new Workspace();
    await using _writer = writeWithoutPause(workspace.configurationDirectory);
    const maps = ["1", "2"].map((name) => join(workspace.path, name, "a.map"));
    for (const path of maps) {
      await Deno.mkdir(dirname(path));
      await Deno.writeTextFile(path, "");
    }
    const naming = (path: string, text: string) =>
      `${workspace.page(text)}    http-request deny if { path,map(${path}) -m found }\n`;
    await workspace.replace(naming(maps[0]!, "one"));
    const flags = ["--poll-interval", "100ms"];
    const wrapper = await workspace.serve({ flags, hasEvents: false });
    for (const [path, text] of [[maps[1]!, "two"], [maps[0]!, "three"]] as const) {
      await workspace.replace(naming(path, text));
      await workspace.serves(text, wrapper);
    }
    await wrapper.endsBy("SIGTERM", 143);
  },
);

programTest("an env file that becomes a FIFO rejects the reload and does no harm", async () => {
  await using workspace = new Workspace();
  const envFile = join(workspace.path, "env");
  await Deno.writeTextFile(envFile, "A=1\n");
  const wrapper = await workspace.serve({ env: { ENV_FILE: envFile, DISABLE_RELOAD: "true" } });
  await Deno.remove(envFile);
  await makeFifo(envFile);
  wrapper.signal("SIGHUP");
  await wrapper.says(/generation 2 rejected: cannot read env file .*not a regular file/);
  await wrapper.says(/generation 1 keeps serving; retry at the next signal/);
  await wrapper.endsBy("SIGTERM", 143);
});

programTest("with --no-reload a change waits for SIGHUP", async () => {
  await using workspace = new Workspace();
  const wrapper = await workspace.serve({ env: { DISABLE_RELOAD: "true" } });
  await workspace.replace(workspace.page("two"));
  wrapper.signal("SIGHUP");
  await workspace.serves("two", wrapper);
  await wrapper.says(/generation 2 serves.*by SIGHUP, changed: "/);
});

programTest(
  "with --no-reload a retry that finds other files waits for no second signal",
  async () => {
    await using workspace = new Workspace();
    const flags = ["--no-reload", "--min-reload-interval", "3s"];
    const wrapper = await workspace.serve({ flags });
    using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    await workspace.replace(`${workspace.page("two")}    bind 127.0.0.1:${taken.addr.port}\n`);
    wrapper.signal("SIGHUP");
    await wrapper.says(/generation 2 rejected.*retry in 1s/);
    await workspace.replace(workspace.page("three"));
    await workspace.serves("three", wrapper);
    assert.ok(await wrapper.msBetween(/generation 2 rejected/, /generation 3 serves/) > 2_000);
  },
);

programTest("changes within --min-reload-interval are applied together", async () => {
  await using workspace = new Workspace();
  const wrapper = await workspace.serve({ flags: ["--min-reload-interval", "4s"] });
  await workspace.changeTo("two", wrapper);
  await workspace.replace(workspace.page("three"));
  await pause(100);
  await workspace.changeTo("four", wrapper);
  assert.ok(await wrapper.msBetween(/generation 2 serves/, /generation 3 serves/) > 3_000);
  await wrapper.stopsAt(3);
});

programTest("the env file is read at each start, and a change to it reloads", async () => {
  await using workspace = new Workspace();
  const envFile = join(workspace.path, "haproxy.env");
  await Deno.writeTextFile(envFile, "# a comment\nexport PAGE='from the file'\n");
  await workspace.replace(workspace.page("${PAGE}"));
  const wrapper = await workspace.serve({ env: { ENV_FILE: envFile } });
  assert.equal(await workspace.get(), "from the file");
  await Deno.writeTextFile(envFile, "PAGE=changed\n");
  await workspace.serves("changed", wrapper);
  await Deno.writeTextFile(envFile, "PAGE\n");
  await wrapper.says(/generation 3 rejected: env file .*line 1 .*generation 2 keeps serving/);
});

async function makeFifo(path: string): Promise<void> {
  await new Deno.Command("mkfifo", { args: [path] }).output();
}

/** Makes events faster than Deno reads them, until it is disposed of. Leaves the cores to whoever else wants them. */
function writeWithoutPause(directory: string): AsyncDisposable {
  const words = ["-n", "19", "dd", "if=/dev/zero", `of=${join(directory, "log")}`, "bs=1"];
  const writer = new Deno.Command("nice", { args: words, stderr: "null" }).spawn();
  return {
    async [Symbol.asyncDispose]() {
      writer.kill("SIGKILL");
      await writer.status;
    },
  };
}

async function replaceLink(target: string, link: string): Promise<void> {
  await Deno.symlink(target, `${link}.new`);
  await Deno.rename(`${link}.new`, link);
}

/** Writes half a page, and after `meanwhile` the page with this text; returns all answers until then. */
async function writeSlowly(
  workspace: Workspace,
  text: string,
  meanwhile: (
    write: (text: string) => Promise<unknown>,
    answer: () => Promise<unknown>,
  ) => Promise<void>,
): Promise<(string | null)[]> {
  const answers = new Set<string | null>();
  using file = await Deno.open(workspace.configuration, { write: true, truncate: true });
  const write = (text: string) => file.write(new TextEncoder().encode(text));
  await write(workspace.page("half"));
  await meanwhile(write, async () => answers.add(await workspace.get()));
  await file.truncate(0);
  await file.seek(0, Deno.SeekMode.Start);
  await write(workspace.page(text));
  return [...answers];
}
