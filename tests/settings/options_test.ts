import assert from "node:assert/strict";
import denoJson from "../../deno.json" with { type: "json" };
import { PROGRAM_OPTIONS } from "../dev/deno.ts";
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

Deno.test("the program has just the permissions that it needs", () => {
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
    ...["--no-prompt", "-P"],
  ]);
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
