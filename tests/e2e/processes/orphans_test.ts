/** Process 1 inherits every orphan of its container, and must reap it. */
import assert from "node:assert/strict";
import { FORM, programTest } from "../../support/wrapper/program.ts";
import { STAND_INS } from "../../support/haproxy/stand_ins.ts";
import { waitFor } from "../../support/wait.ts";
import { childrenOf } from "../../support/machine/processes.ts";
import { Workspace } from "../../support/wrapper/workspace.ts";
import type { Wrapper } from "../../support/wrapper/wrapper.ts";

if (FORM === "process_1") {
  programTest("hundreds of orphans are reaped during reloads, no status is confused", async () => {
    await using workspace = new Workspace();
    await workspace.standIn(STAND_INS.leaves_orphans);
    const wrapper = await workspace.serve();
    for (const number of [2, 4, 6, 8, 10, 12, 14, 16, 18, 20]) {
      await workspace.standIn(STAND_INS.leaves_orphans);
      wrapper.signal("SIGHUP");
      await wrapper.says(`generation ${number} serves`);
      await workspace.standIn(STAND_INS.leaves_orphans_and_dies);
      wrapper.signal("SIGHUP");
      await wrapper.says(`generation ${number + 1} rejected: haproxy exited with 7`);
    }
    await onlyHaproxyIsLeft(workspace, wrapper);
    assert.equal(await workspace.get(), "one");
    await wrapper.endsBy("SIGUSR1", 0);
  });

  programTest("orphans of a dead HAProxy do not hide its exit status", async () => {
    await using workspace = new Workspace();
    await workspace.standIn(STAND_INS.leaves_orphans);
    const wrapper = await workspace.serve();
    const serving = workspace.haproxyPids()[0]!;
    Deno.kill(serving, "SIGSEGV");
    await wrapper.endsWith(139);
  });

  programTest("children of the shell that became the program are reaped", async () => {
    await using workspace = new Workspace();
    const wrapper = await workspace.serve({
      launcher: ["sh", "-c", 'true & true & true & sleep 0.1; exec "$@"', "sh"],
    });
    await onlyHaproxyIsLeft(workspace, wrapper);
  });
}

async function onlyHaproxyIsLeft(workspace: Workspace, wrapper: Wrapper): Promise<void> {
  const haproxy = () => workspace.haproxyPids().map(String);
  await waitFor("the orphans to be gone", () => {
    const children = childrenOf(wrapper.pid);
    return children.length > 0 && children.every((pid) => haproxy().includes(pid));
  }, { explain: () => `${childrenOf(wrapper.pid)} beside ${haproxy()}\n${wrapper.output}` });
}
