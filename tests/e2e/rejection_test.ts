/** Whatever happens to a reload, the generation that served before goes on serving. */
import assert from "node:assert/strict";
import { join } from "@std/path";
import { capabilityTest, needsSection } from "../support/capabilities.ts";
import { programTest } from "../support/program.ts";
import { STAND_INS } from "../support/stand_ins.ts";
import { pause, waitFor } from "../support/wait.ts";
import { freePort, Workspace, type Wrapper } from "../support/wrapper.ts";

/** Without a settle time no process is started ahead, so that the first start is that of the handoff. */
const NOTHING_AHEAD = { env: { HRW_SETTLE_TIME: "0s" } };

/** Waits until generation 2 is rejected for a reason that matches, and 1 alone answers: until it is gone, 2 may. */
async function isRejected(workspace: Workspace, wrapper: Wrapper, reason: RegExp): Promise<string> {
  const pattern =
    `error .*generation 2 rejected: .*${reason.source}.*; generation 1 keeps serving.*`;
  const [line] = await wrapper.saysMatching(new RegExp(pattern));
  await workspace.serves("one", wrapper);
  return line;
}

/** Waits until just one HAProxy is left. */
async function isAlone(workspace: Workspace, wrapper: Wrapper): Promise<void> {
  await waitFor(
    "all but the serving process to be gone",
    () => workspace.haproxyPids().length === 1,
    {
      explain: () => wrapper.output,
    },
  );
}

programTest("a configuration with an error is rejected once, and not tried again", async () => {
  await using workspace = new Workspace();
  const wrapper = await workspace.serve({
    args: ["-f", workspace.configuration, "--poll-interval", "20ms"],
  });
  await workspace.replace("nonsense\n");
  const line = await isRejected(workspace, wrapper, /haproxy exited with 1 before it was ready/);
  assert.match(line, /retry when a file changes/);
  assert.match(wrapper.output, /\[ALERT\].*unknown keyword 'nonsense'/);
  await workspace.replace(workspace.page("marker"));
  await workspace.serves("marker", wrapper);
  await wrapper.stopsAt(3);
});

programTest("a change back to what is served needs no reload", async () => {
  await using workspace = new Workspace();
  const wrapper = await workspace.serve();
  // What changes in the first milliseconds may have been read by generation 1 already, as far as anybody knows.
  await pause(100);
  await workspace.replace("nonsense\n");
  await isRejected(workspace, wrapper, /exited with 1/);
  await workspace.replace(workspace.page("one"));
  await wrapper.saysMatching(/again what generation 1 serves; no reload needed/);
  await workspace.replace(workspace.page("marker"));
  await workspace.serves("marker", wrapper);
  await wrapper.stopsAt(3);
});

programTest("a port that is taken is tried for until it is free", async () => {
  await using workspace = new Workspace();
  const taken = freePort();
  const listener = Deno.listen({ hostname: "127.0.0.1", port: taken });
  const wrapper = await workspace.serve();
  await workspace.replace(workspace.page("two") + `    bind 127.0.0.1:${taken}\n`);
  const line = await isRejected(workspace, wrapper, /exited with 1/);
  assert.match(line, /retry in 1s/);
  await wrapper.saysMatching(/generation 3 rejected: .*retry in 2s/);
  listener.close();
  await wrapper.saysMatching(/generation 4 serves.*by a retry/);
  assert.equal(await workspace.get(taken), "two");
});

programTest("a name that does not resolve may do so later, and is tried again", async () => {
  await using workspace = new Workspace();
  const wrapper = await workspace.serve();
  const backend = "backend unresolved\n    server one name.invalid:80\n";
  await workspace.replace(workspace.page("two") + backend);
  const line = await isRejected(workspace, wrapper, /exited with 1/);
  assert.match(line, /retry in 1s/);
});

for (
  const [what, content] of [["an empty file", ""], ["no frontend", "defaults\n    mode http\n"]]
) {
  programTest(`${what} is rejected, since nothing would be served`, async () => {
    await using workspace = new Workspace();
    const wrapper = await workspace.serve();
    await workspace.replace(content!);
    const line = await isRejected(workspace, wrapper, /opened no listener/);
    assert.match(line, /retry when a file changes/);
    await isAlone(workspace, wrapper);
  });
}

programTest(
  'the keyword "master-worker" is rejected with its line, and no worker is left',
  async () => {
    await using workspace = new Workspace();
    const wrapper = await workspace.serve();
    await workspace.replace(`global\n    master-worker\n${workspace.page("two")}`);
    await wrapper.saysMatching(
      /generation 2 rejected: "[^"]*haproxy.cfg" line 2 says "master-worker": remove it.*1 keeps serving/,
    );
    await isAlone(workspace, wrapper);
    await workspace.serves("one", wrapper);
  },
);

const EXPOSED = "global\n    expose-deprecated-directives\n";
const PROGRAM_SECTION = "program logger\n    command sleep 100\n";
const exposingTest = capabilityTest(needsSection(EXPOSED), programTest);

for (
  const [register, what, section] of [
    [programTest, "", PROGRAM_SECTION],
    [exposingTest, " where it is exposed as deprecated", EXPOSED + PROGRAM_SECTION],
  ] as const
) {
  register(`a "program" section${what} is rejected with its line and what to do`, async () => {
    await using workspace = new Workspace();
    const wrapper = await workspace.serve();
    const text = workspace.page("two") + section;
    await workspace.replace(text);
    const number = text.split("\n").indexOf("program logger") + 1;
    const line = await isRejected(
      workspace,
      wrapper,
      new RegExp(`haproxy.cfg" line ${number} begins a "program" section: remove it`),
    );
    assert.match(line, /run that program in a container.*retry when a file changes/);
  });
}

programTest("a process that never gets ready is ended after the ready timeout", async () => {
  await using workspace = new Workspace();
  await workspace.standIn(STAND_INS.is_haproxy);
  const wrapper = await workspace.serve({
    args: ["-f", workspace.configuration, "--ready-timeout", "2s"],
  });
  await workspace.standIn(STAND_INS.never_ready);
  await workspace.replace(workspace.page("two"));
  const line = await isRejected(workspace, wrapper, /did not serve within 2s/);
  assert.match(line, /retry in 1s/);
  await workspace.standIn(STAND_INS.is_haproxy);
  await workspace.serves("two", wrapper);
});

programTest("a process that answers with another pid is ended with its children", async () => {
  await using workspace = new Workspace();
  await workspace.standIn(STAND_INS.is_haproxy);
  const wrapper = await workspace.serve();
  await workspace.standIn(STAND_INS.answers_with_another_pid);
  await workspace.replace(workspace.page("two"));
  await isRejected(workspace, wrapper, /process \d+ answered in place of \d+/);
  await workspace.standIn(STAND_INS.is_haproxy);
  await workspace.serves("two", wrapper);
});

programTest("a process that dies in whatever way is told with its status", async () => {
  await using workspace = new Workspace();
  await workspace.standIn(STAND_INS.is_haproxy);
  const wrapper = await workspace.serve();
  await workspace.standIn(STAND_INS.dies_before_ready);
  await workspace.replace(workspace.page("two"));
  await isRejected(workspace, wrapper, /exited with 3 before it was ready/);
  await workspace.standIn(STAND_INS.dies_of_a_signal);
  await workspace.replace(workspace.page("three"));
  await wrapper.saysMatching(/generation \d+ rejected: haproxy was ended by SIGSEGV/);
});

programTest("a haproxy that cannot run for a while, as in an upgrade, is waited for", async () => {
  await using workspace = new Workspace();
  await workspace.standIn(STAND_INS.is_haproxy);
  const wrapper = await workspace.serve();
  await workspace.standIn(STAND_INS.lacks_a_library);
  await workspace.replace(workspace.page("two"));
  const line = await isRejected(workspace, wrapper, /exited with 127 before it was ready/);
  assert.match(line, /retry in 1s/);
  await workspace.standIn(STAND_INS.is_haproxy);
  await workspace.serves("two", wrapper);
});

programTest("what serves while a failure is looked into drains, and nobody notices", async () => {
  await using workspace = new Workspace();
  await workspace.standIn(STAND_INS.is_haproxy);
  const wrapper = await workspace.serve(NOTHING_AHEAD);
  await workspace.standIn(STAND_INS.dies_once);
  await workspace.replace(workspace.page("two"));
  await wrapper.saysMatching(/generation 2 rejected: haproxy exited with 3 before it was ready/);
  assert.notEqual(await workspace.get(), null);
  await wrapper.saysMatching(/generation 3 serves, .*reloaded by a retry/);
  await workspace.serves("two", wrapper);
  await waitFor("one process", () => workspace.haproxyPids().length === 1, {
    explain: () => wrapper.output,
  });
});

programTest("what hangs while a failure is looked into is ended all the same", async () => {
  await using workspace = new Workspace();
  await workspace.standIn(STAND_INS.is_haproxy);
  const wrapper = await workspace.serve(NOTHING_AHEAD);
  await workspace.standIn(STAND_INS.dies_then_hangs);
  await workspace.replace(workspace.page("two"));
  await isRejected(workspace, wrapper, /exited with 3 before it was ready/);
  await workspace.standIn(STAND_INS.is_haproxy);
  await workspace.serves("two", wrapper);
  wrapper.signal("SIGUSR1");
  // Nobody set --shutdown-wait, so nothing else would ever end it.
  assert.equal(await wrapper.exitCode, 0, wrapper.output);
  assert.deepEqual(workspace.haproxyPids(), []);
});

programTest("a missing haproxy is waited for", async () => {
  await using workspace = new Workspace();
  await workspace.standIn(STAND_INS.is_haproxy);
  const wrapper = await workspace.serve({ env: { PATH: `${workspace.binaries}:/bin` } });
  await Deno.remove(join(workspace.binaries, "haproxy"));
  await workspace.replace(workspace.page("two"));
  const line = await isRejected(workspace, wrapper, /cannot start "haproxy" from PATH/);
  assert.match(line, /retry in 1s/);
  await workspace.standIn(STAND_INS.is_haproxy);
  await workspace.serves("two", wrapper);
});

programTest("another haproxy in front in PATH is refused, with what to do", async () => {
  await using workspace = new Workspace();
  const wrapper = await workspace.serve();
  await workspace.standIn(STAND_INS.is_haproxy);
  await workspace.replace(workspace.page("two"));
  await isRejected(workspace, wrapper, /cannot start "haproxy" .*restart the wrapper/);
});

programTest("a haproxy that may not be executed is waited for", async () => {
  await using workspace = new Workspace();
  await workspace.standIn(STAND_INS.is_haproxy);
  const wrapper = await workspace.serve({ env: { PATH: `${workspace.binaries}:/bin` } });
  await Deno.chmod(join(workspace.binaries, "haproxy"), 0o644);
  await workspace.replace(workspace.page("two"));
  await isRejected(workspace, wrapper, /cannot start "haproxy" from PATH/);
  await Deno.chmod(join(workspace.binaries, "haproxy"), 0o755);
  await workspace.serves("two", wrapper);
});

programTest(
  "without the private socket a reload is rejected, and takes over by --socket if it is given",
  async () => {
    for (const hasUserSocket of [false, true]) {
      await using workspace = new Workspace();
      const socket = join(workspace.path, "user.sock");
      const stats = `global\n    stats socket ${socket} mode 600 expose-fd listeners\n`;
      await workspace.replace(stats + workspace.page("one"));
      const wrapper = await workspace.serve({
        env: hasUserSocket ? { HAPROXY_SOCKET: socket } : {},
      });
      for await (const { name } of Deno.readDir(workspace.runtimeDirectory)) {
        await Deno.remove(join(workspace.runtimeDirectory, name), { recursive: true });
      }
      await workspace.replace(stats + workspace.page("two"));
      if (hasUserSocket) await workspace.serves("two", wrapper);
      else {
        await isRejected(workspace, wrapper, /the private socket ".*1\.sock" is gone.*--socket/);
      }
    }
  },
);

programTest("connections held on the user's own stats socket are in nobody's way", async () => {
  await using workspace = new Workspace();
  const socket = join(workspace.path, "user.sock");
  const stats = `global\n    stats socket ${socket} mode 600 level admin\n`;
  await workspace.replace(stats + workspace.page("one"));
  const wrapper = await workspace.serve();
  const held = await Promise.all(
    Array.from({ length: 12 }, () => Deno.connect({ transport: "unix", path: socket })),
  );
  await workspace.replace(stats + workspace.page("two"));
  await workspace.serves("two", wrapper);
  held.forEach((connection) => connection.close());
});

programTest("a change during a handoff is applied by another reload", async () => {
  await using workspace = new Workspace();
  // The second process means that a handoff runs.
  const wrapper = await workspace.serve(NOTHING_AHEAD);
  // Parsing that many backends takes HAProxy long enough to change the file meanwhile.
  const backends = Array.from(
    { length: 3_000 },
    (_, n) => `backend b${n}\n    server s 127.0.0.1:1\n`,
  );
  await workspace.replace(workspace.page("two") + backends.join(""));
  await waitFor("the new process", () => workspace.haproxyPids().length === 2);
  await workspace.replace(workspace.page("three"));
  // Nobody can tell which of the two HAProxy has read, so only a third generation is sure.
  await wrapper.saysMatching(/generation 3 serves/);
  await workspace.serves("three", wrapper);
});
