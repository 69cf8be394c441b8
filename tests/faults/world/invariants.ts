/** The invariants of the program, asserted during a fault and after it has been healed. */
import assert from "node:assert/strict";
import { waitFor } from "../../support/wait.ts";
import type { Fault } from "../fault.ts";
import { childrenOf, stateOf } from "../../support/machine/processes.ts";
import type { World } from "./world.ts";
import { namesIn } from "../../support/machine/files.ts";

/** How long a client may wait for an answer that takes a millisecond on an idle machine. */
const LONGEST_GAP_MS = 1_000;

/** The state of the world before a fault. */
export interface Mark {
  readonly outputLength: number;
  readonly generation: number;
  readonly pid: number;
}

export async function mark(world: World): Promise<Mark> {
  return {
    outputLength: world.wrapper.output.length,
    generation: world.servingGeneration,
    pid: await world.servingPid(),
  };
}

/** During the fault the same generation serves as before, is not stopping, and the status says so. */
export async function assertKept(world: World, before: Mark, fault: Fault): Promise<void> {
  assertTraffic(world, fault);
  if (fault.isSilent === true) return;
  const report = await world.report();
  const explain = `${fault.name}: ${JSON.stringify(report)}\n${world.wrapper.output}`;
  assert.equal(report.serving?.generation, before.generation, explain);
  assert.equal(report.serving?.pid, before.pid, explain);
  assert.deepEqual([report.healthy, report.ready, report.reason], [true, true, null], explain);
  await assertProbes(world);
  if (fault.stalls !== true) await assertNotStopping(world, explain);
  if (fault.expects.tag === "rejected") {
    const { reason } = fault.expects;
    assert.match(report.lastFailure?.reason ?? "", reason, explain);
    assert.equal(await world.metric("config_last_reload_successful"), 0, explain);
  }
}

/** Once healed, what is on disk is served, after one reload, and nothing else is left. */
export async function assertHealed(world: World, before: Mark, fault: Fault): Promise<void> {
  const explain = () => `${fault.name}\n${world.wrapper.output}`;
  const report = await waitFor("that what is on disk is served, and nothing drains", async () => {
    const report = await world.report();
    const { state, serving, lastFailure, draining } = report;
    // While both processes accept connections, the new one may have reached the old one again.
    if (draining.length > 0) await world.traffic.renewLongLived();
    return state === "serving" && serving?.servesDesired === true && lastFailure === null &&
      draining.length === 0 && report;
  }, { explain: () => `${explain()}\n${JSON.stringify(world.traffic.failures)}` });
  assert.deepEqual([report.healthy, report.ready], [true, true], explain());
  await assertProbes(world);
  assert.equal(await world.metric("config_last_reload_successful"), 1, explain());
  assert.equal(await world.metric("draining_processes"), 0, explain());
  await assertNotStopping(world, explain());
  const served = () =>
    world.wrapper.output.slice(before.outputLength).match(SERVES_ANEW)?.length ?? 0;
  if (fault.served !== null) {
    const wanted = fault.served ?? 1;
    await waitFor(`${wanted} reloads`, () => served() >= wanted, { explain });
    assert.equal(served(), wanted, explain());
  }
  await assertNoLeftovers(world);
  assertTraffic(world, fault);
}

/** A file that changed during the read is loaded once more. */
const SERVES_ANEW = /generation \d+ serves, (?!.*because files changed during the last reload)/g;

/** Neither processes nor private files nor open files of the wrapper. */
async function assertNoLeftovers(world: World): Promise<void> {
  const explain = () => world.wrapper.output;
  await waitFor("just one haproxy", () => world.haproxyPids().length === 1, {
    explain: () => `${world.haproxyPids()}\n${explain()}`,
  });
  await waitFor("no zombie", () => !childrenOf(world.wrapper.pid).some(isZombie), { explain });
  const isAllowed = allowedNames(world);
  const strangers = () =>
    namesIn(world.privateFolder)
      .filter((name) => !isAllowed(name));
  await waitFor("no leftovers in the private folder", () => strangers().length === 0, {
    explain: () => `${strangers()}\n${explain()}`,
  });
  await waitFor(
    `at most ${world.openFilesAtFirst} open files`,
    () => world.openFiles <= world.openFilesAtFirst,
    { explain: () => `${world.openFiles}\n${explain()}` },
  );
}

const isZombie = (pid: string) => stateOf(Number(pid)) === "Z";

/**
 * The files of the next generation may already exist for a process on standby; files that a test created
 * stay.
 */
function allowedNames(world: World): (name: string) => boolean {
  const numbers = [world.servingGeneration, world.wrapper.lastGeneration + 1];
  const all = numbers.flatMap((one) => [`${one}.sock`, `${one}-first.cfg`, `${one}-last.cfg`]);
  return (name) =>
    ["probe", "service.json"].includes(name) || all.includes(name) || name.endsWith(".real");
}

function assertTraffic(world: World, fault: Fault): void {
  const { traffic, wrapper } = world;
  if (fault.cuts === true) traffic.forgiveCuts();
  const explain = `${fault.name}: ${JSON.stringify(traffic.failures)}\n${wrapper.output}`;
  assert.deepEqual(traffic.failures, [], explain);
  const gapMs = traffic.takeLongestGapMs();
  if (fault.stalls !== true) {
    assert.ok(gapMs < LONGEST_GAP_MS, `a client waited ${gapMs} ms; ${explain}`);
  }
}

async function assertProbes(world: World): Promise<void> {
  for (const path of ["/healthz", "/readyz"]) {
    const { status, body } = await world.ask(path);
    assert.equal(status, 200, `${path}: ${body}\n${world.wrapper.output}`);
  }
}

/** HAProxy itself says so, on a connection that a stopping process would not accept. */
async function assertNotStopping(world: World, explain: string): Promise<void> {
  const answer = await world.askServing("show info");
  assert.match(answer ?? "no answer", /^Stopping: 0$/m, explain);
}
