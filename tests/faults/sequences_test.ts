/** Random sequences of faults: a few of a fixed seed, and those that have failed once. `deno task faults` runs 200. */
import assert from "node:assert/strict";
import { concurrently } from "./concurrently.ts";
import { KNOWN_SEQUENCES } from "./known_sequences.ts";
import { randomSequence, runSequence } from "./sequence.ts";

const SEED = 20_261_125;
const SEQUENCES = 6;
const WIDTH = 6;

Deno.test(`${SEQUENCES} random sequences of 3 or 4 faults, from the seed ${SEED}`, async () => {
  const seeds = Array.from({ length: SEQUENCES }, (_, index) => SEED + index);
  const failures = await concurrently(
    seeds,
    WIDTH,
    (seed) => runSequence(randomSequence(seed, { most: 4 })),
  );
  assert.equal(failures.length, 0, failures.map(({ message }) => message).join("\n\n"));
});

for (const { why, ...sequence } of KNOWN_SEQUENCES) {
  Deno.test(`a sequence that has failed: ${why}`, async () => await runSequence(sequence));
}
