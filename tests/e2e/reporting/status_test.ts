/** What operators and machines learn over HTTP about a real HAProxy. */
import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { join } from "@std/path";
import { Observed } from "../../support/wrapper/observed.ts";
import { commonTest, programTest } from "../../support/wrapper/program.ts";
import { Secured } from "../../support/wrapper/secured.ts";
import { finish } from "../../support/wrapper/workspace.ts";
import { waitFor } from "../../support/wait.ts";
import { freePort } from "../../support/machine/free_port.ts";

programTest("a serving generation is healthy, ready, and shown with its process", async () => {
  await using workspace = new Observed();
  const wrapper = await workspace.serveObserved();
  assert.deepEqual(await workspace.ask("/healthz"), { status: 200, body: "ok\n" });
  assert.deepEqual(await workspace.ask("/readyz"), { status: 200, body: "ok\n" });
  const { state, ready, serving, lastFailure, draining } = await workspace.report();
  assert.deepEqual({ state, ready, lastFailure, draining }, {
    state: "serving",
    ready: true,
    lastFailure: null,
    draining: [],
  });
  assert.equal(serving?.generation, 1);
  assert.deepEqual([serving?.pid], workspace.haproxyPids().map(pidInside));
  assert.deepEqual(serving?.files.map(({ path }) => path), [workspace.configuration]);
  await wrapper.says(/info .*status, health and metrics on http:\/\/127\.0\.0\.1:\d+\//);
});

programTest("a refused change is shown with HAProxy's words until it is reverted", async () => {
  await using workspace = new Observed();
  const wrapper = await workspace.serveObserved();
  await workspace.replace(`${workspace.page("two")}    default_backnd\n`);
  await wrapper.says(/generation 2 rejected/);
  const { lastFailure, ready, serving } = await workspace.reports(
    "the failure with its lines",
    ({ lastFailure }) => lastFailure !== null && lastFailure.excerpts.length > 0,
    wrapper,
  );
  assert.equal(ready, true);
  assert.equal(serving?.servesDesired, false);
  assert.equal(lastFailure?.generation, 2);
  assert.match(lastFailure!.alerts.join("\n"), /unknown keyword 'default_backnd'/);
  assert.equal(lastFailure!.nextRetry, null);
  const page = await workspace.ask("/");
  assert.match(
    page.body,
    /unknown keyword &#39;default_backnd&#39;|unknown keyword 'default_backnd'/,
  );
  await workspace.measures("config_last_reload_successful", 0, wrapper);
  assert.equal(await workspace.metric(`reloads_total{result="failure"}`), 1);
  await workspace.replace(workspace.page("one"));
  await workspace.measures("config_last_reload_successful", 1, wrapper);
  const after = await workspace.report();
  assert.equal(after.lastFailure, null);
  assert.equal(after.serving?.servesDesired, true);
  assert.equal(await workspace.metric("generation"), 1);
});

commonTest("a taken port, which only a start reveals, is shown in HAProxy's words", async () => {
  await using workspace = new Observed();
  const wrapper = await workspace.serveObserved();
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = taken.addr;
  await workspace.replace(`${workspace.page("two")}    bind 127.0.0.1:${port}\n`);
  const { lastFailure } = await workspace.reports(
    "the failure",
    ({ lastFailure }) => lastFailure !== null,
    wrapper,
  );
  assert.match(lastFailure!.alerts.join("\n"), new RegExp(`cannot bind socket.*127.0.0.1:${port}`));
  assert.notEqual(lastFailure!.nextRetry, null);
  assert.equal(await workspace.get(), "one");
});

programTest("reloads are counted and timed, draining processes with connections", async () => {
  await using workspace = new Observed();
  const wrapper = await workspace.serveObserved();
  using request = await workspace.openRequest();
  await workspace.changeTo("two", wrapper);
  const { draining } = await workspace.reports(
    "one connection left",
    ({ draining }) => draining[0]?.connections === 1,
    wrapper,
  );
  assert.deepEqual(draining.map(({ generation }) => generation), [1]);
  assert.equal(await workspace.metric(`reloads_total{result="success"}`), 1);
  assert.equal(await workspace.metric("reload_duration_seconds_count"), 1);
  assert.equal(await workspace.metric("generation"), 2);
  assert.equal(await workspace.metric("draining_processes"), 1);
  assert.ok((await workspace.metric("watch_events_total"))! > 0);
  assert.match(await finish(request), /one$/);
  await workspace.measures(`drains_ended_total{how="drained"}`, 1, wrapper);
  assert.equal(await workspace.metric("draining_processes"), 0);
  assert.equal(await workspace.metric(`process_exits_total{role="draining",status="0"}`), 1);
});

commonTest("POST /reload is answered with the outcome", async () => {
  await using workspace = new Observed();
  const wrapper = await workspace.serveObserved(["--enable-reload-endpoint", "--no-reload"]);
  await workspace.replace(workspace.page("two"));
  const first = await workspace.ask("/reload", { method: "POST" });
  await workspace.serves("two", wrapper);
  const { result, generation, reason } = JSON.parse(first.body);
  assert.deepEqual([first.status, result, generation, reason], [200, "success", 2, null]);
  await wrapper.says(/generation 2 serves, .*reloaded by POST \/reload/);
  await workspace.replace(`${workspace.page("three")}    default_backnd\n`);
  const second = await workspace.ask("/reload", { method: "POST" });
  assert.equal(second.status, 500);
  assert.match(JSON.parse(second.body).reason, /haproxy exited with 1 before it was ready/);
  const both = await Promise.all([1, 2].map(() => workspace.ask("/reload", { method: "POST" })));
  assert.deepEqual(both.map(({ status }) => status), [500, 500]);
  assert.equal((await workspace.ask("/reload")).status, 405);
  const headers = { origin: "http://elsewhere.test" };
  assert.equal((await workspace.ask("/reload", { method: "POST", headers })).status, 403);
});

commonTest("nothing but POST /reload with its flag changes anything", async () => {
  await using workspace = new Observed();
  const wrapper = await workspace.serveObserved();
  assert.equal((await workspace.ask("/reload", { method: "POST" })).status, 403);
  assert.equal((await workspace.ask("/status", { method: "POST" })).status, 405);
  assert.equal((await workspace.ask("/elsewhere")).status, 404);
  wrapper.signal("SIGHUP");
  await wrapper.stopsAt(2);
});

programTest("the status is available over a unix socket, which is removed at the end", async () => {
  await using workspace = new Observed();
  const path = join(workspace.runtimeDirectory, "status.sock");
  // As a killed wrapper leaves it.
  Deno.listen({ transport: "unix", path }).close();
  const wrapper = await workspace.serve({ flags: ["--status-listen", `unix:${path}`] });
  using connection = await Deno.connect({ transport: "unix", path });
  await connection.write(new TextEncoder().encode("GET /status HTTP/1.1\r\nhost: x\r\n\r\n"));
  assert.match(
    await new Response(connection.readable).text(),
    /^HTTP\/1\.1 200 OK\r\n[^]*"ready": true/,
  );
  await wrapper.endsBy("SIGTERM", 143);
  assert.throws(() => Deno.lstatSync(path), Deno.errors.NotFound);
});

/** The answer to a client that sends any Host. */
async function askAs(workspace: Observed, host: string, request: string): Promise<string> {
  using connection = await Deno.connect({ hostname: "127.0.0.1", port: workspace.statusPort });
  const text = `${request} HTTP/1.1\r\nHost: ${host}\r\nOrigin: http://${host}\r\n\r\n`;
  await connection.write(new TextEncoder().encode(text));
  return await new Response(connection.readable).text();
}

commonTest("a page whose name resolves to this address reads and reloads nothing", async () => {
  await using workspace = new Observed();
  const args = ["--enable-reload-endpoint", "--status-host", "lb.test"];
  const wrapper = await workspace.serveObserved(args);
  for (const request of ["GET /", "GET /status", "POST /reload"]) {
    const answer = await askAs(workspace, "evil.test", request);
    assert.match(answer, /^HTTP\/1\.1 421 [^]*found the host "evil\.test".*"--status-host"/);
  }
  for (const path of ["/healthz", "/readyz", "/metrics"]) {
    assert.match(await askAs(workspace, "evil.test", `GET ${path}`), /^HTTP\/1\.1 200 /);
  }
  assert.match(await askAs(workspace, "lb.test", "GET /status"), /^HTTP\/1\.1 200 /);
  assert.match(await askAs(workspace, "lb.test", "POST /reload"), /^HTTP\/1\.1 200 /);
  await wrapper.stopsAt(2);
});

commonTest("a taken address is reported, and nothing is started", async () => {
  await using workspace = new Observed();
  using _taken = Deno.listen({ hostname: "127.0.0.1", port: workspace.statusPort });
  const wrapper = workspace.start({ args: workspace.observedArgs() });
  assert.equal(await wrapper.exitCode, 73);
  assert.match(wrapper.output, /cannot listen for the status on "http:\/\/127\.0\.0\.1:\d+\/": /);
  assert.match(wrapper.output, /in use.*; nothing was started/);
});

commonTest("a certificate's expiry and its hot apply show in the metrics", async () => {
  await using workspace = new Secured();
  const port = freePort();
  const [old, next] = [workspace.authority.issue(), workspace.authority.issue()];
  workspace.write("site.pem", old.pem);
  const wrapper = await workspace.serveSecure(undefined, {
    args: ["--status-listen", `127.0.0.1:${port}`],
  });
  const metrics = async () => await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  const expires = Date.parse(new X509Certificate(old.certificate).validTo) / 1_000;
  const line =
    `haproxy_reload_wrapper_certificate_expiry_seconds{file="${workspace.pem}"} ${expires}`;
  assert.ok((await metrics()).includes(line), await metrics());
  await workspace.renew(next, wrapper);
  await waitFor("the hot apply to be counted", async () =>
    (await metrics()).includes(
      `haproxy_reload_wrapper_hot_applies_total{kind="certificate",result="success"} 1`,
    ));
});

commonTest("a thousand silent clients delay neither a probe nor a reload", async () => {
  await using workspace = new Observed();
  const wrapper = await workspace.serveObserved();
  const address = { hostname: "127.0.0.1", port: workspace.statusPort };
  const silent: Deno.Conn[] = [];
  try {
    // At once they would be more than the kernel keeps for Deno (511): it would drop some, and the probe, for seconds.
    while (silent.length < 1_000) {
      const some = Array.from({ length: 250 }, () => Deno.connect(address));
      silent.push(...await Promise.all(some));
      assert.equal((await workspace.ask("/readyz")).status, 200);
    }
    await workspace.changeTo("two", wrapper);
    await workspace.measures("generation", 2, wrapper);
  } finally {
    silent.forEach((connection) => connection.close());
  }
});

/** The pid of a process as the wrapper sees it, which may be in a namespace of its own. */
function pidInside(pid: number): number {
  const [, numbers] = /^NSpid:\s*(.*)$/m.exec(Deno.readTextFileSync(`/proc/${pid}/status`))!;
  return Number(numbers!.split("\t").at(-1));
}
