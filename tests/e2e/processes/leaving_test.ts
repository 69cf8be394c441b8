/** How an instance leaves: it is not ready, then drains, then ends. */
import assert from "node:assert/strict";
import { finish } from "../../support/wrapper/workspace.ts";
import { Observed } from "../../support/wrapper/observed.ts";
import { commonTest, programTest } from "../../support/wrapper/program.ts";
import { waitFor } from "../../support/wait.ts";

programTest("after SIGUSR1 it is not ready at once, but serves through the delay", async () => {
  await using workspace = new Observed();
  const wrapper = await workspace.serveObserved(["--drain-delay", "700ms"]);
  wrapper.signal("SIGUSR1");
  await waitFor("it not to be ready", async () => (await workspace.ask("/readyz")).status === 503);
  assert.equal(await workspace.get(), "one");
  assert.deepEqual((await workspace.ask("/healthz")).status, 200);
  assert.match((await workspace.ask("/readyz")).body, /leaving/);
  assert.match(
    wrapper.output,
    /SIGUSR1 received: no longer ready; HAProxy serves for another 700ms/,
  );
  using request = await workspace.openRequest();
  await wrapper.says(/HAProxy finishes its connections, then the wrapper exits/);
  await waitFor("no more connections", async () => await workspace.get() === null);
  assert.equal((await workspace.report()).state, "draining");
  assert.match(await finish(request), /one$/);
  assert.equal(await wrapper.exitCode, 0);
});

programTest("a graceful SIGTERM drains and exits with 0", async () => {
  await using workspace = new Observed();
  const wrapper = await workspace.serveObserved(["--graceful-term"]);
  using request = await workspace.openRequest();
  wrapper.signal("SIGTERM");
  await wrapper.says(/SIGTERM received: HAProxy finishes its connections/);
  assert.match(await finish(request), /one$/);
  assert.equal(await wrapper.exitCode, 0);
});

commonTest("a second graceful SIGTERM exits at once", async () => {
  await using workspace = new Observed();
  const wrapper = await workspace.serve({
    env: { HRW_GRACEFUL_TERM: "true", HRW_DRAIN_DELAY: "1m" },
  });
  using _request = await workspace.openRequest();
  wrapper.signal("SIGTERM");
  await wrapper.says(/SIGTERM received: no longer ready/);
  await wrapper.endsBy("SIGTERM", 143);
});

commonTest("a second SIGUSR1 skips the delay", async () => {
  await using workspace = new Observed();
  const wrapper = await workspace.serveObserved(["--drain-delay", "1m"]);
  wrapper.signal("SIGUSR1");
  await wrapper.says(/no longer ready/);
  await workspace.replace(workspace.page("never served"));
  await wrapper.endsBy("SIGUSR1", 0);
  assert.equal(wrapper.lastGeneration, 1);
});

commonTest("--shutdown-wait limits the final drain, and the log says what it cut", async () => {
  await using workspace = new Observed();
  const wrapper = await workspace.serveObserved(["--shutdown-wait", "500ms"]);
  using _request = await workspace.openRequest();
  await wrapper.endsBy("SIGUSR1", 0);
  assert.match(
    wrapper.output,
    /generation 1 ended with 1 connection open after .*: its --shutdown-wait had expired\n/,
  );
});
