/** The unit under a real systemd, with Debian's haproxy and Debian's configuration. */
import assert from "node:assert/strict";
import { join } from "@std/path";
import { freePort } from "../../support/machine/free_port.ts";
import { isThere } from "../../support/machine/files.ts";
import { installed, type Need, ROOT, testNeeding } from "../../support/needs.ts";
import { COMPILED } from "../../support/wrapper/program.ts";
import { Machine } from "./machine.ts";
import { NOTIFY_RELOAD, SYSTEMD_ROOT, systemdVersion } from "./unit.ts";

const VERSION = systemdVersion(SYSTEMD_ROOT);
const IS_OLD = (VERSION ?? 0) < NOTIFY_RELOAD;

const HAS_HAPROXY = ["etc/haproxy/haproxy.cfg", "usr/sbin/haproxy"].every((path) =>
  isThere(join(SYSTEMD_ROOT, path))
);
const DEBIAN: Need = {
  missing: VERSION !== null && HAS_HAPROXY ? null : "needs Debian's haproxy and systemd",
  isOptional: true,
};
const NEEDS = [ROOT, COMPILED, DEBIAN, installed("nsenter")];

const page = (port: number, text: string) => `
frontend page
    bind 127.0.0.1:${port}
    http-request return status 200 content-type text/plain string "${text}"
`;

testNeeding(
  NEEDS,
  "systemd starts and reloads it, replaces a killed wrapper, and drains",
  async () => {
    const port = freePort();
    await using machine = await Machine.boot({ configuration: page(port, "one"), isOld: IS_OLD });
    const get = () => answerOf(port);
    const isActive = async () => await machine.show("ActiveState") === "active";

    const started = await machine.systemctl("start");
    assert.deepEqual(started, { status: 0, output: "" }, await machine.log());
    assert.equal(await get(), "one");
    assert.equal(await machine.show("StatusText"), "generation 1 serves");

    await machine.configure(page(port, "two"));
    await machine.until("the change to be served", async () => await get() === "two");
    assert.equal((await machine.systemctl("reload")).status, 0);
    const isReloaded = async () => await machine.show("StatusText") === "generation 3 serves";
    if (!IS_OLD) assert.ok(await isReloaded(), "systemctl returned before the reload had ended");
    await machine.until("a reload by systemd", isReloaded);
    assert.ok(await isActive());

    const killed = await machine.show("MainPID");
    await machine.configure(page(port, "three"));
    await machine.until("the change to be served", async () => await get() === "three");
    await machine.systemctl("kill", "--kill-whom=main", "-s", "KILL");
    await machine.until("another wrapper", async () => {
      assert.equal(await get(), "three", await machine.log());
      return await machine.show("MainPID") !== killed && await isActive();
    });
    assert.match(await machine.log(), /left behind by .* is gone in .*: generation 1 takes over/);
    assert.equal(await get(), "three");

    assert.equal((await machine.systemctl("stop")).status, 0);
    assert.equal(await get(), null);
    assert.equal(await machine.show("Result"), "success", await machine.log());
    assert.doesNotMatch((await machine.run("ps", "-eo", "comm=")).output, /haproxy/);
  },
);

testNeeding(
  NEEDS,
  "a bad configuration fails the start, and on an old systemd the reload",
  async () => {
    const port = freePort();
    await using machine = await Machine.boot({ configuration: page(port, "one"), isOld: IS_OLD });
    assert.equal((await machine.systemctl("start")).status, 0, await machine.log());
    await machine.configure("nonsense\n");
    const { status } = await machine.systemctl("reload");
    assert.equal(status === 0, !IS_OLD);
    const isRefused = async () =>
      (await machine.show("StatusText")).startsWith("generation 1 serves; what is on disk was rej");
    await machine.until("the refusal", isRefused);
    assert.equal(await answerOf(port), "one");
    assert.equal((await machine.systemctl("stop")).status, 0);
    assert.notEqual((await machine.systemctl("start")).status, 0);
    assert.match(await machine.log(), /unknown keyword 'nonsense'/);
  },
);

/** As README.md describes it. */
const LAST_GOOD = `[Service]
StateDirectory=haproxy/last-good
StateDirectoryMode=0700
Environment=HRW_LAST_GOOD=/var/lib/haproxy/last-good
`;

testNeeding(NEEDS, "with a StateDirectory it starts from what served last", async () => {
  const port = freePort();
  const options = { configuration: page(port, "one"), isOld: IS_OLD, edited: LAST_GOOD };
  await using machine = await Machine.boot(options);
  assert.equal((await machine.systemctl("start")).status, 0, await machine.log());
  const isRecorded = async () =>
    (await machine.run("find", "/var/lib/haproxy/last-good", "-name", "manifest.json")).output !==
      "";
  await machine.until("a recorded set", isRecorded);
  assert.equal((await machine.systemctl("stop")).status, 0);
  await machine.configure("nonsense\n");
  assert.equal((await machine.systemctl("start")).status, 0, await machine.log());
  assert.equal(await answerOf(port), "one");
  assert.match(await machine.show("StatusText"), /^generation \d serves the last good files/);
});

/** `null`: nobody listens. */
async function answerOf(port: number): Promise<string | null> {
  try {
    return await (await fetch(`http://127.0.0.1:${port}/`)).text();
  } catch {
    return null;
  }
}
