/** Whatever happens to a reload, the generation that served before keeps serving. */
import assert from "node:assert/strict";
import { haproxyTaking, testNeeding } from "../../support/needs.ts";
import { programTest, RUNNABLE } from "../../support/wrapper/program.ts";
import { STAND_INS } from "../../support/haproxy/stand_ins.ts";
import { pause, waitFor } from "../../support/wait.ts";
import { freePort } from "../../support/machine/free_port.ts";
import { MANY_BACKENDS, Workspace } from "../../support/wrapper/workspace.ts";
import type { Wrapper } from "../../support/wrapper/wrapper.ts";

/** Without a settle time there is no process on standby, so the first start is the handoff's. */
const NOTHING_AHEAD = { env: { HRW_SETTLE_TIME: "0s" } };

/** Waits until generation 2 is rejected for a matching reason and only 1 answers; 2 may until it is gone. */
async function isRejected(workspace: Workspace, wrapper: Wrapper, reason: RegExp): Promise<string> {
  const pattern =
    `error .*generation 2 rejected: .*${reason.source}.*; generation 1 keeps serving.*`;
  const [line] = await wrapper.says(pattern);
  await workspace.serves("one", wrapper);
  return line;
}

/** Waits until just one HAProxy is left. */
async function isAlone(workspace: Workspace, wrapper: Wrapper): Promise<void> {
  await wrapper.until(
    "all but the serving process to be gone",
    () => workspace.haproxyPids().length === 1,
  );
}

programTest("a configuration with an error is rejected and not retried", async () => {
  await using workspace = new Workspace();
  const wrapper = await workspace.serve({ flags: ["--poll-interval", "20ms"] });
  await workspace.replace("nonsense\n");
  const line = await isRejected(workspace, wrapper, /haproxy exited with 1 before it was ready/);
  assert.match(line, /retry when a file changes/);
  assert.match(wrapper.output, /\[ALERT\].*unknown keyword 'nonsense'/);
  await workspace.changeTo("marker", wrapper);
  await wrapper.stopsAt(3);
});

programTest("a change back to what is served needs no reload", async () => {
  await using workspace = new Workspace();
  const wrapper = await workspace.serve();
  // Generation 1 may or may not have read a change in the first milliseconds.
  await pause(100);
  await workspace.replace("nonsense\n");
  await isRejected(workspace, wrapper, /exited with 1/);
  await workspace.replace(workspace.page("one"));
  await wrapper.says(/back to what generation 1 serves; no reload needed/);
  await workspace.changeTo("marker", wrapper);
  await wrapper.stopsAt(3);
});

programTest("a taken port is retried until it is free", async () => {
  await using workspace = new Workspace();
  const taken = freePort();
  const listener = Deno.listen({ hostname: "127.0.0.1", port: taken });
  const wrapper = await workspace.serve();
  await workspace.replace(workspace.page("two") + `    bind 127.0.0.1:${taken}\n`);
  const line = await isRejected(workspace, wrapper, /exited with 1/);
  assert.match(line, /retry in 1s/);
  await wrapper.says(/generation 3 rejected: .*retry in 2s/);
  listener.close();
  await wrapper.says(/generation 4 serves.*by a retry/);
  assert.equal(await workspace.get(taken), "two");
});

programTest("a name that does not resolve is retried", async () => {
  await using workspace = new Workspace();
  const wrapper = await workspace.serve();
  const backend = "backend unresolved\n    server one name.invalid:80\n";
  await workspace.replace(workspace.page("two") + backend);
  const line = await isRejected(workspace, wrapper, /exited with 1/);
  assert.match(line, /retry in 1s/);
});

programTest("no frontend is rejected, because nothing would be served", async () => {
  await using workspace = new Workspace();
  const wrapper = await workspace.serve();
  await workspace.replace("defaults\n    mode http\n");
  const line = await isRejected(workspace, wrapper, /opened no listener/);
  assert.match(line, /retry when a file changes/);
  await isAlone(workspace, wrapper);
});

programTest('"master-worker" is rejected with its line, and leaves no worker', async () => {
  await using workspace = new Workspace();
  const wrapper = await workspace.serve();
  await workspace.replace(`global\n    master-worker\n${workspace.page("two")}`);
  await wrapper.says(
    /generation 2 rejected: "[^"]*haproxy.cfg" line 2 says "master-worker": remove it.*1 keeps serving/,
  );
  await isAlone(workspace, wrapper);
  await workspace.serves("one", wrapper);
});

const EXPOSED = "global\n    expose-deprecated-directives\n";
const PROGRAM_SECTION = "program logger\n    command sleep 100\n";

for (
  const [needs, what, section] of [
    [[RUNNABLE], "", PROGRAM_SECTION],
    [
      [RUNNABLE, haproxyTaking(EXPOSED)],
      " where it is exposed as deprecated",
      EXPOSED + PROGRAM_SECTION,
    ],
  ] as const
) {
  const name = `a "program" section${what} is rejected with its line and what to do`;
  testNeeding(needs, name, async () => {
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

programTest("a haproxy that cannot run for a while, as in an upgrade, is retried", async () => {
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

programTest("a process that serves while a failure is diagnosed is drained", async () => {
  await using workspace = new Workspace();
  await workspace.standIn(STAND_INS.is_haproxy);
  const wrapper = await workspace.serve(NOTHING_AHEAD);
  await workspace.standIn(STAND_INS.dies_once);
  await workspace.replace(workspace.page("two"));
  await wrapper.says(/generation 2 rejected: haproxy exited with 3 before it was ready/);
  assert.notEqual(await workspace.get(), null);
  await wrapper.says(/generation 3 serves, .*reloaded by a retry/);
  await workspace.serves("two", wrapper);
  await wrapper.until("one process", () => workspace.haproxyPids().length === 1);
});

programTest("a process that hangs during a diagnosis is ended", async () => {
  await using workspace = new Workspace();
  await workspace.standIn(STAND_INS.is_haproxy);
  const wrapper = await workspace.serve(NOTHING_AHEAD);
  await workspace.standIn(STAND_INS.dies_then_hangs);
  await workspace.replace(workspace.page("two"));
  await isRejected(workspace, wrapper, /exited with 3 before it was ready/);
  await workspace.standIn(STAND_INS.is_haproxy);
  await workspace.serves("two", wrapper);
  wrapper.signal("SIGUSR1");
  // Without --shutdown-wait nothing else would end it.
  await wrapper.endsWith(0);
});

programTest("another haproxy earlier in PATH is refused, with the remedy", async () => {
  await using workspace = new Workspace();
  const wrapper = await workspace.serve();
  await workspace.standIn(STAND_INS.is_haproxy);
  await workspace.replace(workspace.page("two"));
  await isRejected(workspace, wrapper, /cannot start "haproxy" .*restart the wrapper/);
});

programTest("without the private socket a reload takes --socket or is rejected", async () => {
  for (const hasUserSocket of [false, true]) {
    await using workspace = new Workspace();
    const socket = workspace.at("user.sock");
    const stats = `global\n    stats socket ${socket} mode 600 expose-fd listeners\n`;
    await workspace.replace(stats + workspace.page("one"));
    const wrapper = await workspace.serve({ env: hasUserSocket ? { HAPROXY_SOCKET: socket } : {} });
    await workspace.losePrivateFolder();
    await workspace.replace(stats + workspace.page("two"));
    if (hasUserSocket) await workspace.serves("two", wrapper);
    else {
      await isRejected(workspace, wrapper, /the private socket ".*1\.sock" is gone.*--socket/);
    }
  }
});

programTest("connections held on the user's own stats socket block no reload", async () => {
  await using workspace = new Workspace();
  const socket = workspace.at("user.sock");
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

programTest("a change during a handoff causes another reload", async () => {
  await using workspace = new Workspace();
  // A second process means that a handoff is running.
  const wrapper = await workspace.serve(NOTHING_AHEAD);
  // HAProxy parses so many backends that the file can change meanwhile.
  await workspace.replace(workspace.page("two") + MANY_BACKENDS);
  await waitFor("the new process", () => workspace.haproxyPids().length === 2);
  await workspace.replace(workspace.page("three"));
  // HAProxy may have read either; only a third generation is certain.
  await wrapper.says(/generation 3 serves/);
  await workspace.serves("three", wrapper);
});
