/** How an instance leaves: first it is not ready, then it drains, then it is gone. */
import assert from "node:assert/strict";
import { Observed } from "../support/observed.ts";
import { commonTest, programTest } from "../support/program.ts";
import { waitFor } from "../support/wait.ts";

programTest(
  "after SIGUSR1 it is not ready at once, and serves until the delay is over",
  async () => {
    await using workspace = new Observed();
    const wrapper = await workspace.serveObserved(["--drain-delay", "700ms"]);
    wrapper.signal("SIGUSR1");
    await waitFor(
      "it not to be ready",
      async () => (await workspace.ask("/readyz")).status === 503,
    );
    assert.equal(await workspace.get(), "one");
    assert.deepEqual((await workspace.ask("/healthz")).status, 200);
    assert.match((await workspace.ask("/readyz")).body, /leaving/);
    assert.match(
      wrapper.output,
      /SIGUSR1 received: no longer ready; HAProxy serves for another 700ms/,
    );
    using request = await workspace.openRequest();
    await wrapper.saysMatching(/HAProxy finishes its connections, then the wrapper exits/);
    await waitFor("no more connections", async () => await workspace.get() === null);
    assert.equal((await workspace.report()).state, "draining");
    await request.write(new TextEncoder().encode("\r\n"));
    assert.match(await new Response(request.readable).text(), /one$/);
    assert.equal(await wrapper.exitCode, 0);
  },
);

programTest("a graceful SIGTERM drains, and ends with 0", async () => {
  await using workspace = new Observed();
  const wrapper = await workspace.serveObserved(["--graceful-term"]);
  using request = await workspace.openRequest();
  wrapper.signal("SIGTERM");
  await wrapper.saysMatching(/SIGTERM received: HAProxy finishes its connections/);
  await request.write(new TextEncoder().encode("\r\n"));
  assert.match(await new Response(request.readable).text(), /one$/);
  assert.equal(await wrapper.exitCode, 0);
});

commonTest("a second graceful SIGTERM ends at once", async () => {
  await using workspace = new Observed();
  const wrapper = await workspace.serve({
    env: { HRW_GRACEFUL_TERM: "true", HRW_DRAIN_DELAY: "1m" },
  });
  using _request = await workspace.openRequest();
  wrapper.signal("SIGTERM");
  await wrapper.saysMatching(/SIGTERM received: no longer ready/);
  wrapper.signal("SIGTERM");
  assert.equal(await wrapper.exitCode, 143);
  assert.deepEqual(workspace.haproxyPids(), []);
});

commonTest("a second SIGUSR1 does not wait for the delay", async () => {
  await using workspace = new Observed();
  const wrapper = await workspace.serveObserved(["--drain-delay", "1m"]);
  wrapper.signal("SIGUSR1");
  await wrapper.saysMatching(/no longer ready/);
  await workspace.replace(workspace.page("never served"));
  wrapper.signal("SIGUSR1");
  assert.equal(await wrapper.exitCode, 0);
  assert.equal(wrapper.lastGeneration, 1);
});

commonTest(
  "the last drain with --shutdown-wait ends with 0 too, and tells what it cut",
  async () => {
    await using workspace = new Observed();
    const wrapper = await workspace.serveObserved(["--shutdown-wait", "500ms"]);
    using _request = await workspace.openRequest();
    wrapper.signal("SIGUSR1");
    assert.equal(await wrapper.exitCode, 0);
    assert.match(
      wrapper.output,
      /generation 1 ended with 1 connection open after .*: its --shutdown-wait was over\n/,
    );
  },
);
