/** Registers the test of a family of faults: each with traffic, in a world of its own. */
import assert from "node:assert/strict";
import { testNeeding } from "../support/needs.ts";
import { concurrently } from "./concurrently.ts";
import { type Fault, isPossible } from "./fault.ts";
import { undergo } from "./undergo.ts";
import { World } from "./world/world.ts";

/** Most of a fault's time is spent waiting. */
const WIDTH = 6;

/** Those that cannot be injected here become ignored tests that say why. */
export function testFamily(
  family: string,
  faults: readonly Fault[],
  makeWorld: () => Promise<World> = () => World.serving(),
): void {
  const possible = faults.filter(isPossible);
  if (possible.length > 0) {
    Deno.test(
      `faults of ${family}: ${possible.length}, each with traffic, healed without a trace`,
      async () => {
        const failures = await concurrently(possible, WIDTH, (fault) => suffer(fault, makeWorld));
        assert.equal(failures.length, 0, failures.map(({ message }) => message).join("\n\n"));
      },
    );
  }
  for (const { name, needs } of faults) {
    if (needs && needs.missing !== null) testNeeding([needs], name, () => {});
  }
}

async function suffer(fault: Fault, makeWorld: () => Promise<World>): Promise<void> {
  await using world = await makeWorld();
  await undergo(world, fault);
}
