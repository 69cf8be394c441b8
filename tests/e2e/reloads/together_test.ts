/** Features during one another: respawn, last good, stick-tables, server state, POST /reload. */
import assert from "node:assert/strict";
import { record } from "../../support/wrapper/recorded.ts";
import { Observed } from "../../support/wrapper/observed.ts";
import { programTest } from "../../support/wrapper/program.ts";
import { STAND_INS } from "../../support/haproxy/stand_ins.ts";
import { waitFor } from "../../support/wait.ts";
import { childrenOf, freeze } from "../../support/machine/processes.ts";
import { freePort } from "../../support/machine/free_port.ts";
import { finish } from "../../support/wrapper/workspace.ts";
import type { Wrapper } from "../../support/wrapper/wrapper.ts";
import { isThere, namesIn } from "../../support/machine/files.ts";

class Together extends Observed {
  readonly recorded = this.at("recorded");
  readonly #peerPort = freePort();

  /** With a table that HAProxy 2.6 can pass on only after it has served for 5 s. */
  withTable(text: string): string {
    return `peers mine
    peer local 127.0.0.1:${this.#peerPort}
${this.page(text)}
backend visits
    stick-table type string len 32 size 10k expire 10m store gpc0 peers mine
`;
  }

  /** Records "one" as last good. Not beside a wrapper that records as well. */
  async recordGood(): Promise<void> {
    await record(this.recorded, { words: ["-f", this.configuration], directory: this.path });
  }

  async breakConfiguration(): Promise<void> {
    await this.replace("nonsense\n");
  }

  get servingPid(): number {
    const [pid, ...others] = this.haproxyPids();
    assert.deepEqual(others, []);
    return pid!;
  }

  async serveRecorded(args: readonly string[]): Promise<Wrapper> {
    await this.recordGood();
    await this.breakConfiguration();
    await this.standIn(STAND_INS.is_haproxy);
    const wrapper = this.start({
      args: this.observedArgs(["--last-good", this.recorded, ...args]),
    });
    await wrapper.says(/generation 2 serves, .*; started from what served last/);
    return wrapper;
  }
}

programTest("a delayed reload is done when the serving process dies", async () => {
  await using workspace = new Together();
  await workspace.replace(workspace.withTable("one"));
  const wrapper = await workspace.serveObserved([
    ...["-L", "local", "--respawn", "1", "--enable-reload-endpoint"],
  ]);
  const answer = workspace.ask("/reload", { method: "POST" });
  // HAProxy 3.0 and later need not wait.
  await workspace.reports(
    "the reload to begin",
    ({ state, serving }) => state === "delaying" || serving?.generation === 2,
    wrapper,
  );
  await waitFor("one process", () => workspace.haproxyPids().length === 1);
  await workspace.replace(workspace.withTable("two"));
  Deno.kill(workspace.servingPid, "SIGKILL");
  const { status, body } = await answer;
  assert.deepEqual([status, JSON.parse(body).result], [200, "success"], wrapper.output);
  await workspace.serves("two", wrapper);
  // Without a wait the answer is about generation 2, and this one serves before the wrapper knows.
  await workspace.reports("readiness", ({ ready }) => ready, wrapper);
  await wrapper.endsBy("SIGTERM", 143);
});

programTest("last good is respawned as often as allowed", async () => {
  await using workspace = new Together();
  const wrapper = await workspace.serveRecorded(["--respawn", "2"]);
  for (const generation of [4, 6]) {
    Deno.kill(workspace.servingPid, "SIGKILL");
    await wrapper.says(`generation ${generation} serves, .*; started from what served last`);
    const report = await workspace.report();
    assert.deepEqual([report.state, report.ready, report.healthy], ["serving", true, true]);
    assert.equal(report.lastFailure?.generation, generation - 1);
    assert.equal(await workspace.metric("serving_last_good"), 1);
  }
  assert.equal(await workspace.metric("respawns_total"), 2);
  Deno.kill(workspace.servingPid, "SIGKILL");
  await wrapper.endsWith(137);
  assert.match(wrapper.output, /generation 6 was killed by SIGKILL .*; 2 respawns in a minute are/);
  assert.deepEqual(workspace.haproxyPids(), []);
  assert.deepEqual(namesIn(workspace.runtimeDirectory), []);
});

programTest("last good replaces a dead process until the configuration is repaired", async () => {
  await using workspace = new Together();
  await workspace.recordGood();
  const wrapper = await workspace.serveObserved([
    "--respawn",
    "5",
    "--last-good",
    workspace.recorded,
  ]);
  await workspace.breakConfiguration();
  await wrapper.says(/generation 2 rejected/);
  Deno.kill(workspace.servingPid, "SIGSEGV");
  await wrapper.says(/generation 4 serves, .*; started from what served last/);
  using request = await workspace.openRequest();
  await workspace.changeTo("two", wrapper);
  assert.match(await finish(request), /one$/);
  await wrapper.says(/generation 4 drained in/);
  const report = await workspace.report();
  assert.deepEqual([report.serving?.generation, report.lastFailure], [5, null]);
  await wrapper.stopsAt(5);
});

programTest("if neither the disk nor last good starts, it exits after all respawns", async () => {
  await using workspace = new Together();
  const wrapper = await workspace.serveRecorded(["--respawn", "2"]);
  const pid = workspace.servingPid;
  await workspace.standIn(STAND_INS.dies_before_ready);
  Deno.kill(pid, "SIGKILL");
  await wrapper.endsWith(137);
  assert.match(
    wrapper.output,
    /generation 6 did not start: haproxy exited .*; nothing serves, all 2 respawns failed, exiting with 137/,
  );
});

const STATUS_OF = { SIGTERM: 143, SIGUSR1: 0 } as const;

for (const [signal, status] of Object.entries(STATUS_OF)) {
  programTest(`${signal} ends a hanging start of last good`, async () => {
    await using workspace = new Together();
    const wrapper = await workspace.serveRecorded(["--respawn", "5"]);
    const pid = workspace.servingPid;
    await workspace.standIn(HANGS_FROM_KEPT);
    Deno.kill(pid, "SIGKILL");
    await wrapper.says(/starting generation 4 from what served last/);
    await waitFor("the new process", () => childrenOf(wrapper.pid).length === 1);
    assert.equal((await workspace.ask("/readyz")).status, 503);
    assert.equal((await workspace.ask("/healthz")).status, 200);
    await wrapper.endsBy(signal as Deno.Signal, status);
    assert.deepEqual(childrenOf(wrapper.pid), []);
  });
}

/** Refuses what is on disk, and never becomes ready with last good. */
const HANGS_FROM_KEPT = `#!/bin/sh
case "$*" in
  */recorded/set/tree/*) exec sleep 1000 ;;
  *) exit 1 ;;
esac
`;

programTest("a process that dies while asked for its state is replaced at once", async () => {
  await using workspace = new Together();
  const page = (text: string) =>
    workspace.page(text, { extra: "    load-server-state-from-file global" }) +
    "backend b\n    server s 127.0.0.1:1\n";
  await workspace.replace(page("one"));
  const wrapper = await workspace.serveObserved(["--respawn", "1", "--log-level", "debug"]);
  const pid = workspace.servingPid;
  await freeze(pid);
  const isAsked = () => connectionsAt(`${workspace.runtimeDirectory}/.*/1\\.sock\\S*`) > 0;
  assert.equal(isAsked(), false);
  await workspace.replace(page("two"));
  await wrapper.until("a question after the state", isAsked);
  Deno.kill(pid, "SIGKILL");
  // The wrapper would wait 3 s for the state. Both lines are of the same moment, even on a slow machine.
  const gapMs = await wrapper.msBetween(/was killed by SIGKILL/, /cannot keep the state/);
  assert.ok(gapMs < 1_000, wrapper.output);
  await workspace.serves("two", wrapper);
  const report = await workspace.reports("rest", ({ state }) => state === "serving", wrapper);
  assert.equal(report.lastFailure, null);
  const { generation } = report.serving!;
  await wrapper.until("no state to be left", () => {
    return namesIn(workspace.privateFolder).every((name) =>
      ["probe", "service.json"].includes(name) ||
      (name.startsWith(`${generation}`) && !name.endsWith(".state"))
    );
  });
});

/** How many there are to a unix socket at a path that matches, also of those that nobody has accepted. */
function connectionsAt(path: string): number {
  const sockets = Deno.readTextFileSync("/proc/net/unix").match(new RegExp(` ${path}$`, "gm"));
  return (sockets?.length ?? 0) - 1;
}

/** Generation 2 has failed and is being diagnosed, for 30 s; `pid` serves. */
async function inDiagnosis(
  workspace: Together,
  args: readonly string[],
): Promise<{ readonly wrapper: Wrapper; readonly pid: number }> {
  await workspace.standIn(STAND_INS.is_haproxy);
  const wrapper = await workspace.serveObserved(args);
  const pid = workspace.servingPid;
  await workspace.standIn(STAND_INS.checks_for_ever_once);
  await workspace.replace(workspace.page("two"));
  await wrapper.until("the check", () => isThere(workspace.at("checking")));
  return { wrapper, pid };
}

programTest("a process that dies during a diagnosis is replaced at once", async () => {
  await using workspace = new Together();
  const { wrapper, pid } = await inDiagnosis(workspace, ["--respawn", "1"]);
  Deno.kill(pid, "SIGKILL");
  await wrapper.says(/generation 3 serves, .*; respawned because generation 1/);
  await workspace.serves("two", wrapper);
  await waitFor("the check to be gone", () => childrenOf(wrapper.pid).length === 1);
});

for (const [signal, status] of Object.entries(STATUS_OF)) {
  programTest(`after ${signal} nothing is started for a diagnosis`, async () => {
    await using workspace = new Together();
    const { wrapper } = await inDiagnosis(workspace, []);
    const starts = await recordStarts(workspace);
    await wrapper.endsBy(signal as Deno.Signal, status);
    assert.equal(isThere(starts), false, "HAProxy was started again");
  });
}

/** Makes each start leave a file, whose path is returned. */
async function recordStarts(workspace: Together): Promise<string> {
  const path = workspace.at("started");
  await workspace.standIn(`#!/bin/sh\ntouch ${path}\nexit 1\n`);
  return path;
}
