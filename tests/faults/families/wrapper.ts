/** What can happen to the wrapper itself: it is frozen, flooded, or gets several signals at once. */
import { join } from "@std/path";
import { pause, waitFor } from "../../support/wait.ts";
import { childrenOf, freeze } from "../../support/machine/processes.ts";
import type { Fault } from "../fault.ts";
import { READY_TIMEOUT_MS, type World } from "../world/world.ts";

const SERVED = { tag: "served" } as const;

const whileFrozen = (
  name: string,
  act: (world: World) => Promise<unknown>,
  more: Partial<Fault> = {},
): Fault => ({
  name: `the wrapper is frozen, and meanwhile ${name}`,
  expects: SERVED,
  ...more,
  async inject(world) {
    await freeze(world.wrapper.pid);
    await act(world);
    world.wrapper.signal("SIGCONT");
  },
});

/** Each file written and removed causes four events. */
const FLOOD_FILES = 5_000;

async function flood(world: World): Promise<void> {
  for (let number = 0; number < FLOOD_FILES; number++) {
    const path = join(world.configurationDirectory, `flood-${number}`);
    // Not at once, which would keep the clients in this process from asking.
    await Deno.writeTextFile(path, "1");
    await Deno.remove(path);
  }
  await world.change();
}

const FROZEN_IN_HANDOFF: Fault = {
  name: "the wrapper is frozen in the middle of a handoff, for longer than the ready timeout",
  expects: SERVED,
  async inject(world) {
    const known = childrenOf(world.wrapper.pid);
    await world.change();
    await waitFor(
      "a new process",
      () => childrenOf(world.wrapper.pid).some((pid) => !known.includes(pid)),
      { explain: () => world.wrapper.output },
    );
    await freeze(world.wrapper.pid);
    await pause(READY_TIMEOUT_MS + 500);
    world.wrapper.signal("SIGCONT");
  },
};

const signalled = (signals: readonly Deno.Signal[]): Fault => ({
  name: `the wrapper gets ${signals.join(", ")} at once, with a change`,
  expects: SERVED,
  // A signal reloads; so does the change, if the scan for the signal missed it.
  served: null,
  async inject(world) {
    const changing = world.change();
    signals.forEach((signal) => world.wrapper.signal(signal));
    await changing;
  },
});

export const WRAPPER_FAULTS = (): readonly Fault[] => [
  whileFrozen("a change is made", (world) => world.change()),
  whileFrozen("two changes are made", async (world) => {
    await world.change();
    await world.change();
  }),
  whileFrozen("a change is made and taken back", async (world) => {
    const before = await Deno.readTextFile(world.configuration);
    await world.replace("nonsense\n");
    await world.replace(before);
  }, { served: 0 }),
  whileFrozen("more events come than its queue holds", flood),
  FROZEN_IN_HANDOFF,
  signalled(["SIGHUP", "SIGUSR2"]),
  signalled(["SIGHUP", "SIGHUP", "SIGHUP"]),
  signalled(["SIGQUIT", "SIGHUP"]),
  signalled(["SIGTTIN", "SIGTTOU", "SIGUSR2"]),
];
