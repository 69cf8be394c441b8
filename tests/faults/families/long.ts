/** Faults that take too long for the tests; `deno task faults` begins with them. */
import { waitFor } from "../../support/wait.ts";
import { IGNORES_SIGNALS } from "./binary.ts";
import type { Fault } from "../fault.ts";

const LINE =
  `# server one 192.0.2.1:80 check inter 2s fall 3 rise 2 weight 100 maxconn 10 crt /no/such\n`;
const HUGE_BYTES = 100_000_000;

/** The wrapper searches all of it for file references, and answers nobody meanwhile. */
const HUGE_CONFIGURATION: Fault = {
  name: "the configuration is 100 MB large",
  async inject(world) {
    const generation = world.wrapper.lastGeneration + 1;
    await world.change(LINE.repeat(HUGE_BYTES / LINE.length));
    await waitFor(
      "the end of that start",
      () => world.wrapper.output.includes(`generation ${generation} serves`),
      { deadlineMs: 120_000, explain: () => world.wrapper.output },
    );
    await world.serves(world.wanted, world.wrapper);
  },
  heal: (world) => world.change(""),
  expects: { tag: "served" },
  served: 2,
};

export const LONG_FAULTS = (): readonly Fault[] => [HUGE_CONFIGURATION, IGNORES_SIGNALS];
