/** The handoff by the wrapper, with default settings, started as its users do. */
import type { Workspace } from "../process/wrapper.ts";
import type { Contestant } from "./latency.ts";

/** Starts the wrapper, which needs no order to follow a change. */
export async function startByWrapper(
  workspace: Workspace,
): Promise<Contestant & { readonly pid: number }> {
  const wrapper = await workspace.serve();
  let serving = 1;
  // HAProxy writes a line for each backend that stops: what was read once must not be read again.
  let read = 0;
  return {
    workspace,
    pid: wrapper.pid,
    async follow() {
      await wrapper.saysMatching(new RegExp(`generation ${serving + 1} serves`), read);
      await wrapper.saysMatching(new RegExp(`generation ${serving} drained`), read);
      serving += 1;
      read = wrapper.output.length;
    },
  };
}
