/** Tells whether another user decides what is started as `haproxy`: by the directories of PATH. */
import { dirname, join, resolve } from "@std/path";
import { stat } from "../../system/files.ts";
import type { LogEntry } from "../../system/log.ts";
import { trustIn } from "../../system/trusted_directory.ts";

/**
 * Why a directory of `path` cannot be trusted in which `haproxy` is found, or would be found before; `null`
 * if all can. Another program that is put into an earlier one is not started by Deno, which knows from its
 * start on what it may run, but keeps every reload from it, and is started by the next wrapper.
 */
export async function findForeignProgram(path: string, user: number): Promise<string | null> {
  for (const entry of path.split(":")) {
    const directory = resolve(entry);
    const program = join(directory, "haproxy");
    const isHere = await stat(program).then(({ isFile }) => isFile, () => false);
    // What it is a link to, too.
    const directories = isHere
      ? [directory, dirname(await Deno.realPath(program).catch(() => program))]
      : [directory];
    for (const one of directories) {
      const trust = await trustIn(one, user);
      if (trust.tag === "distrusted") return trust.reason;
    }
    if (isHere) return null;
  }
  return null;
}

export const describeForeignProgram = (reason: string): LogEntry => ({
  level: "warning",
  text: `another user could put a program of his own in the place of "haproxy" in PATH: ${reason}`,
  fields: { reason },
});
