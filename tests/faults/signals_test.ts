/** Two or three signals at once in each state of the supervisor; `deno task faults` sends more. */
import assert from "node:assert/strict";
import { concurrently } from "./concurrently.ts";
import { randomSignals, sendSignals } from "./signals.ts";
import { type HeldState, STATES } from "./world/states.ts";

const SEED = 20_261_125;
const CASES = 4;
const WIDTH = 6;

Deno.test(`${CASES} sets of signals in each state, from the seed ${SEED}`, async () => {
  const cases = Object.keys(STATES).flatMap((state, row) =>
    Array.from(
      { length: CASES },
      (_, index) => randomSignals(SEED + row * CASES + index, state as HeldState),
    )
  );
  const failures = await concurrently(cases, WIDTH, sendSignals);
  assert.equal(failures.length, 0, failures.map(({ message }) => message).join("\n\n"));
});
