/** HAProxy's own master process, reloaded as its manual says: SIGUSR2 to the master. */
import { join } from "@std/path";
import { Running } from "../../process/running.ts";
import { waitFor } from "../../process/wait.ts";
import type { Site } from "../site.ts";
import type { Contestant } from "./contestant.ts";

/** The master says so in each version: 2.6 to 3.0 in the first words for a failure, 3.1 and later in the second. */
const SERVED = /Loading success\./;
const REFUSED = /Loading failure!|Failed to load worker/;

export async function startMasterWorker({ workspace }: Site): Promise<Contestant> {
  // In the runtime directory, where the workspace finds the processes if they must be swept away.
  const socket = join(workspace.runtimeDirectory, "master.sock");
  const words = ["-W", "-db", "-S", socket, "-f", workspace.configuration];
  // In a session of its own, as the others start theirs.
  const master = new Running(["setsid", "haproxy", ...words]);
  const explain = () => master.output.slice(-LAST_WORDS);
  const says = async (pattern: RegExp, from: number) =>
    await waitFor(`output that matches ${pattern}`, () => pattern.exec(master.output.slice(from)), {
      deadlineMs: LONGEST_RELOAD_MS,
      explain,
    });
  await says(SERVED, 0);
  return {
    supervisor: master.child.pid,
    explain,
    async reload(makeChange) {
      const read = master.output.length;
      makeChange();
      master.child.kill("SIGUSR2");
      const [word] = await says(new RegExp(`${SERVED.source}|${REFUSED.source}`), read);
      return SERVED.test(word) ? "served" : "refused";
    },
  };
}

const LONGEST_RELOAD_MS = 20_000;

/** In characters. */
const LAST_WORDS = 500;
