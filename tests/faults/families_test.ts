/**
 * Each fault by itself, in a world of its own with traffic. They run in one form alone, with the first
 * of the tasks' runs: what they are about does not depend on the form.
 */
import assert from "node:assert/strict";
import { concurrently } from "./concurrently.ts";
import { FAMILIES } from "./families.ts";
import { undergo } from "./undergo.ts";
import { World } from "./world.ts";

/** Most of a fault's time is waiting. */
const WIDTH = 6;

for (const [family, makeFaults] of Object.entries(FAMILIES)) {
  const faults = makeFaults();
  const missing = faults.find((fault) => fault.missing)?.missing;
  const name = `faults of ${family}: ${faults.length}, each with traffic, healed without a trace`;
  Deno.test({
    name: missing ? `${name} (some are left out: ${missing})` : name,
    async fn() {
      const possible = faults.filter((fault) => !fault.missing);
      const failures = await concurrently(possible, WIDTH, async (fault) => {
        await using world = await World.serving();
        await undergo(world, fault);
      });
      assert.equal(failures.length, 0, failures.map(({ message }) => message).join("\n\n"));
    },
  });
}
