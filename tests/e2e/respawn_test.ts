/** With `--respawn` another generation takes the place of one that served and ended by itself. */
import assert from "node:assert/strict";
import { join } from "@std/path";
import { Observed } from "../support/observed.ts";
import { commonTest, programTest } from "../support/program.ts";
import { STAND_INS } from "../support/stand_ins.ts";
import { waitFor } from "../support/wait.ts";
import { childrenOf, freeze, Workspace, type Wrapper } from "../support/wrapper.ts";

/** The pid of the only HAProxy, or of the one that is none of `others`. */
function servingPid(workspace: Workspace, others: readonly number[] = []): number {
  const pids = workspace.haproxyPids().filter((pid) => !others.includes(pid));
  assert.equal(pids.length, 1, pids.join(" "));
  return pids[0]!;
}

async function answerOf(request: Deno.TcpConn): Promise<string> {
  await request.write(new TextEncoder().encode("\r\n"));
  return await new Response(request.readable).text();
}

for (
  const [signal, words] of [
    ["SIGSEGV", "was ended by SIGSEGV"],
    ["SIGKILL", "was ended by SIGKILL"],
    ["SIGUSR1", "exited with 0"],
  ] as const
) {
  programTest(`what serves is started again when it ends by ${signal}`, async () => {
    await using workspace = new Workspace();
    const wrapper = await workspace.serve({ env: { HRW_RESPAWN: "5" } });
    Deno.kill(servingPid(workspace), signal);
    await wrapper.saysMatching(
      new RegExp(
        `error .*generation 1 ${words} while serving; ` +
          `starting generation 2 in its place \\(respawn 1 of 5 in a minute\\)`,
      ),
    );
    await wrapper.saysMatching(
      new RegExp(`generation 2 serves, .*; respawned because generation 1 ${words}; 0 old`),
    );
    assert.equal(await workspace.get(), "one");
    // Nothing that is on disk is new, so the next generation is the change's.
    await workspace.replace(workspace.page("two"));
    await workspace.serves("two", wrapper);
    await wrapper.stopsAt(3);
  });
}

programTest("what drains meanwhile goes on, and its open request is answered", async () => {
  await using workspace = new Observed();
  const wrapper = await workspace.serveObserved(["--respawn", "1"]);
  const old = servingPid(workspace);
  using request = await workspace.openRequest();
  await workspace.replace(workspace.page("two"));
  await wrapper.saysMatching(/generation 2 serves.*1 old process draining/);
  Deno.kill(servingPid(workspace, [old]), "SIGKILL");
  await wrapper.saysMatching(/generation 3 serves, .*; 1 old process draining/);
  assert.equal(await workspace.get(), "two");
  assert.match(await answerOf(request), /one$/);
  await wrapper.saysMatching(/generation 1 drained in /);
  const report = await workspace.report();
  assert.deepEqual([report.state, report.ready, report.draining], ["serving", true, []]);
  assert.deepEqual(report.changes[0], {
    ...report.changes[0],
    ...{ kind: "start", result: "success" },
    reason: "respawned because generation 2 was ended by SIGKILL",
  });
  assert.equal(await workspace.metric("respawns_total"), 1);
  assert.equal(
    await workspace.metric('process_exits_total{role="serving",status="137"}'),
    1,
  );
});

programTest("when all respawns of a minute are used up it ends with the last status", async () => {
  await using workspace = new Workspace();
  const wrapper = await workspace.serve({ env: { HRW_RESPAWN: "2" } });
  for (const generation of [1, 2]) {
    Deno.kill(servingPid(workspace), "SIGKILL");
    await wrapper.saysMatching(new RegExp(`generation ${generation + 1} serves`));
  }
  Deno.kill(servingPid(workspace), "SIGSEGV");
  assert.equal(await wrapper.exitCode, 139, wrapper.output);
  assert.match(
    wrapper.output,
    /generation 3 was ended by SIGSEGV .*; 2 respawns in a minute are used up, .*exiting with 139/,
  );
  assert.deepEqual(workspace.haproxyPids(), []);
});

programTest("what was read anew is what is watched from then on", async () => {
  await using workspace = new Workspace();
  const wrapper = await workspace.serve({
    args: ["-f", workspace.configuration, "--respawn", "5", "--min-reload-interval", "1m"],
  });
  await workspace.replace(workspace.page("two"));
  await workspace.serves("two", wrapper);
  await waitFor("one process", () => workspace.haproxyPids().length === 1);
  // Held, since the reload was just now; whatever starts reads it.
  await workspace.replace(workspace.page("three"));
  Deno.kill(servingPid(workspace), "SIGKILL");
  await workspace.serves("three", wrapper);
});

commonTest("a process that stands by for a reload is not taken for a respawn", async () => {
  await using workspace = new Workspace();
  const wrapper = await workspace.serve({
    args: ["-f", workspace.configuration, "--respawn", "5", "--settle-time", "600ms"],
  });
  const serving = servingPid(workspace);
  await workspace.replace(workspace.page("two"));
  await waitFor("the process on standby", () => workspace.haproxyPids().length === 2);
  Deno.kill(serving, "SIGKILL");
  await wrapper.saysMatching(/generation 2 serves, .*respawned/);
  await workspace.serves("two", wrapper);
  await waitFor("one process", () => workspace.haproxyPids().length === 1, {
    explain: () => wrapper.output,
  });
});

/** Generation 2 has been started for a change, and does not go on before it may. */
async function inReload(workspace: Workspace, respawn: string): Promise<Wrapper> {
  await workspace.standIn(STAND_INS.is_haproxy);
  const wrapper = await workspace.serve({ env: { HRW_SETTLE_TIME: "0s", HRW_RESPAWN: respawn } });
  await workspace.standIn(STAND_INS.waits_for_go);
  await workspace.replace(workspace.page("two"));
  await waitFor("the new process", () => childrenOf(wrapper.pid).length === 2);
  return wrapper;
}

const letGo = (workspace: Workspace) => Deno.writeTextFile(join(workspace.path, "go"), "");

programTest(
  "a reload that cannot take over any more is followed by a start that does not",
  async () => {
    await using workspace = new Workspace();
    const wrapper = await inReload(workspace, "1");
    const serving = workspace.haproxyPids().find((pid) => isHaproxy(pid))!;
    Deno.kill(serving, "SIGSEGV");
    await wrapper.saysMatching(
      /generation 1 was ended by SIGSEGV .*; generation 2, already starting, takes its place \(respawn 1 of 1 /,
    );
    await letGo(workspace);
    await wrapper.saysMatching(/generation 2 did not start: .*; .*starting generation 3 at once/);
    await workspace.serves("two", wrapper);
    await wrapper.stopsAt(3);
  },
);

programTest("a reload that has the listeners goes on, and no connection is lost", async () => {
  await using workspace = new Workspace();
  const wrapper = await workspace.serve({ env: { HRW_SETTLE_TIME: "0s", HRW_RESPAWN: "1" } });
  const serving = servingPid(workspace);
  // So many that HAProxy takes a while to start: the wrapper must not notice that it has.
  const backends = Array.from(
    { length: 3_000 },
    (_, n) => `backend b${n}\n    server s 127.0.0.1:1\n`,
  );
  await workspace.replace(workspace.page("two") + backends.join(""));
  await waitFor("the new process", () => workspace.haproxyPids().length === 2);
  await freeze(wrapper.pid);
  await waitFor("the new process to serve", async () => await workspace.get() === "two");
  Deno.kill(serving, "SIGKILL");
  for (let asked = 0; asked < 20; asked++) assert.equal(await workspace.get(), "two");
  wrapper.signal("SIGCONT");
  await wrapper.saysMatching(/generation 2, already starting, takes its place/);
  await wrapper.saysMatching(/generation 2 serves, .*reloaded for a change, changed: /);
  await workspace.serves("two", wrapper);
  await wrapper.stopsAt(2);
});

programTest("in the middle of a change in place what is on disk is started", async () => {
  await using workspace = new Observed();
  const map = join(workspace.path, "a.map");
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
  await wrapper.saysMatching(/generation 1 was ended by SIGKILL .*\(respawn 1 of 5/);
  await wrapper.saysMatching(/generation \d serves, .*; respawned because/);
  assert.equal(await workspace.get(), "after");
  // And maps go on being changed in place.
  const generation = wrapper.lastGeneration;
  await workspace.replace("key later\n", map);
  await workspace.serves("later", wrapper);
  assert.equal(wrapper.lastGeneration, generation, wrapper.output);
});

programTest(
  "with a refused configuration on disk the tries are used up, and the first status told",
  async () => {
    await using workspace = new Workspace();
    const wrapper = await workspace.serve({ env: { HRW_RESPAWN: "2" } });
    await workspace.replace("nonsense\n");
    await wrapper.saysMatching(/generation 2 rejected/);
    Deno.kill(servingPid(workspace), "SIGKILL");
    await wrapper.saysMatching(
      /generation 3 did not start: haproxy exited with 1 .*; nothing serves, starting generation 4 in 1s \(respawn 2 of 2/,
    );
    assert.equal(await wrapper.exitCode, 137, wrapper.output);
    assert.match(
      wrapper.output,
      /generation 4 did not start: .*; nothing serves, all 2 respawns failed, exiting with 137/,
    );
  },
);

programTest("a configuration that is mended between two tries is taken at once", async () => {
  await using workspace = new Workspace();
  const wrapper = await workspace.serve({
    args: ["-f", workspace.configuration, "--respawn", "5", "--log-format", "json"],
  });
  await workspace.replace("nonsense\n");
  await wrapper.saysMatching(/generation 2 rejected/);
  Deno.kill(servingPid(workspace), "SIGKILL");
  const failed = /starting generation 6 in 4s/;
  await wrapper.saysMatching(failed);
  await workspace.replace(workspace.page("mended"));
  assert.ok(await wrapper.msBetween(failed, /generation 6 serves/) < 4_000, wrapper.output);
  await workspace.serves("mended", wrapper);
});

/** Generation 1 has died, and 2 does not get on in its place. */
async function inRespawn<Kind extends Workspace>(
  workspace: Kind,
  { standIn, args = [] }: { readonly standIn: string; readonly args?: readonly string[] },
): Promise<Wrapper> {
  await workspace.standIn(STAND_INS.is_haproxy);
  const wrapper = await workspace.serve({
    args: ["-f", workspace.configuration, "--respawn", "5", ...args],
  });
  await workspace.standIn(standIn);
  const serving = servingPid(workspace);
  Deno.kill(serving, "SIGKILL");
  await wrapper.saysMatching(/starting generation 2 in its place/);
  return wrapper;
}

const STATUS_OF = { SIGTERM: 143, SIGINT: 130, SIGUSR1: 0 } as const;

for (const [signal, status] of Object.entries(STATUS_OF)) {
  programTest(`${signal} ends a start in the place of another as it ends the first`, async () => {
    await using workspace = new Workspace();
    const wrapper = await inRespawn(workspace, { standIn: STAND_INS.never_ready });
    await waitFor("the new process", () => childrenOf(wrapper.pid).length === 1);
    wrapper.signal(signal as Deno.Signal);
    assert.equal(await wrapper.exitCode, status, wrapper.output);
    assert.deepEqual(childrenOf(wrapper.pid), []);
  });

  programTest(`${signal} between two tries, when no process is there, ends at once`, async () => {
    await using workspace = new Workspace();
    const wrapper = await inRespawn(workspace, { standIn: STAND_INS.dies_before_ready });
    await wrapper.saysMatching(/starting generation 3 in 1s/);
    wrapper.signal(signal as Deno.Signal);
    assert.equal(await wrapper.exitCode, status, wrapper.output);
    assert.doesNotMatch(wrapper.output, /generation 3 (?:serves|did not start)/);
  });
}

programTest("a signal and a change during the start come after it", async () => {
  for (const what of ["SIGHUP", "change"] as const) {
    await using workspace = new Workspace();
    const wrapper = await inRespawn(workspace, { standIn: STAND_INS.waits_for_go });
    await waitFor("the new process", () => childrenOf(wrapper.pid).length === 1);
    if (what === "SIGHUP") wrapper.signal("SIGHUP");
    else await workspace.replace(workspace.page("two"));
    await letGo(workspace);
    await wrapper.saysMatching(/generation 2 serves/);
    await wrapper.saysMatching(
      what === "SIGHUP" ? /generation 3 serves.*by SIGHUP/ : /generation 3 serves.*for a change/,
    );
    await workspace.serves(what === "SIGHUP" ? "one" : "two", wrapper);
  }
});

programTest("during the start a liveness probe is content, a readiness probe is not", async () => {
  await using workspace = new Observed();
  const wrapper = await inRespawn(workspace, {
    standIn: STAND_INS.waits_for_go,
    args: ["--status-listen", `127.0.0.1:${workspace.statusPort}`],
  });
  assert.equal((await workspace.ask("/healthz")).status, 200);
  const ready = await workspace.ask("/readyz");
  assert.deepEqual([ready.status, ready.body], [
    503,
    "generation 2 is not ready yet, generation 1 was ended by SIGKILL\n",
  ]);
  assert.match((await workspace.ask("/")).body, /Respawning/);
  await letGo(workspace);
  await wrapper.saysMatching(/generation 2 serves/);
  assert.equal((await workspace.ask("/readyz")).status, 200);
});

commonTest("while the drain delay lasts nothing is started again", async () => {
  await using workspace = new Workspace();
  const wrapper = await workspace.serve({ env: { HRW_RESPAWN: "5", HRW_DRAIN_DELAY: "1m" } });
  wrapper.signal("SIGUSR1");
  await wrapper.saysMatching(/no longer ready/);
  Deno.kill(servingPid(workspace), "SIGSEGV");
  assert.equal(await wrapper.exitCode, 139, wrapper.output);
});

/** The stand-ins wait as a shell. */
const isHaproxy = (pid: number) =>
  Deno.readTextFileSync(`/proc/${pid}/comm`).trim() === "haproxy" &&
  Deno.readLinkSync(`/proc/${pid}/exe`).endsWith("haproxy");
