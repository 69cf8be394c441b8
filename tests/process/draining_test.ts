/** Old processes finish what they have, within their limits, and none is forgotten. */
import assert from "node:assert/strict";
import { programTest } from "./program.ts";
import { waitFor } from "./wait.ts";
import { freeze, Workspace, type Wrapper } from "./wrapper.ts";

async function reload(workspace: Workspace, wrapper: Wrapper, text: string): Promise<void> {
  await workspace.replace(workspace.page(text));
  await workspace.serves(text, wrapper);
}

programTest("a request in flight is answered by the process that took it", async () => {
  await using workspace = new Workspace();
  const wrapper = await workspace.serve();
  using request = await workspace.openRequest();
  await reload(workspace, wrapper, "two");
  await request.write(new TextEncoder().encode("\r\n"));
  assert.match(await new Response(request.readable).text(), /one$/);
  await wrapper.saysMatching(/generation 1 drained in /);
});

programTest("an old process that does not drain within --shutdown-wait is ended then", async () => {
  await using workspace = new Workspace();
  const wrapper = await workspace.serve({
    args: ["-f", workspace.configuration, "--shutdown-wait", "300ms"],
  });
  using _request = await workspace.openRequest();
  await reload(workspace, wrapper, "two");
  await wrapper.saysMatching(/warning .*generation 1 was ended after .*before it had drained/);
  await waitFor("one process", () => workspace.haproxyPids().length === 1);
});

programTest("an old process that ignores SIGTERM is killed 5 s later", async () => {
  await using workspace = new Workspace();
  const wrapper = await workspace.serve({
    args: ["-f", workspace.configuration, "--shutdown-wait", "100ms"],
  });
  const [frozen] = workspace.haproxyPids();
  using _request = await workspace.openRequest();
  await workspace.replace(workspace.page("two"));
  await wrapper.saysMatching(/generation 2 serves/);
  await freeze(frozen!);
  await wrapper.saysMatching(/warning .*generation 1 was ended after .*before it had drained/);
  assert.equal(await workspace.get(), "two");
});

programTest("when more drain than --max-draining the oldest is ended", async () => {
  await using workspace = new Workspace();
  const wrapper = await workspace.serve({
    args: ["-f", workspace.configuration, "--max-draining", "1"],
  });
  using _first = await workspace.openRequest();
  await reload(workspace, wrapper, "two");
  using _second = await workspace.openRequest();
  await reload(workspace, wrapper, "three");
  await wrapper.saysMatching(/more than 1 old processes drain; generation 1, the oldest, is ended/);
  await wrapper.saysMatching(/generation 1 was ended after/);
  assert.equal(workspace.haproxyPids().length, 2, wrapper.output);
  wrapper.signal("SIGTERM");
  assert.equal(await wrapper.exitCode, 143);
  assert.deepEqual(workspace.haproxyPids(), []);
});

programTest("an old process that dies by itself is told and changes nothing", async () => {
  await using workspace = new Workspace();
  const wrapper = await workspace.serve();
  const [old] = workspace.haproxyPids();
  using _request = await workspace.openRequest();
  await reload(workspace, wrapper, "two");
  Deno.kill(old!, "SIGSEGV");
  await wrapper.saysMatching(
    /warning .*generation 1 was ended by SIGSEGV after .*before it had drained/,
  );
  assert.equal(await workspace.get(), "two");
});
