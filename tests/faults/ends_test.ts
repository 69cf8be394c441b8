/** What ends the wrapper: its serving process is killed in a handoff, or a signal arrives while nobody reads stdout. */
import assert from "node:assert/strict";
import { afterFirstAnswer } from "./families/new_process.ts";
import { fillStdout } from "./families/output.ts";
import { isThere } from "../support/machine/files.ts";
import { waitFor } from "../support/wait.ts";
import { StatsProxy } from "./world/stats_proxy.ts";
import { World } from "./world/world.ts";

Deno.test("the old process is killed in the middle of a handoff", async () => {
  await using world = await World.serving();
  await world.stopTraffic();
  const pid = await world.servingPid();
  const proxy = await StatsProxy.begin(
    world,
    afterFirstAnswer(async () => {
      Deno.kill(pid, "SIGKILL");
      // Until then the wrapper may believe that it hands over in time.
      await waitFor("the wrapper to reap it", () => !isThere(`/proc/${pid}`));
    }),
  );
  await world.change();
  await world.wrapper.endsWith(137);
  assert.match(world.wrapper.output, /generation 1 was killed by SIGKILL while serving/);
  await proxy.end();
});

Deno.test("a signal comes while nobody reads stdout", async () => {
  await using world = await World.serving();
  world.wrapper.holdStdout();
  await fillStdout(world);
  await world.stopTraffic();
  world.wrapper.signal("SIGTERM");
  assert.equal((await world.wrapper.child.status).code, 143);
  assert.deepEqual(world.haproxyPids(), []);
});
