/** What can happen to stdout, which HAProxy inherits. */
import type { StatusReport } from "../../../lib/status/report.ts";
import { waitFor } from "../../support/wait.ts";
import type { Fault } from "../fault.ts";
import type { World } from "../world/world.ts";

/** What the wrapper logs meanwhile appears when somebody reads again. */
function blocked(): Fault {
  return {
    name: "nobody reads stdout any more, and it is full",
    async inject(world) {
      world.wrapper.holdStdout();
      await fillStdout(world);
      const { generation } = (await world.report()).serving!;
      await world.change();
      // By then the old process has been told to drain; that line is still waiting.
      await waitFor("the next generation, and an answer that it serves", async () => {
        const { body } = await world.ask("/status", { signal: AbortSignal.timeout(2_000) });
        return (JSON.parse(body) as StatusReport).serving!.generation > generation;
      });
      await world.change();
    },
    heal: (world) => Promise.resolve(world.wrapper.readStdout()),
    expects: { tag: "served" },
    isSilent: true,
    served: 2,
  };
}

export const OUTPUT_FAULTS = (): readonly Fault[] => [blocked()];

/** The reading stream buffers some too, so the pipe is full only when it stays so after a pause. */
export async function fillStdout({ wrapper }: World): Promise<void> {
  const pipe = `/proc/${wrapper.pid}/fd/1`;
  const script = `for i in 1 2 3; do
  while yes "" | dd of=${pipe} bs=4096 count=16 iflag=fullblock oflag=nonblock status=none; do :; done
  sleep 0.05
done 2>/dev/null`;
  await new Deno.Command("sh", { args: ["-c", script] }).output();
}
