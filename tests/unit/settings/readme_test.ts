/** The README's table of settings says what `--help` says. */
import assert from "node:assert/strict";
import { join } from "@std/path";
import { helpText } from "../../../lib/settings/help.ts";

const README = Deno.readTextFileSync(join(import.meta.dirname!, "../../../README.md"));

/** As `--help` writes it: without a default if there is none, and without links and markup. */
function helpOf(row: string): string {
  const cells = row.split(/(?<!\\)\|/).slice(1, -1).map((cell) =>
    cell.replaceAll(/`|\*\*|\.? \[More\]\(.*?\)/g, "").replaceAll("\\|", "|").trim()
  );
  const [flag, environment, preset, meaning] = cells;
  const variable = environment!.replace(" (: between)", ', ":" between');
  const notes = preset === "none" ? variable : `${variable}; default: ${preset}`;
  return `  ${flag}\n        ${meaning}${variable === "" ? "" : ` (environment: ${notes})`}\n`;
}

Deno.test("the README's table has what --help prints, flag for flag", () => {
  const rows = README.split("\n").filter((line) => line.startsWith("| `--"));
  const [, flags] = helpText().split("A flag beats its environment variable.\n\n");
  assert.equal(rows.map(helpOf).join("") + "\n", flags!.slice(0, flags!.indexOf("Signals:")));
});
