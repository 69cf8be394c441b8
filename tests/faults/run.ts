/**
 * Random sequences of faults, and as many sets of signals, from a seed that is printed first:
 * `deno task faults [--seed S] [--sequences N]`. Number i uses the seed S + i, so `--seed` and
 * `--sequences 1` repeat it.
 */
import { parseArgs } from "node:util";
import { concurrently } from "./concurrently.ts";
import type { Fault } from "./fault.ts";
import { LONG_FAULTS } from "./families/long.ts";
import { describeSequence, randomSequence, runSequence } from "./sequence.ts";
import { randomSignals, sendSignals } from "./signals.ts";
import { undergo } from "./undergo.ts";
import { World } from "./world/world.ts";

/** They mostly wait, and what they wait for has limits of seconds. */
const WIDTH = 2 * navigator.hardwareConcurrency;

const { values } = parseArgs({
  options: { seed: { type: "string" }, sequences: { type: "string" }, width: { type: "string" } },
});
const seed = Number(values.seed ?? crypto.getRandomValues(new Uint32Array(1))[0]! >>> 1);
const count = Number(values.sequences ?? 200);
const width = Number(values.width ?? WIDTH);
if (![seed, count, width].every(Number.isSafeInteger)) {
  console.error("--seed, --sequences and --width want whole numbers");
  Deno.exit(64);
}

console.log(`seed ${seed}: ${count} sequences of 3 to 8 faults, ${width} at a time`);
const startedMs = performance.now();
const seeds = Array.from({ length: count }, (_, index) => seed + index);
const results = [
  ...await runAll("long faults", LONG_FAULTS(), suffer, ({ name }) => name),
  ...await runAll("sequences", seeds, (own) => runSequence(randomSequence(own)), describe),
  ...await runAll("sets of signals", seeds, (own) => sendSignals(randomSignals(own)), String),
];
Deno.exit(results.length === 0 ? 0 : 1);

async function runAll<Item>(
  what: string,
  items: readonly Item[],
  work: (item: Item) => Promise<void>,
  describeItem: (item: Item) => string,
): Promise<readonly Error[]> {
  let done = 0;
  const failures = await concurrently(items, width, async (item) => {
    try {
      await work(item);
    } catch (error) {
      console.log(`FAILED ${describeItem(item)}: ${(error as Error).message}`);
      throw error;
    } finally {
      if (++done % 10 === 0) console.log(`${done} of ${items.length} ${what}, ${seconds()} s`);
    }
  });
  const well = items.length - failures.length;
  console.log(`${well} of ${items.length} ${what} went well, ${seconds()} s`);
  return failures;
}

function describe(own: number): string {
  return `--seed ${own} --sequences 1 ${describeSequence(randomSequence(own))}`;
}

async function suffer(fault: Fault): Promise<void> {
  await using world = await World.serving();
  await undergo(world, fault);
}

function seconds(): number {
  return Math.round((performance.now() - startedMs) / 1_000);
}
