/** Old processes drain within their limits, and none is forgotten. */
import assert from "node:assert/strict";
import { slowdownBy } from "../../../lib/haproxy/drain/slowdown.ts";
import type { StatusReport } from "../../../lib/status/report.ts";
import { Observed } from "../../support/wrapper/observed.ts";
import { ROOT, testNeeding } from "../../support/needs.ts";
import { commonTest, programTest, RUNNABLE } from "../../support/wrapper/program.ts";
import { waitFor } from "../../support/wait.ts";
import { freeze } from "../../support/machine/processes.ts";
import { finish, Workspace } from "../../support/wrapper/workspace.ts";
import type { Wrapper } from "../../support/wrapper/wrapper.ts";

/** Until no old process can accept a request. */
async function reload(workspace: Workspace, wrapper: Wrapper, text: string): Promise<void> {
  await workspace.changeTo(text, wrapper);
  await workspace.haveStopped(wrapper.lastGeneration - 1, wrapper);
}

programTest("a request in flight is answered by the process that took it", async () => {
  await using workspace = new Workspace();
  const wrapper = await workspace.serve();
  using request = await workspace.openRequest();
  await reload(workspace, wrapper, "two");
  assert.match(await finish(request), /one$/);
  await wrapper.says(/generation 1 drained in /);
});

programTest("an old process that has not drained by --shutdown-wait is ended", async () => {
  await using workspace = new Workspace();
  const wrapper = await workspace.serve({ flags: ["--shutdown-wait", "300ms"] });
  using _first = await workspace.openRequest();
  using _second = await workspace.openRequest();
  await reload(workspace, wrapper, "two");
  await wrapper.says(
    /warning .*generation 1 ended with 2 connections open after \d+ms: its --shutdown-wait had expired\n/,
  );
  await waitFor("one process", () => workspace.haproxyPids().length === 1);
});

programTest("an old process that ignores SIGTERM is killed 5 s later", async () => {
  await using workspace = new Workspace();
  const wrapper = await workspace.serve({ flags: ["--shutdown-wait", "100ms"] });
  const [frozen] = workspace.haproxyPids();
  using _request = await workspace.openRequest();
  await workspace.replace(workspace.page("two"));
  await wrapper.says(/generation 2 serves/);
  await freeze(frozen!);
  await wrapper.says(
    /warning .*generation 1 .*: its --shutdown-wait had expired, and it ignored SIGTERM\n/,
  );
  assert.equal(await workspace.get(), "two");
});

programTest("if more than --max-draining processes drain, the oldest is ended", async () => {
  await using workspace = new Workspace();
  const wrapper = await workspace.serve({ flags: ["--max-draining", "1"] });
  using _first = await workspace.openRequest();
  await reload(workspace, wrapper, "two");
  using _second = await workspace.openRequest();
  await reload(workspace, wrapper, "three");
  await wrapper.says(/ending generation 1, the oldest of more than 1 draining processes/);
  await wrapper.says(
    /generation 1 ended with \d connections? open after .*: more processes drained than --max-draining allows\n/,
  );
  assert.equal(workspace.haproxyPids().length, 2, wrapper.output);
  await wrapper.endsBy("SIGTERM", 143);
});

programTest("the death of an old process is logged and changes nothing", async () => {
  await using workspace = new Observed();
  const wrapper = await workspace.serveObserved();
  const [old] = workspace.haproxyPids();
  using _request = await workspace.openRequest();
  await reload(workspace, wrapper, "two");
  const isTold = ({ draining: [one] }: StatusReport) => one?.connections === 1;
  await workspace.reports("what is open to be told", isTold, wrapper);
  Deno.kill(old!, "SIGSEGV");
  await wrapper.says(
    /warning .*generation 1 ended with 1 connection open after .*: it was killed by SIGSEGV\n/,
  );
  assert.equal(await workspace.get(), "two");
});

programTest("HAProxy's own drain limit is logged with what it cut", async () => {
  await using workspace = new Workspace();
  const limited = (text: string) =>
    workspace.page(text, { extra: "global\n    hard-stop-after 1s" });
  await workspace.replace(limited("one"));
  const wrapper = await workspace.serve({ flags: ["--log-format", "json"] });
  const requests = await Promise.all([1, 2, 3].map(() => workspace.openRequest()));
  await workspace.replace(limited("two"));
  await workspace.serves("two", wrapper);
  const [line] = await wrapper.says(/^.*HAProxy's hard-stop-after had expired.*$/m);
  const { generation, connections, reason, level, durationMs } = JSON.parse(line);
  assert.deepEqual([generation, connections, reason, level], [1, 3, "exited with 0", "warning"]);
  assert.ok(durationMs > 900 && durationMs < 5_000, line);
  requests.forEach((request) => request.close());
});

programTest("connections cut by a signal are logged for each draining process", async () => {
  await using workspace = new Observed();
  const wrapper = await workspace.serveObserved();
  using _first = await workspace.openRequest();
  await reload(workspace, wrapper, "two");
  using _second = await workspace.openRequest();
  using _third = await workspace.openRequest();
  await reload(workspace, wrapper, "three");
  const areTold = ({ draining }: StatusReport) =>
    draining.map(({ connections }) => connections).join() === "1,2";
  await workspace.reports("what is open to be told", areTold, wrapper);
  await wrapper.endsBy("SIGTERM", 143);
  assert.match(wrapper.output, /generation 1 ended with 1 connection open .*: SIGTERM received\n/);
  assert.match(wrapper.output, /generation 2 ended with 2 connections open .*: SIGTERM received\n/);
  assert.doesNotMatch(wrapper.output, /generation 3 (was )?ended/);
});

commonTest("an HAProxy whose drains slow the serving process causes one warning", async () => {
  await using workspace = new Observed();
  const wrapper = await workspace.serveObserved();
  await reload(workspace, wrapper, "two");
  const slowdown = slowdownBy(await versionOfHaproxy());
  const warnings = wrapper.output.match(/warning .* while it drains, HAProxy .*$/gm) ?? [];
  assert.equal(warnings.length, slowdown === null ? 0 : 1, wrapper.output);
});

async function versionOfHaproxy(): Promise<string | null> {
  const { stdout } = await new Deno.Command("haproxy", { args: ["-v"] }).output();
  return /version (\S+)/.exec(new TextDecoder().decode(stdout))?.[1] ?? null;
}

testNeeding(
  [RUNNABLE, ROOT],
  "an HAProxy that may not be signalled is an error, not a bug",
  async () => {
    await using workspace = new Workspace();
    const page = (text: string) => `global\n    user nobody\n${workspace.page(text)}`;
    await workspace.replace(page("one"));
    const wrapper = await workspace.serve({
      launcher: ["setpriv", "--bounding-set=-kill", "--inh-caps=-kill"],
    });
    await workspace.replace(page("two"));
    await wrapper.says(/error .*cannot send SIGUSR1 to HAProxy process \d+: .*not permitted/);
    await wrapper.says(/generation 2 serves/);
    await workspace.replace(page("three"));
    await wrapper.says(/generation 3 serves/);
    wrapper.signal("SIGTERM");
    await wrapper.says(/cannot send SIGTERM to HAProxy process/);
    assert.doesNotMatch(wrapper.output, /bug/);
    assert.equal(wrapper.output.match(/cannot send/g)?.length, 3, wrapper.output);
  },
);
