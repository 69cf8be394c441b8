/** What can happen to the serving process before and during a handoff. */
import type { Fault } from "../fault.ts";
import { afterFirstAnswer, meddled } from "./new_process.ts";
import { freeze, killQuietly } from "../../support/machine/processes.ts";

function frozen(): Fault {
  let pid = 0;
  return {
    name: "the old process is frozen before the handoff",
    async inject(world) {
      pid = await world.servingPid();
      await freeze(pid);
      await world.change();
    },
    heal: () => Promise.resolve(Deno.kill(pid, "SIGCONT")),
    expects: { tag: "rejected", reason: /did not hand its sockets over: .*or it hangs/ },
    stalls: true,
  };
}

function frozenInHandoff(): Fault {
  let pid = 0;
  return meddled(
    "the old process is frozen when the new one has answered",
    async (world) => {
      pid = await world.servingPid();
      return afterFirstAnswer(() => freeze(pid));
    },
    { expects: { tag: "served" }, stalls: true, undo: () => killQuietly(pid, "SIGCONT") },
  );
}

export const OLD_PROCESS_FAULTS = (): readonly Fault[] => [frozen(), frozenInHandoff()];
