/** The proof of sameness in short; SERVER_EDITS and SERVER_SEED repeat one. `deno task proof:servers` is the long one. */
import assert from "node:assert/strict";
import { proveSameness } from "./sameness.ts";

const EDITS = Number(Deno.env.get("SERVER_EDITS") ?? 25);
const SEED = Number(Deno.env.get("SERVER_SEED") ?? Math.floor(Math.random() * 1_000_000));

for (const addsServers of [true, false]) {
  const how = addsServers ? "added and deleted" : "changed and put into maintenance";
  Deno.test(`servers that are ${how} are those of a reload`, async () => {
    const { applied, reloads, requests, failures } = await proveSameness({
      seed: SEED,
      edits: EDITS,
      addsServers,
    });
    // How many is up to chance.
    assert.ok(applied > 0, JSON.stringify([SEED, applied, [...reloads]]));
    assert.ok(requests > EDITS);
    assert.deepEqual(failures, [], `seed ${SEED}`);
  });
}
