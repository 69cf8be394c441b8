/** What happens where no file can be opened any more, in the wrapper or in HAProxy. */
import type { Fault } from "./fault.ts";

/** No new one has a number below that. */
const NONE = 3;
const MANY = 1_000;

const IN_WRAPPER: Fault = {
  name: "the wrapper has no file descriptor left",
  async inject(world) {
    await world.limitOpenFiles(world.wrapper.pid, NONE);
    await world.change();
  },
  heal: (world) => world.limitOpenFiles(world.wrapper.pid, MANY),
  expects: { tag: "awaited", line: /cannot read .*Too many open files.*nothing is reloaded/ },
  isSilent: true,
};

function inHaproxy(): Fault {
  let pid = 0;
  return {
    name: "the serving HAProxy has no file descriptor left",
    async inject(world) {
      pid = await world.servingPid();
      await world.limitOpenFiles(pid, NONE);
      await world.change();
    },
    heal: (world) => world.limitOpenFiles(pid, MANY),
    expects: { tag: "rejected", reason: /haproxy exited with 1 before it was ready/ },
    stalls: true,
  };
}

export const DESCRIPTOR_FAULTS = (): readonly Fault[] => [IN_WRAPPER, inHaproxy()];
