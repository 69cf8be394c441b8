/** The README's tables say what `--help` and the table of signals say. */
import assert from "node:assert/strict";
import { join } from "@std/path";
import { helpText } from "../../../lib/settings/help.ts";
import { SIGNALS } from "../../../lib/system/signals.ts";

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

Deno.test("the README's table of signals has each that is listened to, --help each that does something", () => {
  const [, table] = README.split("| signal ");
  const rows = table!.split("\n\n")[0]!.split("\n").slice(2);
  const inReadme = rows.flatMap((row) => row.split("|")[1]!.split(",").map((name) => name.trim()));
  const listened = Object.entries(SIGNALS).map(([name, { tag }]) => ({ name: name.slice(3), tag }));
  assert.deepEqual(inReadme.toSorted(), listened.map(({ name }) => name).toSorted());
  const [, line] = helpText().split("Signals: ");
  const effective = listened.filter(({ tag }) => tag !== "ignore").map(({ name }) => name);
  assert.deepEqual([...line!.matchAll(/\b[A-Z]+\d?\b/g)].map(([name]) => name).toSorted(), [
    ...effective.toSorted(),
  ]);
});
