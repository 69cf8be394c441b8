import assert from "node:assert/strict";
import denoJson from "../../deno.json" with { type: "json" };
import { LIBC_PATHS } from "../../lib/libc.ts";
import { helpText } from "../../lib/settings/help.ts";
import { RUNTIME_PARENTS } from "../../lib/settings/option_types.ts";
import { ACTIONS, OPTIONS, variableOf, VARIABLES } from "../../lib/settings/options.ts";

/** What the program is allowed by `--allow-<name>=`, as the task that starts it says. */
function permitted(name: string): string[] {
  const [, list] = new RegExp(`--allow-${name}=(\\S+)`).exec(denoJson.tasks.permissions.command)!;
  return list!.split(",");
}

Deno.test("the program may read every environment variable, since paths may name any", () => {
  assert.match(denoJson.tasks.permissions.command, / --allow-env$/);
});

Deno.test("the program may write exactly below the runtime directories", () => {
  assert.deepEqual(permitted("write"), [...RUNTIME_PARENTS]);
});

Deno.test("the program may run haproxy alone", () => {
  assert.deepEqual(permitted("run"), ["haproxy"]);
});

Deno.test("the program may open exactly the C library, where it looks for it", () => {
  assert.deepEqual(permitted("ffi"), [...LIBC_PATHS]);
});

Deno.test("the program has no other permission, and is compiled with just these", () => {
  const words = denoJson.tasks.permissions.command.split(" ").slice(1);
  assert.deepEqual(words.map((word) => word.split("=")[0]), [
    ...["--no-prompt", "--allow-run", "--allow-read", "--allow-write"],
    ...["--allow-net", "--allow-ffi", "--allow-env"],
  ]);
  const compiler = denoJson.tasks.compiler.command;
  assert.ok(compiler.endsWith(" $(deno task --quiet permissions)"), compiler);
  assert.doesNotMatch(compiler, /-A\b|--allow/);
});

Deno.test("only names of the original, and systemd's, stand without HRW_ in front", () => {
  assert.deepEqual(VARIABLES.filter((name) => !name.startsWith("HRW_")), [
    ...["HAPROXY_SOCKET", "WATCH_PATH", "ENV_FILE", "DISABLE_RELOAD", "SHUTDOWN_WAIT"],
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
    "        how many old processes may drain; with more, the oldest is ended (environment: HRW_MAX_DRAINING; default: 50)",
  ],
  "several values": [
    "  --watch PATH",
    '        one more file, directory (recursively) or glob to watch; repeatable (environment: WATCH_PATH, ":" between)',
  ],
  "a switch": [
    "  --no-reload",
    "        do not watch; SIGHUP and SIGUSR2 still reload (environment: DISABLE_RELOAD=true; default: false)",
  ],
  "an action": ["  --help", "        print these settings"],
};

for (const [kind, lines] of Object.entries(HELP)) {
  Deno.test(`the help tells of a flag for ${kind}`, () => {
    assert.ok(helpText().includes(`\n${lines.join("\n")}\n`));
  });
}
