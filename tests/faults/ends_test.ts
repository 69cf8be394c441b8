/** What ends all: the process that serves is killed, which gives its status, or a signal while nobody reads stdout. */
import assert from "node:assert/strict";
import { afterFirstAnswer } from "./new_process_faults.ts";
import { fillStdout } from "./output_faults.ts";
import { StatsProxy } from "./stats_proxy.ts";
import { waitFor } from "../support/wait.ts";
import { World } from "./world.ts";

Deno.test("the old process is killed in the middle of a handoff", async () => {
  await using world = await World.serving();
  await world.stopTraffic();
  const pid = await world.servingPid();
  const proxy = await StatsProxy.begin(world, afterFirstAnswer(() => Deno.kill(pid, "SIGKILL")));
  await world.change();
  await endsWith(world, 137, /generation 1 was ended by SIGKILL while serving/);
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
  await endsWith(world, 137, /generation 2 was ended by SIGKILL while serving/);
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

async function endsWith(world: World, status: number, line: RegExp): Promise<void> {
  assert.equal(await world.wrapper.exitCode, status, world.wrapper.output);
  assert.match(world.wrapper.output, line);
  assert.deepEqual(world.haproxyPids(), [], world.wrapper.output);
  assert.deepEqual([...Deno.readDirSync(world.runtimeDirectory)], [], world.wrapper.output);
}
