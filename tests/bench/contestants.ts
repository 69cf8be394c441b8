/** HAProxy that follows changes: by the wrapper, by hand, or with nothing around it. */
import { join } from "@std/path";
import {
  launchByHand,
  makeFolder,
  prepareByHand,
  type Prepared,
  type Serving,
} from "../support/measuring/by_hand.ts";
import { SILENCED, startHaproxy } from "../support/haproxy/bare.ts";
import { waitFor } from "../support/wait.ts";
import type { Workspace } from "../support/wrapper/workspace.ts";

/** HAProxy that serves what a workspace's configuration says. */
export interface Contestant {
  readonly workspace: Workspace;
  /** Called right after a change; resolves when what is on disk now serves alone. */
  follow(): Promise<void>;
}

/** Starts the wrapper, which needs no order to follow a change. */
export async function startByWrapper(
  workspace: Workspace,
): Promise<Contestant & { readonly pid: number }> {
  const wrapper = await workspace.serve({ launcher: SILENCED });
  let serving = 1;
  // Searching all output again each time would cost more the longer the bench runs.
  let read = 0;
  return {
    workspace,
    pid: wrapper.pid,
    async follow() {
      await wrapper.says(new RegExp(`generation ${serving + 1} serves`), read);
      await wrapper.says(new RegExp(`generation ${serving} drained`), read);
      serving += 1;
      read = wrapper.output.length;
    },
  };
}

/** Starts HAProxy, and the next one as soon as a change has been made. */
export async function startByHand(workspace: Workspace): Promise<Contestant> {
  const folder = await makeFolder(workspace);
  let serving = await start(await prepareByHand(workspace, folder, 1));
  let next = await prepareByHand(workspace, folder, 2);
  return {
    workspace,
    async follow() {
      const old = serving;
      serving = await start(next);
      old.child.kill("SIGUSR1");
      await old.child.status;
      await folder.forget(old.number);
      next = await prepareByHand(workspace, folder, serving.number + 1);
    },
  };
}

async function start(prepared: Prepared): Promise<Serving> {
  const serving = await launchByHand(prepared);
  if (serving === null) throw new Error("haproxy ended, or opened no listener");
  return serving;
}

/** From the runtime directory, by which the workspace finds the process when it cleans up. */
export function startBare(workspace: Workspace): Deno.ChildProcess {
  const configuration = join(workspace.runtimeDirectory, "haproxy.cfg");
  Deno.copyFileSync(workspace.configuration, configuration);
  return startHaproxy("-db", "-f", configuration);
}

/** Starts it and waits until it answers. */
export async function serveBare(workspace: Workspace): Promise<Deno.ChildProcess> {
  const child = startBare(workspace);
  await waitFor("HAProxy to answer", () => workspace.get());
  return child;
}
