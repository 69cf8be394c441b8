/** Injects a fault into a world, heals it, and asserts what must hold during and after it. */
import type { Fault } from "./fault.ts";
import { assertHealed, assertKept, type Mark, mark } from "./world/invariants.ts";
import type { World } from "./world/world.ts";

export async function undergo(world: World, fault: Fault): Promise<void> {
  try {
    const before = await mark(world);
    await fault.inject(world);
    await expectOutcome(world, before, fault);
    await fault.heal?.(world);
    await world.serves(world.wanted, world.wrapper);
    await assertHealed(world, before, fault);
  } catch (error) {
    throw new Error(`fault "${fault.name}": ${(error as Error).message}`, { cause: error });
  }
}

async function expectOutcome(world: World, before: Mark, fault: Fault): Promise<void> {
  const { expects } = fault;
  const says = (line: RegExp) => world.wrapper.says(line, before.outputLength);
  switch (expects.tag) {
    case "rejected":
      await says(
        new RegExp(
          `generation \\d+ rejected: .*(?:${expects.reason.source}).*; ` +
            `generation ${before.generation} keeps serving`,
        ),
      );
      return await assertKept(world, before, fault);
    case "awaited":
      await says(expects.line);
      return await assertKept(world, before, fault);
    case "served":
      if (fault.served !== 0 && fault.isSilent !== true) await says(/generation \d+ serves/);
      await world.serves(world.wanted, world.wrapper);
      if (expects.line !== undefined) await says(expects.line);
      return;
    default:
      return expects satisfies never;
  }
}
