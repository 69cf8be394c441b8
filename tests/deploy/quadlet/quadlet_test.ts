/** The quadlet agrees with the program and with the Compose file, and podman understands it. */
import assert from "node:assert/strict";
import { join } from "@std/path";
import { parse } from "npm:yaml@2.9.1";
import { readInvocation } from "../../../lib/settings/settings.ts";
import { isThere } from "../../support/machine/files.ts";
import { type Need, testNeeding } from "../../support/needs.ts";
import { TempFolder } from "../../support/machine/temp_folder.ts";

const FOLDER = import.meta.dirname!;
const TEXT = Deno.readTextFileSync(join(FOLDER, "haproxy.container"));
const COMPOSE = parse(Deno.readTextFileSync(join(FOLDER, "../compose/compose.yaml")));
const { haproxy } = COMPOSE.services;

const valuesOf = (key: string) =>
  [...TEXT.matchAll(new RegExp(`^${key}=(.*)$`, "gm"))].map(([, value]) => value!);

const environment = Object.fromEntries(
  valuesOf("Environment").map((text) => /^(\w+)=(.*)$/.exec(text)!.slice(1)),
);

Deno.test("the program takes the arguments, and the health check finds the address", () => {
  const invocation = readInvocation(valuesOf("Exec")[0]!.split(" "), environment);
  assert.ok("settings" in invocation);
  assert.deepEqual([invocation.tag, invocation.problems], ["run", []]);
  const health = readInvocation(valuesOf("HealthCmd")[0]!.split(" ").slice(1), environment);
  const { statusListen } = invocation.settings;
  assert.deepEqual(health, { tag: "health", address: statusListen, problems: [] });
});

Deno.test("it says what the Compose file says", () => {
  assert.deepEqual(valuesOf("Image"), [haproxy.image]);
  assert.deepEqual(valuesOf("Exec"), [haproxy.command.join(" ")]);
  assert.deepEqual(environment, haproxy.environment);
  assert.deepEqual(valuesOf("PublishPort"), haproxy.ports);
  assert.deepEqual(valuesOf("DropCapability"), haproxy.cap_drop);
  assert.deepEqual(valuesOf("Tmpfs"), haproxy.tmpfs);
  const { test, interval, timeout, retries, start_period } = haproxy.healthcheck;
  assert.deepEqual(valuesOf("HealthCmd"), [test.slice(1).join(" ")]);
  assert.deepEqual(
    ["Interval", "Timeout", "Retries", "StartPeriod"].map((key) => valuesOf(`Health${key}`)[0]),
    [interval, timeout, String(retries), start_period],
  );
  const grace = parseInt(haproxy.stop_grace_period);
  assert.deepEqual(valuesOf("PodmanArgs"), [`--stop-timeout=${grace}`]);
  assert.ok(Number(valuesOf("TimeoutStopSec")[0]) > grace);
});

/** It comes with podman 4.4, and writes the service that systemd would run. */
const GENERATOR = "/usr/lib/systemd/system-generators/podman-system-generator";
const GENERATING: Need = {
  missing: isThere(GENERATOR) ? null : "needs podman 4.4 or newer",
  isOptional: true,
};

testNeeding(
  [GENERATING],
  "podman makes a service of it, and tells of a key that it does not know",
  async () => {
    const service = await generate(TEXT);
    const [, command = ""] = /^ExecStart=(.*)$/m.exec(service) ?? [];
    // Podman 4 joins an option and its value by "=".
    const run = command.replaceAll("--cap-drop=", "--cap-drop ");
    for (
      const words of [
        ...["--sdnotify=container", "--cap-drop all", "--read-only", "--stop-timeout=45"],
        ...["HRW_STATUS_LISTEN=:9101", "haproxy-reload-wrapper --health", "--shutdown-wait=30s"],
      ]
    ) assert.ok(run.includes(words), `${words} is not in\n${service}`);
    assert.match(
      await generate(TEXT.replace("ReadOnly=", "ReadOnli=")),
      /unsupported key 'ReadOnli'/,
    );
  },
);

async function generate(text: string): Promise<string> {
  await using folder = new TempFolder();
  folder.write("haproxy.container", text);
  const { stdout, stderr } = await new Deno.Command(GENERATOR, {
    args: ["-dryrun"],
    env: { QUADLET_UNIT_DIRS: folder.path },
  }).output();
  return [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes)).join("\n");
}
