/** Random sequences of faults: a few from a fixed seed, and those that once failed. `deno task faults` runs 200. */
import assert from "node:assert/strict";
import { concurrently } from "./concurrently.ts";
import { KNOWN_SEQUENCES } from "./known_sequences.ts";
import { randomSequence, runSequence, type Sequence } from "./sequence.ts";

const SEED = 20_261_125;
const SEQUENCES = 6;
const WIDTH = 6;

const RANDOM = Array.from(
  { length: SEQUENCES },
  (_, index) => randomSequence(SEED + index, { most: 4 }),
);

async function assertAllWell(sequences: readonly Sequence[]): Promise<void> {
  const failures = await concurrently(sequences, WIDTH, runSequence);
  assert.equal(failures.length, 0, failures.map(({ message }) => message).join("\n\n"));
}

Deno.test(
  `${SEQUENCES} random sequences of 3 or 4 faults, from the seed ${SEED}`,
  () => assertAllWell(RANDOM),
);

Deno.test(
  `sequences that once failed: ${KNOWN_SEQUENCES.map(({ why }) => why).join("; ")}`,
  () => assertAllWell(KNOWN_SEQUENCES),
);
