/** The README's table of settings says what the program does. */
import assert from "node:assert/strict";
import { join } from "@std/path";
import { type Option, OPTIONS, variableOf } from "../../lib/settings/options.ts";

const README = Deno.readTextFileSync(join(import.meta.dirname!, "../../README.md"));

for (const option of Object.values<Option>(OPTIONS)) {
  const { flag, value, default: preset } = option;
  const variable = variableOf(option);
  Deno.test(`the README's row of --${flag} names its value, its variable and its default`, () => {
    const words = value === null ? `--${flag}` : `--${flag} ${value.replaceAll("|", "\\|")}`;
    const row = README.split("\n").find((line) => line.startsWith(`| \`${words}\``));
    assert.ok(row !== undefined, `found no row that starts with "${words}"`);
    const [, , environment, standard] = row.split(/(?<!\\)\|/).map((cell) => cell.trim());
    assert.ok(environment!.startsWith(variable === null ? "" : `\`${variable}`), environment);
    if (preset !== null) assert.equal(standard, preset);
  });
}
