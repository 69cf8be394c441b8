/** With `--respawn` another generation replaces one that exited while serving. */
import assert from "node:assert/strict";
import { Observed } from "../../support/wrapper/observed.ts";
import { commonTest, programTest } from "../../support/wrapper/program.ts";
import { STAND_INS } from "../../support/haproxy/stand_ins.ts";
import { waitFor } from "../../support/wait.ts";
import { childrenOf, freeze } from "../../support/machine/processes.ts";
import { finish, Workspace } from "../../support/wrapper/workspace.ts";
import type { Wrapper } from "../../support/wrapper/wrapper.ts";

/** The pid of the only HAProxy besides `others`. */
function servingPid(workspace: Workspace, others: readonly number[] = []): number {
  const pids = workspace.haproxyPids().filter((pid) => !others.includes(pid));
  assert.equal(pids.length, 1, pids.join(" "));
  return pids[0]!;
}

for (
  const [signal, words] of [
    ["SIGSEGV", "was killed by SIGSEGV"],
    ["SIGKILL", "was killed by SIGKILL"],
    ["SIGUSR1", "exited with 0"],
  ] as const
) {
  programTest(`a serving process that ends by ${signal} is respawned`, async () => {
    await using workspace = new Workspace();
    const wrapper = await workspace.serve({ env: { HRW_RESPAWN: "5" } });
    Deno.kill(servingPid(workspace), signal);
    const start = `starting generation 2 in its place \\(respawn 1 of 5 in a minute\\)`;
    await wrapper.says(`error .*generation 1 ${words} while serving; ${start}`);
    await wrapper.says(`generation 2 serves, .*; respawned because generation 1 ${words}; 0 old`);
    assert.equal(await workspace.get(), "one");
    // A respawn is no change, so the next generation is.
    await workspace.changeTo("two", wrapper);
    await wrapper.stopsAt(3);
  });
}

programTest("a draining process is not touched, and its request is answered", async () => {
  await using workspace = new Observed();
  const wrapper = await workspace.serveObserved(["--respawn", "1"]);
  const old = servingPid(workspace);
  using request = await workspace.openRequest();
  await workspace.replace(workspace.page("two"));
  await wrapper.says(/generation 2 serves.*1 old process draining/);
  Deno.kill(servingPid(workspace, [old]), "SIGKILL");
  await wrapper.says(/generation 3 serves, .*; 1 old process draining/);
  assert.equal(await workspace.get(), "two");
  assert.match(await finish(request), /one$/);
  await wrapper.says(/generation 1 drained in /);
  const report = await workspace.report();
  assert.deepEqual([report.state, report.ready, report.draining], ["serving", true, []]);
  assert.deepEqual(report.changes[0], {
    ...report.changes[0],
    kind: "start",
    result: "success",
    reason: "respawned because generation 2 was killed by SIGKILL",
  });
  assert.equal(await workspace.metric("respawns_total"), 1);
  assert.equal(await workspace.metric('process_exits_total{role="serving",status="137"}'), 1);
});

programTest("when a minute's respawns are used up, it exits with the last status", async () => {
  await using workspace = new Workspace();
  const wrapper = await workspace.serve({ env: { HRW_RESPAWN: "2" } });
  for (const generation of [1, 2]) {
    Deno.kill(servingPid(workspace), "SIGKILL");
    await wrapper.says(`generation ${generation + 1} serves`);
  }
  Deno.kill(servingPid(workspace), "SIGSEGV");
  await wrapper.endsWith(139);
  assert.match(
    wrapper.output,
    /generation 3 was killed by SIGSEGV .*; 2 respawns in a minute are used up, .*exiting with 139/,
  );
  assert.deepEqual(workspace.haproxyPids(), []);
});

programTest("a respawn reads what is on disk", async () => {
  await using workspace = new Workspace();
  const wrapper = await workspace.serve({
    flags: ["--respawn", "5", "--min-reload-interval", "1m"],
  });
  await workspace.changeTo("two", wrapper);
  await waitFor("one process", () => workspace.haproxyPids().length === 1);
  // Delayed, as a reload has just ended; but any start reads it.
  await workspace.replace(workspace.page("three"));
  Deno.kill(servingPid(workspace), "SIGKILL");
  await workspace.serves("three", wrapper);
});

commonTest("a process on standby is not used for a respawn", async () => {
  await using workspace = new Workspace();
  const wrapper = await workspace.serve({ flags: ["--respawn", "5", "--settle-time", "600ms"] });
  const serving = servingPid(workspace);
  await workspace.replace(workspace.page("two"));
  await waitFor("the process on standby", () => workspace.haproxyPids().length === 2);
  Deno.kill(serving, "SIGKILL");
  await wrapper.says(/generation 2 serves, .*respawned/);
  await workspace.serves("two", wrapper);
  await wrapper.until("one process", () => workspace.haproxyPids().length === 1);
});

/** Generation 2 has been started for a change, and waits for `go`. */
async function inReload(workspace: Workspace, respawn: string): Promise<Wrapper> {
  await workspace.standIn(STAND_INS.is_haproxy);
  const wrapper = await workspace.serve({ env: { HRW_SETTLE_TIME: "0s", HRW_RESPAWN: respawn } });
  await workspace.standIn(STAND_INS.waits_for_go);
  await workspace.replace(workspace.page("two"));
  await waitFor("the new process", () => childrenOf(wrapper.pid).length === 2);
  return wrapper;
}

const letGo = (workspace: Workspace) => Deno.writeTextFile(workspace.at("go"), "");

programTest("a reload that can no longer take over is followed by a start", async () => {
  await using workspace = new Workspace();
  const wrapper = await inReload(workspace, "1");
  const serving = workspace.haproxyPids().find((pid) => isHaproxy(pid))!;
  Deno.kill(serving, "SIGSEGV");
  await wrapper.says(
    /generation 1 was killed by SIGSEGV .*; generation 2, already starting, takes its place \(respawn 1 of 1 /,
  );
  await letGo(workspace);
  await wrapper.says(/generation 2 did not start: .*; .*starting generation 3 at once/);
  await workspace.serves("two", wrapper);
  await wrapper.stopsAt(3);
});

programTest("a reload that has the listeners goes on and loses no connection", async () => {
  await using workspace = new Workspace();
  const wrapper = await inReload(workspace, "1");
  const serving = workspace.haproxyPids().find((pid) => isHaproxy(pid))!;
  // The wrapper must not notice that it has started.
  await freeze(wrapper.pid);
  await letGo(workspace);
  await waitFor("the new process to serve", async () => await workspace.get() === "two");
  Deno.kill(serving, "SIGKILL");
  for (let asked = 0; asked < 20; asked++) assert.equal(await workspace.get(), "two");
  wrapper.signal("SIGCONT");
  await wrapper.says(/generation 2, already starting, takes its place/);
  await wrapper.says(/generation 2 serves, .*reloaded after a change, changed: /);
  await workspace.serves("two", wrapper);
  await wrapper.stopsAt(2);
});

programTest("a death during a hot apply starts what is on disk", async () => {
  await using workspace = new Observed();
  const map = workspace.at("a.map");
  await Deno.writeTextFile(map, "key before\n");
  const answer = `content-type text/plain lf-string %[str(key),map(${map})]`;
  const page = workspace.page("one").replace(/content-type .*/, answer);
  await workspace.replace(page);
  const wrapper = await workspace.serveObserved(["--respawn", "5"]);
  assert.equal(await workspace.get(), "before");
  const serving = servingPid(workspace);
  await freeze(serving);
  await workspace.replace("key after\n", map);
  await workspace.reports("a change in place", ({ state }) => state === "hot_applying", wrapper);
  Deno.kill(serving, "SIGKILL");
  await wrapper.says(/generation 1 was killed by SIGKILL .*\(respawn 1 of 5/);
  await wrapper.says(/generation \d serves, .*; respawned because/);
  assert.equal(await workspace.get(), "after");
  // Maps are hot-applied as before.
  const generation = wrapper.lastGeneration;
  await workspace.replace("key later\n", map);
  await workspace.serves("later", wrapper);
  assert.equal(wrapper.lastGeneration, generation, wrapper.output);
});

programTest("a refused configuration uses up the respawns", async () => {
  await using workspace = new Workspace();
  const wrapper = await workspace.serve({ env: { HRW_RESPAWN: "2" } });
  await workspace.replace("nonsense\n");
  await wrapper.says(/generation 2 rejected/);
  Deno.kill(servingPid(workspace), "SIGKILL");
  await wrapper.says(
    /generation 3 did not start: haproxy exited with 1 .*; nothing serves, starting generation 4 in 1s \(respawn 2 of 2/,
  );
  await wrapper.endsWith(137);
  assert.match(
    wrapper.output,
    /generation 4 did not start: .*; nothing serves, all 2 respawns failed, exiting with 137/,
  );
});

programTest("a configuration repaired between two attempts is loaded at once", async () => {
  await using workspace = new Workspace();
  const wrapper = await workspace.serve({ flags: ["--respawn", "5", "--log-format", "json"] });
  await workspace.replace("nonsense\n");
  await wrapper.says(/generation 2 rejected/);
  Deno.kill(servingPid(workspace), "SIGKILL");
  const failed = /starting generation 6 in 4s/;
  await wrapper.says(failed);
  await workspace.replace(workspace.page("mended"));
  const gapMs = await wrapper.msBetween(failed, /generation 6 serves/);
  const { durationMs } = JSON.parse(
    wrapper.lines.find((line) => /generation 6 serves/.test(line))!,
  );
  assert.ok(gapMs - durationMs < 3_500, wrapper.output);
  await workspace.serves("mended", wrapper);
});

/** Generation 1 has died, and 2, in its place, does not become ready. */
async function inRespawn<Kind extends Workspace>(
  workspace: Kind,
  { standIn, args = [] }: { readonly standIn: string; readonly args?: readonly string[] },
): Promise<Wrapper> {
  await workspace.standIn(STAND_INS.is_haproxy);
  const wrapper = await workspace.serve({ flags: ["--respawn", "5", ...args] });
  await workspace.standIn(standIn);
  const serving = servingPid(workspace);
  Deno.kill(serving, "SIGKILL");
  await wrapper.says(/starting generation 2 in its place/);
  return wrapper;
}

const STATUS_OF = { SIGTERM: 143, SIGINT: 130, SIGUSR1: 0 } as const;

for (const [signal, status] of Object.entries(STATUS_OF)) {
  programTest(`${signal} ends a respawn as it ends the first start`, async () => {
    await using workspace = new Workspace();
    const wrapper = await inRespawn(workspace, { standIn: STAND_INS.never_ready });
    await waitFor("the new process", () => childrenOf(wrapper.pid).length === 1);
    await wrapper.endsBy(signal as Deno.Signal, status);
    assert.deepEqual(childrenOf(wrapper.pid), []);
  });

  programTest(`${signal} between two attempts, without any process, exits at once`, async () => {
    await using workspace = new Workspace();
    const wrapper = await inRespawn(workspace, { standIn: STAND_INS.dies_before_ready });
    await wrapper.says(/starting generation 3 in 1s/);
    await wrapper.endsBy(signal as Deno.Signal, status);
    assert.doesNotMatch(wrapper.output, /generation 3 (?:serves|did not start)/);
  });
}

programTest("a signal or change during a respawn is handled after it", async () => {
  for (const what of ["SIGHUP", "change"] as const) {
    await using workspace = new Workspace();
    const wrapper = await inRespawn(workspace, { standIn: STAND_INS.waits_for_go });
    await waitFor("the new process", () => childrenOf(wrapper.pid).length === 1);
    if (what === "SIGHUP") wrapper.signal("SIGHUP");
    else await workspace.replace(workspace.page("two"));
    await letGo(workspace);
    await wrapper.says(/generation 2 serves/);
    await wrapper.says(
      what === "SIGHUP" ? /generation 3 serves.*by SIGHUP/ : /generation 3 serves.*after a change/,
    );
    await workspace.serves(what === "SIGHUP" ? "one" : "two", wrapper);
  }
});

programTest("during a respawn it is alive but not ready", async () => {
  await using workspace = new Observed();
  const wrapper = await inRespawn(workspace, {
    standIn: STAND_INS.waits_for_go,
    args: ["--status-listen", `127.0.0.1:${workspace.statusPort}`],
  });
  assert.equal((await workspace.ask("/healthz")).status, 200);
  const ready = await workspace.ask("/readyz");
  assert.deepEqual([ready.status, ready.body], [
    503,
    "generation 2 is not ready yet, generation 1 was killed by SIGKILL\n",
  ]);
  assert.match((await workspace.ask("/")).body, /Respawning/);
  await letGo(workspace);
  await wrapper.says(/generation 2 serves/);
  assert.equal((await workspace.ask("/readyz")).status, 200);
});

commonTest("there is no respawn during the drain delay", async () => {
  await using workspace = new Workspace();
  const wrapper = await workspace.serve({ env: { HRW_RESPAWN: "5", HRW_DRAIN_DELAY: "1m" } });
  wrapper.signal("SIGUSR1");
  await wrapper.says(/no longer ready/);
  Deno.kill(servingPid(workspace), "SIGSEGV");
  await wrapper.endsWith(139);
});

/** A waiting stand-in is a shell. */
const isHaproxy = (pid: number) =>
  Deno.readTextFileSync(`/proc/${pid}/comm`).trim() === "haproxy" &&
  Deno.readLinkSync(`/proc/${pid}/exe`).endsWith("haproxy");
