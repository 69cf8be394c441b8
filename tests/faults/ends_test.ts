/** What no wrapper without --respawn can go on after: the process that serves is killed. All ends with its status. */
import assert from "node:assert/strict";
import { afterFirstAnswer } from "./new_process_faults.ts";
import { StatsProxy } from "./stats_proxy.ts";
import { waitFor } from "../process/wait.ts";
import { World } from "./world.ts";

Deno.test("the old process is killed in the middle of a handoff", async () => {
  await using world = await World.serving();
  await world.stopTraffic();
  const pid = await world.servingPid();
  const proxy = await StatsProxy.begin(world, afterFirstAnswer(() => Deno.kill(pid, "SIGKILL")));
  await world.change();
  await endsWith(world, 137, /generation 1 was ended by SIGKILL although it was to serve/);
  await proxy.end();
});

Deno.test("the new process is killed as soon as it serves", async () => {
  await using world = await World.serving();
  // The old one is still there, and drains; it cannot be asked to serve again.
  using _request = await world.openRequest();
  await world.stopTraffic();
  const pid = await world.servingPid();
  await world.change();
  await waitFor("the next generation", async () => await world.servingPid() !== pid);
  Deno.kill(await world.servingPid(), "SIGKILL");
  await endsWith(world, 137, /generation 2 was ended by SIGKILL although it was to serve/);
});

async function endsWith(world: World, status: number, line: RegExp): Promise<void> {
  assert.equal(await world.wrapper.exitCode, status, world.wrapper.output);
  assert.match(world.wrapper.output, line);
  assert.deepEqual(world.haproxyPids(), [], world.wrapper.output);
  assert.deepEqual([...Deno.readDirSync(world.runtimeDirectory)], [], world.wrapper.output);
}
