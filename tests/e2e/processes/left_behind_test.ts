/** A killed wrapper leaves its HAProxy behind: the next one takes over from it, and from no other. */
import assert from "node:assert/strict";
import { join } from "@std/path";
import { record } from "../../support/wrapper/recorded.ts";
import { Asking } from "../../support/wrapper/asking.ts";
import { Observed } from "../../support/wrapper/observed.ts";
import { commonTest, rootTest } from "../../support/wrapper/program.ts";
import { STAND_INS } from "../../support/haproxy/stand_ins.ts";
import { waitFor } from "../../support/wait.ts";
import { namesIn, readIfThere } from "../../support/machine/files.ts";
import { freeze } from "../../support/machine/processes.ts";
import { finish, type Workspace } from "../../support/wrapper/workspace.ts";
import type { Wrapper } from "../../support/wrapper/wrapper.ts";

class Restarted extends Observed {
  /** Starts the wrapper, kills it by SIGKILL, and returns the pid of the leftover. */
  async leave(options: Parameters<Workspace["serve"]>[0] = {}): Promise<number> {
    const before = new Set(this.haproxyPids());
    const wrapper = await this.serve(options);
    await wrapper.dies();
    const [left, ...others] = this.haproxyPids().filter((pid) => !before.has(pid));
    assert.deepEqual(others, []);
    return left!;
  }

  get folders(): readonly string[] {
    return namesIn(this.runtimeDirectory);
  }

  async endOf(pid: number, wrapper: Wrapper): Promise<void> {
    await wrapper.until(`process ${pid} to end`, () => !this.haproxyPids().includes(pid));
  }
}

commonTest("a leftover hands over without a lost request, and drains", async () => {
  await using workspace = new Restarted();
  const left = await workspace.leave();
  const clients = new Asking(workspace);
  using open = await workspace.openRequest();
  await workspace.replace(workspace.page("two"));
  const wrapper = await workspace.serve();
  await wrapper.says(
    `process ${left}, left behind .*, drains as generation 0 now that generation 1 `,
  );
  await workspace.serves("two", wrapper);
  // It finishes its connections.
  assert.match(await finish(open), /one$/);
  await wrapper.says(/generation 0 drained in /);
  await workspace.endOf(left, wrapper);
  assert.deepEqual(await clients.stop(), ["one", "two"], wrapper.output);
  await waitFor("its folder to be removed", () => workspace.folders.length === 1, {
    explain: () => workspace.folders.join(" "),
  });
  await wrapper.endsBy("SIGTERM", 143);
});

commonTest("a leftover is in the status until it is gone", async () => {
  await using workspace = new Restarted();
  const args = workspace.observedArgs();
  const left = await workspace.leave({ args });
  using open = await workspace.openRequest();
  const wrapper = await workspace.serve({ args });
  const { draining } = await workspace.reports(
    "what drains, and what is left in it",
    ({ draining }) => draining[0]?.connections === 1,
    wrapper,
  );
  assert.deepEqual(draining.map(({ generation, pid }) => [generation, pid]), [[0, left]]);
  open.close();
  await workspace.reports("nothing to drain", ({ draining }) => draining.length === 0, wrapper);
  const exits = 'process_exits_total{role="draining",status="0"}';
  assert.equal(await workspace.metric(exits), 1);
});

commonTest("last good files take over from a leftover, too", async () => {
  await using workspace = new Restarted();
  const recorded = join(workspace.path, "recorded");
  const words = ["-f", workspace.configuration];
  const args = [...words, "--last-good", recorded];
  await record(recorded, { words, directory: workspace.path });
  const left = await workspace.leave({ args });
  await workspace.replace("nonsense\n");
  const clients = new Asking(workspace);
  const wrapper = workspace.start({ args });
  await wrapper.says(/generation 2 serves, .*; started from what served last/);
  await wrapper.says(/generation 0 drained/);
  await workspace.endOf(left, wrapper);
  assert.deepEqual(await clients.stop(), ["one"]);
});

commonTest("a wrapper that is killed while a leftover drains leaves both to the next", async () => {
  await using workspace = new Restarted();
  const first = await workspace.leave();
  using _open = await workspace.openRequest();
  await workspace.replace(workspace.page("two"));
  const second = await workspace.leave();
  await workspace.replace(workspace.page("three"));
  const args = ["-f", workspace.configuration, "--shutdown-wait", "100ms"];
  const wrapper = await workspace.serve({ args });
  await wrapper.says(`process ${second}, .* drains as generation 0`);
  await wrapper.says(`process ${first}, .* drains as generation -1`);
  await workspace.endOf(first, wrapper);
  await workspace.endOf(second, wrapper);
  await workspace.serves("three", wrapper);
});

rootTest("a leftover that has changed its user is still ours", async () => {
  await using workspace = new Restarted();
  const extra = "global\n    user nobody\n";
  await workspace.replace(workspace.page("one", { extra }));
  const left = await workspace.leave();
  await workspace.replace(workspace.page("two", { extra }));
  const wrapper = await workspace.serve();
  await wrapper.says(/generation 0 drained/);
  await workspace.endOf(left, wrapper);
  await workspace.serves("two", wrapper);
});

commonTest("a leftover keeps serving if the next start fails", async () => {
  await using workspace = new Restarted();
  const left = await workspace.leave();
  await workspace.replace("nonsense\n");
  const wrapper = workspace.start();
  assert.equal(await wrapper.exitCode, 1);
  const goesOn = `process ${left}, left behind by a wrapper that is gone, keeps running`;
  assert.ok(wrapper.output.includes(`${goesOn}, exiting with 1`), wrapper.output);
  assert.ok(wrapper.output.includes(`HAProxy ${goesOn}: it was not touched`), wrapper.output);
  assert.equal(await workspace.get(), "one");
  assert.deepEqual(workspace.haproxyPids(), [left]);
  assert.equal(workspace.folders.length, 1);
  await workspace.replace(workspace.page("two"));
  const next = await workspace.serve();
  await workspace.endOf(left, next);
  await workspace.serves("two", next);
});

commonTest("if a leftover ends during the next start, that is repeated without it", async () => {
  await using workspace = new Restarted();
  const left = await workspace.leave();
  const start = `[ -e went ] || { touch went; kill -KILL ${left}; exit 3; }`;
  await workspace.standIn(STAND_INS.is_haproxy.replace("\nexec", `\n${start}\nexec`));
  await workspace.replace(workspace.page("two"));
  const wrapper = workspace.start();
  await wrapper.says(/generation 1 did not start: the process .* has ended; starting generation 2/);
  await wrapper.says(/generation 2 serves/);
  await workspace.serves("two", wrapper);
});

commonTest("a signal that ends the start does not touch the leftover", async () => {
  await using workspace = new Restarted();
  const left = await workspace.leave();
  await workspace.standIn("#!/bin/sh\nexec sleep 60\n");
  const wrapper = workspace.start();
  await wrapper.says(`process ${left}, left behind .* still serves`);
  wrapper.signal("SIGTERM");
  assert.equal(await wrapper.exitCode, 143);
  assert.match(wrapper.output, new RegExp(`process ${left}, left behind .* was not touched`));
  assert.equal(await workspace.get(), "one");
});

commonTest("a leftover that does not drain within --shutdown-wait is ended", async () => {
  await using workspace = new Restarted();
  const left = await workspace.leave();
  using _open = await workspace.openRequest();
  const args = ["-f", workspace.configuration, "--shutdown-wait", "100ms"];
  const wrapper = await workspace.serve({ args });
  await wrapper.says(
    /generation 0 ended with 1 connection open after .*: its --shutdown-wait had expired/,
  );
  await workspace.endOf(left, wrapper);
});

commonTest("a stop also ends a draining leftover", async () => {
  await using workspace = new Restarted();
  await workspace.leave();
  using _open = await workspace.openRequest();
  const wrapper = await workspace.serve();
  await wrapper.says(/drains as generation 0/);
  await wrapper.endsBy("SIGTERM", 143);
});

commonTest("a process that was on standby when its wrapper was killed drains as well", async () => {
  await using workspace = new Restarted();
  const args = ["-f", workspace.configuration, "--settle-time", "30s"];
  const first = await workspace.serve({ args });
  const [serves] = workspace.haproxyPids();
  await workspace.replace(workspace.page("two"));
  const waits = await waitFor("another process", () => {
    return workspace.haproxyPids().find((pid) => pid !== serves);
  });
  await first.dies();
  await workspace.replace(workspace.page("three"));
  const wrapper = await workspace.serve({ args });
  await workspace.endOf(serves!, wrapper);
  await workspace.endOf(waits, wrapper);
  await workspace.serves("three", wrapper);
  assert.equal(workspace.haproxyPids().length, 1);
});

rootTest("a leftover that may not be signalled is reported and left alone", async () => {
  await using workspace = new Restarted();
  await workspace.replace(workspace.page("one", { extra: "global\n    user nobody\n" }));
  const left = await workspace.leave();
  await workspace.replace(workspace.page("two"));
  const launcher = ["setpriv", "--bounding-set=-kill", "--inh-caps=-kill"];
  const wrapper = await workspace.serve({ launcher });
  assert.match(
    wrapper.output,
    new RegExp(`process ${left}, .* may not signal it; .*"kill -USR1 ${left}"`),
  );
  wrapper.signal("SIGTERM");
  assert.equal(await wrapper.exitCode, 143);
  assert.deepEqual(workspace.haproxyPids(), [left]);
});

commonTest("all leftovers drain, even draining and hanging ones", async () => {
  await using workspace = new Restarted();
  const first = await workspace.serve();
  const [drains] = workspace.haproxyPids();
  using _open = await workspace.openRequest();
  await workspace.replace(workspace.page("two"));
  await first.says(/generation 2 serves/);
  const serves = workspace.haproxyPids().find((pid) => pid !== drains)!;
  await first.dies();
  await freeze(serves);
  await workspace.replace(workspace.page("three"));
  const args = ["-f", workspace.configuration, "--max-draining", "1"];
  const wrapper = await workspace.serve({ args });
  await wrapper.says(`process ${drains}, .* drains as generation -1`);
  await wrapper.says(/ending generation -1, the oldest of/);
  await wrapper.says(`process ${serves}, .* drains as generation 0`);
  await workspace.endOf(drains!, wrapper);
  Deno.kill(serves, "SIGCONT");
  await workspace.endOf(serves, wrapper);
  await workspace.serves("three", wrapper);
});

commonTest("nothing is taken from a wrapper that is alive, even if it is stopped", async () => {
  await using workspace = new Restarted();
  const first = await workspace.serve();
  const pids = workspace.haproxyPids();
  await freeze(first.pid);
  const second = await workspace.serve();
  assert.equal(workspace.haproxyPids().length, 2);
  assert.ok(!second.output.includes("left behind"), second.output);
  second.signal("SIGTERM");
  assert.equal(await second.exitCode, 143);
  assert.deepEqual(workspace.haproxyPids(), pids);
  assert.equal(workspace.folders.length, 1);
  Deno.kill(first.pid, "SIGCONT");
  await first.endsBy("SIGTERM", 143);
});

commonTest("another service's leftover is reported and left alone", async () => {
  await using workspace = new Restarted();
  const left = await workspace.leave();
  const other = join(workspace.configurationDirectory, "other.cfg");
  await workspace.replace(workspace.page("other", { port: workspace.port }), other);
  const wrapper = await workspace.serve({ args: ["-f", other] });
  assert.match(
    wrapper.output,
    new RegExp(`process ${left}, left behind .* other arguments .*"kill -USR1 ${left}"`),
  );
  wrapper.signal("SIGTERM");
  assert.equal(await wrapper.exitCode, 143);
  assert.deepEqual(workspace.haproxyPids(), [left]);
});

commonTest("a leftover without its folder is reported, even if the start fails", async () => {
  await using workspace = new Restarted();
  const left = await workspace.leave();
  await Deno.remove(join(workspace.runtimeDirectory, workspace.folders[0]!), { recursive: true });
  await waitFor(
    "it to be an orphan",
    () => readIfThere(`/proc/${left}/status`).includes("PPid:\t1\n"),
  );
  await workspace.replace("nonsense\n");
  const told = new RegExp(
    `process ${left}, .* cannot be taken over from because its folder is gone; .*kill -USR1 ${left}`,
  );
  const failing = workspace.start();
  await failing.child.status;
  await failing.says(told);
  await workspace.replace(workspace.page("two"));
  const wrapper = await workspace.serve();
  await wrapper.says(told);
  assert.ok(workspace.haproxyPids().includes(left));
});

commonTest("only folders that nobody needs are removed", async () => {
  await using workspace = new Restarted();
  const left = await workspace.leave();
  const [dead] = workspace.folders;
  Deno.kill(left, "SIGKILL");
  const kept = ["haproxy-reload-wrapper-unclaimed", "haproxy-reload-wrapper-file"];
  Deno.mkdirSync(join(workspace.runtimeDirectory, kept[0]!), { mode: 0o700 });
  Deno.writeTextFileSync(join(workspace.runtimeDirectory, kept[1]!), "");
  const wrapper = await workspace.serve();
  await waitFor("it to be removed", () => !workspace.folders.includes(dead!));
  wrapper.signal("SIGTERM");
  assert.equal(await wrapper.exitCode, 143);
  assert.deepEqual(workspace.folders, kept.sort());
});
