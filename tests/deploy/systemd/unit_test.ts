/** The unit says what the program needs, and systemd understands it. */
import assert from "node:assert/strict";
import { readInvocation } from "../../../lib/settings/settings.ts";
import { type Need, testNeeding } from "../../support/needs.ts";
import { TempFolder } from "../../support/machine/temp_folder.ts";
import { DROP_IN, NOTIFY_RELOAD, systemdVersion, UNIT, valuesOf } from "./unit.ts";

const [COMMAND] = valuesOf("ExecStart");
const [PROGRAM, ...WORDS] = COMMAND!.split(" ");
const SECOND_MS = 1_000;

const VERSION = systemdVersion("/");
const VERIFIABLE: Need = { missing: VERSION === null ? "needs systemd" : null, isOptional: true };

function settings() {
  const runtime = `/run/${valuesOf("RuntimeDirectory")[0]}`;
  const invocation = readInvocation(WORDS, { RUNTIME_DIRECTORY: runtime });
  assert.ok("settings" in invocation);
  return invocation;
}

Deno.test("the program takes the unit's arguments", () => {
  const { tag, problems } = settings();
  assert.deepEqual([tag, problems], ["run", []]);
});

Deno.test("systemd waits longer than the program does", () => {
  const { readyTimeoutMs, drainDelayMs, shutdownWaitMs } = settings().settings;
  const seconds = (key: string) => parseInt(valuesOf(key)[0]!) * SECOND_MS;
  assert.ok(seconds("TimeoutStartSec") >= 2 * readyTimeoutMs + 10 * SECOND_MS);
  assert.ok(seconds("TimeoutStopSec") >= drainDelayMs + shutdownWaitMs! + 15 * SECOND_MS);
});

Deno.test("private files and status socket are in the runtime directory, which survives a restart", () => {
  const { runtimeParents, statusListen } = settings().settings;
  assert.ok(statusListen?.tag === "unix");
  assert.ok(statusListen.path.startsWith(`${runtimeParents[0]}/`), statusListen.path);
  assert.deepEqual(valuesOf("RuntimeDirectoryPreserve"), ["restart"]);
  assert.deepEqual(valuesOf("KillMode"), ["process"]);
});

Deno.test("the drop-in reloads by the same signal, and checks the same configuration before", () => {
  const [check, reload] = valuesOf("ExecReload", DROP_IN).map((value) => value.split(" "));
  assert.deepEqual(check, [PROGRAM, ...WORDS.slice(0, 2), "--check"]);
  assert.deepEqual(reload, ["/bin/kill", "-HUP", "$MAINPID"]);
  assert.deepEqual([valuesOf("Type"), valuesOf("Type", DROP_IN)], [["notify-reload"], ["notify"]]);
});

testNeeding([VERIFIABLE], "systemd understands every line", async () => {
  assert.equal(await problemsOf(UNIT), "");
});

testNeeding([VERIFIABLE], "a line that systemd does not know is told", async () => {
  assert.match(await problemsOf(UNIT.replace("KillMode=", "KilMode=")), /KilMode/);
});

testNeeding([VERIFIABLE], "systemd rates the exposure of the unit as low", async () => {
  await using folder = new TempFolder();
  const args = ["security", "--offline=true", "--threshold=30", write(folder, UNIT)];
  const { success, stdout } = await new Deno.Command("systemd-analyze", { args }).output();
  assert.ok(success, new TextDecoder().decode(stdout));
});

/** What `systemd-analyze verify` says; the program need not be installed here. */
async function problemsOf(unit: string): Promise<string> {
  await using folder = new TempFolder();
  const args = ["verify", "--man=false", write(folder, unit.replaceAll(PROGRAM!, "/bin/true"))];
  const { stderr } = await new Deno.Command("systemd-analyze", { args }).output();
  return new TextDecoder().decode(stderr).split("\n")
    .filter((line) => line.includes("haproxy-reload-wrapper")).join("\n");
}

function write(folder: TempFolder, unit: string): string {
  if (VERSION! < NOTIFY_RELOAD) {
    const dropIn = DROP_IN.replaceAll(PROGRAM!, "/bin/true");
    folder.write("haproxy-reload-wrapper.service.d/before-systemd-253.conf", dropIn);
    // Verified by itself, as the older systemd says that it ignores the newer type.
    unit = unit.replace("Type=notify-reload", "Type=notify");
  }
  return folder.write("haproxy-reload-wrapper.service", unit);
}
