/** What happens if no more processes or threads can be started. */
import assert from "node:assert/strict";
import { join } from "@std/path";
import { ROOT, testNeeding } from "../../support/needs.ts";
import { EXECUTABLE, FORM, RUNNABLE } from "../../support/wrapper/program.ts";
import { waitFor } from "../../support/wait.ts";
import { readIfThere } from "../../support/machine/files.ts";
import { Workspace } from "../../support/wrapper/workspace.ts";
import type { Wrapper } from "../../support/wrapper/wrapper.ts";

/** Process limits do not apply to root. */
const USER = 23_456;
const AS_USER = [`--reuid=${USER}`, `--regid=${USER}`, "--clear-groups"];

// From source it would need a Deno that the other user can access.
if (FORM !== "source") {
  testNeeding(
    [RUNNABLE, ROOT],
    "reaching the process limit rejects a reload, and does no harm",
    async () => {
      await using workspace = new Workspace();
      // Without a poll all file threads end.
      const wrapper = await serveAsUser(workspace, ["--poll-interval", "0"]);
      await waitFor("the threads that work on files to end", () => !hasFileThreads(wrapper));
      await limitProcesses(wrapper, 1);
      await workspace.replace(workspace.page("two"));
      await wrapper.says(/rejected: cannot start "haproxy" .*temporarily unavailable.*retry/);
      assert.equal(await workspace.get(), "one");
      await limitProcesses(wrapper, 500);
      await workspace.serves("two", wrapper);
      await wrapper.endsBy("SIGTERM", 143);
    },
  );
}

/** From a copy, because the user may not be able to access the project. */
async function serveAsUser(
  workspace: Workspace,
  flags: readonly string[],
): Promise<Wrapper> {
  const copy = join(workspace.path, "program");
  await Deno.copyFile(EXECUTABLE, copy);
  await Deno.chmod(copy, 0o755);
  await Deno.chmod(workspace.path, 0o755);
  await Deno.chown(workspace.runtimeDirectory, USER, USER);
  return await workspace.serve({
    launcher: ["setpriv", ...AS_USER, "sh", "-c", 'shift; exec "$0" "$@"', copy],
    args: [...flags, "-f", workspace.configuration],
  });
}

/** The soft limit, which a user may raise again. */
async function limitProcesses({ pid }: Wrapper, limit: number): Promise<void> {
  const args = [...AS_USER, "prlimit", `--pid=${pid}`, `--nproc=${limit}:`];
  const { success, stderr } = await new Deno.Command("setpriv", { args }).output();
  assert.ok(success, new TextDecoder().decode(stderr));
}

function hasFileThreads({ pid }: Wrapper): boolean {
  return [...Deno.readDirSync(`/proc/${pid}/task`)].some(({ name }) =>
    readIfThere(`/proc/${pid}/task/${name}/comm`).startsWith("tokio-runtime-w")
  );
}
