import assert from "node:assert/strict";
import denoJson from "../../../deno.json" with { type: "json" };
import { PROGRAM_OPTIONS } from "../../dev/deno.ts";
import { LIBC_PATHS } from "../../../lib/system/libc.ts";
import { helpText } from "../../../lib/settings/help.ts";
import { RUNTIME_PARENTS } from "../../../lib/settings/option_types.ts";
import { ACTIONS, OPTIONS, variableOf, VARIABLES } from "../../../lib/settings/options.ts";

Deno.test("the program has only the permissions that it needs", () => {
  assert.deepEqual(denoJson.permissions.default, {
    run: ["haproxy"],
    read: true,
    write: [...RUNTIME_PARENTS],
    net: true,
    // Paths in the configuration may name any variable.
    env: true,
    ffi: [...LIBC_PATHS],
  });
  assert.deepEqual(PROGRAM_OPTIONS.filter((word) => !word.startsWith("--v8-flags=")), [
    "--no-prompt",
    "-P",
  ]);
});

Deno.test("only names known from other images, and systemd's, lack the prefix HRW_", () => {
  assert.deepEqual(VARIABLES.filter((name) => !name.startsWith("HRW_")), [
    "HAPROXY_SOCKET",
    "WATCH_PATH",
    "ENV_FILE",
    "DISABLE_RELOAD",
    "SHUTDOWN_WAIT",
    "RUNTIME_DIRECTORY",
  ]);
  assert.equal(variableOf(OPTIONS.logLevel), "HRW_LOG_LEVEL");
});

Deno.test("no two options share a flag or a variable", () => {
  const flags = [...Object.values(OPTIONS).map(({ flag }) => flag), ...Object.keys(ACTIONS)];
  assert.equal(new Set(flags).size, flags.length);
  assert.equal(new Set(VARIABLES).size, VARIABLES.length);
});

const HELP = {
  "a value": [
    "  --max-draining N",
    "        how many old processes may drain; beyond that, the oldest is ended (environment: HRW_MAX_DRAINING; default: 50)",
  ],
  "several values": [
    "  --watch PATH",
    '        an additional file, directory (recursive) or glob to watch; repeatable (environment: WATCH_PATH, ":" between)',
  ],
  "a switch": [
    "  --no-reload",
    "        do not watch; SIGHUP and SIGUSR2 still reload (environment: DISABLE_RELOAD=true; default: false)",
  ],
  "an action": ["  --help", "        print these settings"],
};

for (const [kind, lines] of Object.entries(HELP)) {
  Deno.test(`--help shows a flag for ${kind}`, () => {
    assert.ok(helpText().includes(`\n${lines.join("\n")}\n`));
  });
}
