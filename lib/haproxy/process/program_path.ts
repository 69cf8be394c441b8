/** Tells whether another user could decide what is started as `haproxy`, by the directories of PATH. */
import { dirname, join, resolve } from "@std/path";
import { stat } from "../../system/files.ts";
import type { LogEntry } from "../../system/log.ts";
import { trustIn } from "../../system/trusted_directory.ts";

/**
 * Why the directory of `haproxy`, or one before it in `path`, cannot be trusted; `null` if all can. Deno would not run
 * a program that appears in an earlier directory, since it knows from its start on what it may run: every reload
 * would fail. The next wrapper would run it.
 */
export async function findForeignProgram(path: string, user: number): Promise<string | null> {
  for (const entry of path.split(":")) {
    const directory = resolve(entry);
    const program = join(directory, "haproxy");
    const isHere = await stat(program).then(({ isFile }) => isFile, () => false);
    // A link's target counts, too.
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
  text: `another user could replace "haproxy" in PATH: ${reason}`,
  fields: { reason },
});
