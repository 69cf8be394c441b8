/** Measures all figures and prints them as one table: `deno task bench [--rounds N] [--only NAME]`. */
import { existsSync } from "node:fs";
import { parseArgs } from "node:util";
import { PROGRAM } from "../support/wrapper/program.ts";
import { FIGURES } from "./figures.ts";
import { described, machine } from "../support/measuring/machine.ts";
import { swept } from "../support/measuring/sweep.ts";
import { markdown, type Row } from "./table.ts";

/** As in sysexits(3). */
const EXIT_USAGE = 64;
const EXIT_UNAVAILABLE = 69;

if (import.meta.main) Deno.exit(await bench());

async function bench(): Promise<number> {
  const { rounds, only } = readOptions();
  const chosen = FIGURES.filter(({ name }) => only === undefined || name === only);
  const isUsable = rounds === undefined || (Number.isInteger(rounds) && rounds > 0);
  if (chosen.length === 0 || !isUsable) return explainUsage();
  if (!existsSync(PROGRAM[0]!)) return explainUnavailable();
  const rows: Row[] = [];
  for (const figure of chosen) {
    console.error(`measuring ${figure.name} …`);
    rows.push(...[await swept((room) => figure.measure(room, rounds ?? figure.rounds))].flat());
  }
  const measured = await machine();
  console.log(`${markdown(rows, measured)}\n\n${described(measured)}`);
  return 0;
}

function readOptions(): { rounds?: number; only?: string } {
  const { values } = parseArgs({
    options: { rounds: { type: "string" }, only: { type: "string" } },
  });
  const { rounds, ...rest } = values;
  return rounds === undefined ? rest : { ...rest, rounds: Number(rounds) };
}

function explainUsage(): number {
  const names = FIGURES.map(({ name }) => name).join(", ");
  console.error(`wanted --rounds with a number of 1 or more, and --only with one of ${names}`);
  return EXIT_USAGE;
}

function explainUnavailable(): number {
  console.error(
    `there is no "${PROGRAM[0]}": "deno task compile" makes it; ` +
      "or measure the program from source, with PROGRAM=source in the environment",
  );
  return EXIT_UNAVAILABLE;
}
