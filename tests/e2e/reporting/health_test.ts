/** `--health`, as health checks of containers run it. */
import assert from "node:assert/strict";
import { freePort } from "../../support/machine/free_port.ts";
import { Observed } from "../../support/wrapper/observed.ts";
import { programTest } from "../../support/wrapper/program.ts";
import { STAND_INS } from "../../support/haproxy/stand_ins.ts";
import { Workspace } from "../../support/wrapper/workspace.ts";

programTest("--health is 0 while HAProxy serves, and 1 afterwards", async () => {
  await using workspace = new Observed();
  const wrapper = await workspace.serveObserved();
  const env = { HRW_STATUS_LISTEN: `127.0.0.1:${workspace.statusPort}` };
  const healthy = workspace.start({ args: ["--health"], env });
  assert.deepEqual([await healthy.exitCode, healthy.output], [0, "ok\n"]);
  wrapper.signal("SIGTERM");
  await wrapper.endsWith(143);
  const unhealthy = workspace.start({ args: ["--health"], env });
  assert.equal(await unhealthy.exitCode, 1);
  assert.match(unhealthy.output, /cannot ask the status at "http:.*": Connection refused\n$/);
});

programTest("--health is 1 until HAProxy serves, and says why", async () => {
  await using workspace = new Workspace();
  await workspace.standIn(STAND_INS.never_ready);
  const address = `unix:${workspace.at("status.sock")}`;
  const env = { HRW_STATUS_LISTEN: address };
  const wrapper = workspace.start({ env });
  await wrapper.says(/status, health and metrics on unix:/);
  // Another configuration, which is not its business, does not matter.
  const args = ["--health", "-f", workspace.at("missing.cfg"), "--status-listen", address];
  const health = workspace.start({ args });
  assert.equal(await health.exitCode, 1);
  assert.equal(health.output, "haproxy-reload-wrapper: generation 1 is not ready yet\n");
  wrapper.signal("SIGTERM");
  await wrapper.endsWith(143);
});

programTest("--health without an address, or with a wrong one, is 64", async () => {
  await using workspace = new Workspace();
  const none = workspace.start({ args: ["--health"] });
  assert.equal(await none.exitCode, 64);
  assert.match(
    none.output,
    /"--health" needs "--status-listen" or HRW_STATUS_LISTEN, found neither/,
  );
  const wrong = workspace.start({ args: ["--health"], env: { HRW_STATUS_LISTEN: "here" } });
  assert.equal(await wrong.exitCode, 64);
  assert.match(wrong.output, /HRW_STATUS_LISTEN: found "here", wanted an address/);
  const unknown = workspace.start({ args: ["--health", "--statuslisten", `:${freePort()}`] });
  assert.equal(await unknown.exitCode, 64);
  assert.match(unknown.output, /unknown flag "--statuslisten"; did you mean "--status-listen"/);
});
