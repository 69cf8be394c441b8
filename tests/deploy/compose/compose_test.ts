/** The Compose file agrees with the program, and Docker understands it. */
import assert from "node:assert/strict";
import { join } from "@std/path";
import { parse } from "npm:yaml@2.9.1";
import { readInvocation } from "../../../lib/settings/settings.ts";
import { parseDuration } from "../../../lib/text/duration.ts";
import { type Need, testNeeding } from "../../support/needs.ts";
import { TempFolder } from "../../support/machine/temp_folder.ts";

const TEXT = Deno.readTextFileSync(join(import.meta.dirname!, "compose.yaml"));
const { haproxy } = parse(TEXT).services;

Deno.test("the program takes command and variables, and the health check finds the address", () => {
  const { tag, settings, problems } = running();
  assert.deepEqual([tag, problems], ["run", []]);
  const [kind, program, ...words] = haproxy.healthcheck.test;
  assert.deepEqual([kind, program], ["CMD", "haproxy-reload-wrapper"]);
  assert.deepEqual(readInvocation(words, haproxy.environment), {
    tag: "health",
    address: settings.statusListen,
    problems: [],
  });
});

Deno.test("Docker waits longer than the program does, at the start, at the end and for its health", () => {
  const { drainDelayMs, shutdownWaitMs, readyTimeoutMs } = running().settings;
  const { start_period, timeout } = haproxy.healthcheck;
  assert.ok(parseDuration(haproxy.stop_grace_period)! >= drainDelayMs + shutdownWaitMs! + 10_000);
  assert.ok(parseDuration(start_period)! >= readyTimeoutMs);
  assert.ok(parseDuration(timeout)! > 5_000, "--health says why it failed after 5 s");
});

Deno.test("the container has no right that it does not need, and the status is not public", () => {
  const { read_only, tmpfs, cap_drop, security_opt, ports, volumes } = haproxy;
  assert.deepEqual({ read_only, tmpfs, cap_drop, security_opt }, {
    read_only: true,
    tmpfs: ["/tmp"],
    cap_drop: ["ALL"],
    security_opt: ["no-new-privileges:true"],
  });
  assert.ok(ports.includes("127.0.0.1:9101:9101"), ports);
  const [{ type, source, target, read_only: isReadOnly }] = volumes;
  assert.deepEqual(
    { type, source, target, isReadOnly },
    { type: "bind", source: "./haproxy", target: "/usr/local/etc/haproxy", isReadOnly: true },
  );
});

const COMPOSE = ["docker", "compose"] as const;

testNeeding(
  [composable()],
  "Docker Compose takes every line, and tells of one that it does not know",
  async () => {
    assert.equal(await problemsOf(TEXT), "");
    assert.match(await problemsOf(TEXT.replace("cap_drop", "capdrop")), /capdrop/);
  },
);

/** Not every machine's CI has Docker. */
function composable(): Need {
  try {
    const args = [...COMPOSE.slice(1), "version"];
    if (new Deno.Command(COMPOSE[0], { args }).outputSync().success) return { missing: null };
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return { missing: "needs docker compose", isOptional: true };
}

async function problemsOf(text: string): Promise<string> {
  await using folder = new TempFolder();
  const args = [...COMPOSE.slice(1), "-f", folder.write("compose.yaml", text), "config", "--quiet"];
  const { stderr } = await new Deno.Command(COMPOSE[0], { args }).output();
  return new TextDecoder().decode(stderr);
}

function running() {
  const invocation = readInvocation(haproxy.command, haproxy.environment);
  assert.ok("settings" in invocation);
  return invocation;
}
