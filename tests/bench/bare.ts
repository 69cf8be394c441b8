/** HAProxy alone, with nothing around it. */
import { join } from "@std/path";
import { waitFor } from "../support/wait.ts";
import type { Workspace } from "../support/wrapper.ts";

/** From the runtime directory, where the workspace finds the process if it must be swept away. */
export function startBare(workspace: Workspace): Deno.ChildProcess {
  const configuration = join(workspace.runtimeDirectory, "haproxy.cfg");
  Deno.copyFileSync(workspace.configuration, configuration);
  return new Deno.Command("haproxy", {
    args: ["-db", "-f", configuration],
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
}

/** Starts it and waits until it answers. */
export async function serveBare(workspace: Workspace): Promise<Deno.ChildProcess> {
  const child = startBare(workspace);
  await waitFor("HAProxy to answer", () => workspace.get());
  return child;
}
