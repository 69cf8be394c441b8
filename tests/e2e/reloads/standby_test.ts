/** The process on standby while a change settles: it serves, or it ends. */
import assert from "node:assert/strict";
import { programTest } from "../../support/wrapper/program.ts";
import { STAND_INS } from "../../support/haproxy/stand_ins.ts";
import { Workspace } from "../../support/wrapper/workspace.ts";
import type { Wrapper } from "../../support/wrapper/wrapper.ts";

const LONG_SETTLE = ["--settle-time", "1s", "--poll-interval", "0"];

/** Waits until there are that many HAProxy processes. */
async function areThere(workspace: Workspace, wrapper: Wrapper, count: number): Promise<void> {
  await wrapper.until(`${count} processes`, () => workspace.haproxyPids().length === count);
}

programTest("the process on standby is the one that serves", async () => {
  await using workspace = new Workspace();
  const wrapper = await workspace.serve({ flags: LONG_SETTLE });
  const [old] = workspace.haproxyPids();
  await workspace.replace(workspace.page("two"));
  await areThere(workspace, wrapper, 2);
  const [waiting] = workspace.haproxyPids().filter((pid) => pid !== old);
  assert.equal(await workspace.get(), "one");
  await workspace.serves("two", wrapper);
  await areThere(workspace, wrapper, 1);
  assert.deepEqual(workspace.haproxyPids(), [waiting], wrapper.output);
  await wrapper.stopsAt(2);
});

programTest("it reads the settled files, not those at its start", async () => {
  await using workspace = new Workspace();
  const wrapper = await workspace.serve({ flags: LONG_SETTLE });
  await workspace.replace("nonsense\n");
  await areThere(workspace, wrapper, 2);
  await workspace.changeTo("two", wrapper);
  await wrapper.stopsAt(2);
  assert.doesNotMatch(wrapper.output, /nonsense/);
});

programTest("an unneeded process on standby ends silently", async () => {
  await using workspace = new Workspace();
  const wrapper = await workspace.serve({ flags: LONG_SETTLE });
  await workspace.replace(workspace.page("two"));
  await areThere(workspace, wrapper, 2);
  await workspace.replace(workspace.page("one"));
  await areThere(workspace, wrapper, 1);
  // HAProxy 2.6 causes a warning at the start.
  const others = wrapper.lines.filter((line) => !/slows the serving process/.test(line));
  assert.equal(others.length, 1, wrapper.output);
  await workspace.changeTo("marker", wrapper);
  await wrapper.stopsAt(2);
});

programTest("a haproxy that cannot wait is started once the change has settled", async () => {
  await using workspace = new Workspace();
  await workspace.standIn(STAND_INS.cannot_wait);
  const wrapper = await workspace.serve({ flags: ["--settle-time", "500ms"] });
  for (const text of ["two", "three"]) await workspace.changeTo(text, wrapper);
  await wrapper.stopsAt(3);
  assert.doesNotMatch(wrapper.output, /rejected/);
});

programTest("a haproxy that fails on standby costs one retry, once", async () => {
  await using workspace = new Workspace();
  await workspace.standIn(STAND_INS.cannot_wait_long);
  const wrapper = await workspace.serve();
  for (const text of ["two", "three", "four"]) await workspace.changeTo(text, wrapper);
  await wrapper.says(/generation 5 serves/);
  assert.equal(wrapper.output.match(/rejected/g)?.length, 1, wrapper.output);
});

for (const [signal, exitCode] of [["SIGTERM", 143], ["SIGUSR1", 0]] as const) {
  programTest(`${signal} also ends a process on standby`, async () => {
    await using workspace = new Workspace();
    const wrapper = await workspace.serve({ flags: LONG_SETTLE });
    await workspace.replace(workspace.page("two"));
    await areThere(workspace, wrapper, 2);
    await wrapper.endsBy(signal, exitCode);
  });
}
