/**
 * Random sequences of faults from a seed that is printed first: `deno task faults [--seed S] [--sequences N]`.
 * Sequence number i is the one of the seed S + i, so that it can be had again by `--seed` and `--sequences 1`.
 */
import { parseArgs } from "@std/cli/parse-args";
import { concurrently } from "./concurrently.ts";
import { describeSequence, randomSequence, runSequence } from "./sequence.ts";

/** Most of their time is waiting, and what they wait for has limits of seconds. */
const WIDTH = 2 * navigator.hardwareConcurrency;

const flags = parseArgs(Deno.args, {
  string: ["seed", "sequences", "width"],
  boolean: [],
  collect: [],
});
const seed = Number(flags.seed ?? crypto.getRandomValues(new Uint32Array(1))[0]! >>> 1);
const count = Number(flags.sequences ?? 200);
const width = Number(flags.width ?? WIDTH);
if (![seed, count, width].every(Number.isSafeInteger)) {
  console.error("--seed, --sequences and --width want whole numbers");
  Deno.exit(64);
}

console.log(`seed ${seed}: ${count} sequences of 3 to 8 faults, ${width} at a time`);
const startedMs = performance.now();
let done = 0;
const seeds = Array.from({ length: count }, (_, index) => seed + index);
const failures = await concurrently(seeds, width, async (own) => {
  const sequence = randomSequence(own);
  try {
    await runSequence(sequence);
  } catch (error) {
    const { message } = error as Error;
    console.log(`FAILED --seed ${own} --sequences 1: ${message}\n${describeSequence(sequence)}`);
    throw error;
  } finally {
    if (++done % 10 === 0) console.log(`${done} of ${count}, ${seconds()} s`);
  }
});
console.log(`${count - failures.length} of ${count} sequences went well in ${seconds()} s`);
Deno.exit(failures.length === 0 ? 0 : 1);

function seconds(): number {
  return Math.round((performance.now() - startedMs) / 1_000);
}
