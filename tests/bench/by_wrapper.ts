/** The handoff by the wrapper, with default settings, started as its users do. */
import type { Workspace } from "../support/wrapper.ts";
import type { Contestant } from "./latency.ts";

/** Starts the wrapper, which needs no order to follow a change. */
export async function startByWrapper(
  workspace: Workspace,
): Promise<Contestant & { readonly pid: number }> {
  // HAProxy's own output goes to where it goes by hand: nobody reads it.
  const launcher = ["sh", "-c", 'exec "$@" 2>/dev/null', "sh"];
  const wrapper = await workspace.serve({ launcher });
  let serving = 1;
  // What was read once must not be read again, which would cost the more the longer the bench runs.
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
