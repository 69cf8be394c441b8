/** Checks whether another user could decide what runs as `haproxy`, by the directories in PATH. */
import { dirname, join, resolve } from "@std/path";
import { stat } from "../../system/files/files.ts";
import type { LogEntry } from "../../system/log.ts";
import { trustIn } from "../../system/files/trusted_directory.ts";

/**
 * Why the directory of `haproxy`, or one before it in `path`, cannot be trusted; `null` if all can. If a program
 * appears in an earlier directory, Deno refuses to run it, because it resolved what it may run at startup, and every
 * reload fails. The next wrapper would run it.
 */
export async function findForeignProgram(path: string, user: number): Promise<string | null> {
  for (const entry of path.split(":")) {
    const directory = resolve(entry);
    const program = join(directory, "haproxy");
    const isHere = await stat(program).then(({ isFile }) => isFile, () => false);
    // The target of a link counts too.
    const directories = isHere
      ? [directory, dirname(await Deno.realPath(program).catch(() => program))]
      : [directory];
    for (const directory of directories) {
      const trust = await trustIn(directory, user);
      if (trust.tag === "distrusted") return trust.reason;
    }
    if (isHere) return null;
  }
  return null;
}

export const describeForeignProgram = (reason: string): LogEntry => ({
  level: "warning",
  text: `another user could replace "haproxy" in PATH: ${reason}`,
  fields: { reason },
});
