import assert from "node:assert/strict";
import denoJson from "../../deno.json" with { type: "json" };
import { LIBC_PATHS } from "../../lib/libc.ts";
import {
  helpText,
  type Option,
  OPTIONS,
  RUNTIME_PARENTS,
  variableOf,
} from "../../lib/settings/options.ts";

const ALL = Object.values<Option>(OPTIONS);
const VARIABLES = ALL.flatMap((option) => variableOf(option) ?? []);

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
  assert.equal(variableOf(OPTIONS.noHotApply), "HRW_NO_HOT_APPLY");
  assert.equal(variableOf(OPTIONS.help), null);
});

Deno.test("no two options share a flag or a variable", () => {
  const flags = ALL.map(({ flag }) => flag);
  assert.deepEqual([...new Set(flags)], flags);
  assert.deepEqual([...new Set(VARIABLES)], VARIABLES);
});

for (const option of ALL) {
  const { flag, value, default: preset, meaning } = option;
  const variable = variableOf(option);
  Deno.test(`the help tells of --${flag}`, () => {
    const lines = helpText().split("\n");
    const index = lines.indexOf(value === null ? `  --${flag}` : `  --${flag} ${value}`);
    assert.notEqual(index, -1);
    const explanation = lines[index + 1]!;
    assert.ok(explanation.trimStart().startsWith(meaning));
    assert.equal(explanation.includes(`environment: ${variable}`), variable !== null);
    assert.equal(explanation.includes(`default: ${preset}`), preset !== null);
  });
}
