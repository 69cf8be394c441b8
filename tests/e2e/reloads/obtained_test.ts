/** Certificates that HAProxy obtains itself, from a real ACME server, survive reloads and restarts. */
import assert from "node:assert/strict";
import { join } from "@std/path";
import { ask } from "../../../lib/haproxy/runtime/client.ts";
import { OBTAINS } from "../../support/surroundings/acme_server.ts";
import { isThere, namesIn, readIfThere } from "../../support/machine/files.ts";
import { testNeeding } from "../../support/needs.ts";
import { Obtaining } from "../../support/wrapper/obtaining.ts";
import { BY_EVENTS, IN_ONE_FORM, RUNNABLE } from "../../support/wrapper/program.ts";
import { ScriptedHaproxy } from "../../support/haproxy/scripted_haproxy.ts";
import type { Wrapper } from "../../support/wrapper/wrapper.ts";

const NEEDS = [RUNNABLE, IN_ONE_FORM, ...OBTAINS];

/** Neither the log, nor the page, nor the reports show a key. */
async function showsNoKey(workspace: Obtaining, wrapper: Wrapper): Promise<void> {
  const [key] = /-----BEGIN [A-Z ]*PRIVATE KEY-----\n.*\n/.exec(
    Deno.readTextFileSync(workspace.pem),
  )!;
  for (const path of ["/", "/status", "/metrics"]) {
    const { body } = await workspace.ask(path);
    assert.ok(!body.includes("PRIVATE KEY") && !body.includes(key.split("\n")[1]!), path);
  }
  assert.doesNotMatch(wrapper.output, /PRIVATE KEY/);
}

testNeeding(
  NEEDS,
  "one order lasts for ten reloads and a restart, and its renewal too",
  async () => {
    await using workspace = await new Obtaining().prepare();
    const wrapper = await workspace.serveObtaining();
    await workspace.haveBeenSaved(1, wrapper);
    const first = await workspace.servesSaved(wrapper);
    assert.equal(Deno.statSync(workspace.pem).mode! & 0o777, 0o600);
    assert.deepEqual(namesIn(workspace.folder), ["site.pem"]);
    for (let reload = 2; reload <= 11; reload++) {
      await workspace.replace(workspace.obtaining(`page ${reload}`));
      await wrapper.says(new RegExp(`generation ${reload} serves`));
    }
    await workspace.serves("page 11", wrapper);
    await workspace.servesSaved(wrapper);
    await wrapper.stopsAt(11);
    assert.doesNotMatch(wrapper.lines.join("\n"), /without a reload|reload delayed/);
    wrapper.signal("SIGTERM");
    await wrapper.endsWith(143);

    const restarted = await workspace.serveObtaining();
    assert.equal((await workspace.servesSaved(restarted)).fingerprint256, first.fingerprint256);
    assert.equal(workspace.server.orders, 1);
    await workspace.askPrivately(`acme renew ${workspace.pem}`);
    await workspace.haveBeenSaved(1, restarted);
    assert.notEqual((await workspace.servesSaved(restarted)).fingerprint256, first.fingerprint256);
    await workspace.replace(workspace.obtaining("marker"));
    await workspace.serves("marker", restarted);
    await restarted.stopsAt(2);
    await workspace.servesSaved(restarted);
    assert.doesNotMatch(restarted.lines.join("\n"), /without a reload/);
    assert.equal(workspace.server.orders, 2);
    await showsNoKey(workspace, restarted);
  },
);

testNeeding(
  NEEDS,
  "a change waits for an order under way, as one line and the status say",
  async () => {
    await using workspace = await new Obtaining().prepare();
    const release = workspace.server.hold("finalize-order");
    const wrapper = await workspace.serveObtaining();
    await workspace.isRenewing(wrapper);
    await workspace.replace(workspace.obtaining("two"));
    await wrapper.says(/reload delayed by at most [\d.]+s, until generation 1 has obtained/);
    const { waiting } = await workspace.report();
    assert.equal(waiting?.for, "certificate");
    const leftMs = Date.parse(waiting!.until!) - Date.now();
    assert.ok(leftMs > 0 && leftMs <= 30_000, `${leftMs} ms`);
    release();
    await workspace.haveBeenSaved(1, wrapper);
    await workspace.serves("two", wrapper);
    await workspace.servesSaved(wrapper);
    await wrapper.stopsAt(2);
    assert.equal(workspace.server.orders, 1);
  },
);

testNeeding(NEEDS, "a change waits for an order that has just begun", async () => {
  await using workspace = await new Obtaining().prepare();
  const wrapper = await workspace.serveObtaining();
  await workspace.haveBeenSaved(1, wrapper);
  const first = await workspace.servesSaved(wrapper);
  await workspace.askPrivately(`acme renew ${workspace.pem}`);
  await workspace.replace(workspace.obtaining("two"));
  await wrapper.says(/reload delayed by at most [\d.]+s, until generation 1 has obtained/);
  await workspace.haveBeenSaved(2, wrapper);
  await workspace.serves("two", wrapper);
  assert.notEqual((await workspace.servesSaved(wrapper)).fingerprint256, first.fingerprint256);
  await wrapper.stopsAt(2);
  assert.equal(workspace.server.orders, 2);
});

testNeeding(NEEDS, "a signal does not wait longer than for stick-tables", async () => {
  await using workspace = await new Obtaining().prepare();
  workspace.server.refuses = true;
  const wrapper = await workspace.serveObtaining();
  await workspace.isRenewing(wrapper);
  await wrapper.says(/too many certificates/);
  wrapper.signal("SIGHUP");
  await wrapper.says(/reload delayed by at most 8s, until generation 1 has obtained/);
  await wrapper.says(/warning .* reloading although generation 1 has not obtained/);
  await wrapper.says(/generation 2 serves, .*SIGHUP/);
  const waitedMs = await wrapper.msBetween(/reload delayed/, /generation 2 serves/);
  assert.ok(waitedMs >= 7_900, `${waitedMs} ms`);
  workspace.server.refuses = false;
  await workspace.haveBeenSaved(1, wrapper);
  await workspace.servesSaved(wrapper);
});

testNeeding(
  NEEDS,
  "without its ACME server HAProxy serves and reloads, and the file stays",
  async () => {
    await using workspace = await new Obtaining().prepare();
    const before = readIfThere(workspace.pem);
    await workspace.server.leave();
    const wrapper = await workspace.serveObtaining();
    await workspace.isRenewing(wrapper);
    const expiry = () => workspace.metric(`certificate_expiry_seconds{file="${workspace.pem}"}`);
    await wrapper.until("an expiry", async () => (await expiry() ?? Infinity) < Date.now() / 1_000);
    await workspace.replace(workspace.obtaining("two"));
    await wrapper.says(/reload delayed by at most/);
    await workspace.serves("two", wrapper);
    const waitedMs = await wrapper.msBetween(/generation 1 serves/, /generation 2 serves/);
    assert.ok(waitedMs < 40_000, `${waitedMs} ms`);
    assert.equal(readIfThere(workspace.pem), before);
  },
);

testNeeding(
  NEEDS,
  "a wrapper that is killed while it saves leaves a whole file, and the next saves",
  async () => {
    await using workspace = await new Obtaining().prepare();
    const before = readIfThere(workspace.pem);
    const part = join(workspace.folder, ".site.pem.part");
    const wrapper = await workspace.serveObtaining();
    await wrapper.until("the save", () => isThere(part) || readIfThere(workspace.pem) !== before);
    await wrapper.dies();
    const text = readIfThere(workspace.pem);
    if (text !== before) assert.match(text, /PRIVATE KEY-----\n$/);
    const next = await workspace.serveObtaining();
    await workspace.servesSaved(next);
    assert.equal(workspace.server.orders, 1);
    assert.deepEqual(namesIn(workspace.folder), ["site.pem"]);
  },
);

testNeeding(NEEDS, "a signal does not wait for a leftover that says nothing more", async () => {
  await using workspace = await new Obtaining().prepare();
  const wrapper = await workspace.serveObtaining();
  await wrapper.dies();
  const socket = workspace.privateSocket();
  Deno.renameSync(socket, `${socket}.real`);
  await using left = new ScriptedHaproxy(
    socket,
    (command) =>
      command === "acme status"
        ? null
        : ask(`${socket}.real`, command, AbortSignal.timeout(ANSWER_LIMIT_MS)),
  );
  const next = workspace.start({ args: workspace.observedArgs(BY_EVENTS) });
  await next.until("its question", () => left.commands.includes("acme status"));
  const startedMs = performance.now();
  next.signal("SIGTERM");
  assert.equal(await next.exitCode, 143, next.output);
  const waitedMs = performance.now() - startedMs;
  assert.ok(waitedMs < 2_500, `${waitedMs} ms`);
});

const ANSWER_LIMIT_MS = 5_000;
