/** HAProxy's own master process, reloaded as its manual says, by SIGUSR2. */
import { join } from "@std/path";
import { Running } from "../../support/wrapper/running.ts";
import { waitFor } from "../../support/wait.ts";
import type { Site } from "../run/site.ts";
import type { Contestant, Outcome } from "./contestant.ts";

export async function startMasterWorker({ workspace }: Site): Promise<Contestant> {
  // In the runtime directory, by which the workspace finds the processes when it cleans up.
  const socket = join(workspace.runtimeDirectory, "master.sock");
  const words = ["-W", "-db", "-S", socket, "-f", workspace.configuration];
  // In a session of its own, like the others.
  const master = new Running(["setsid", "haproxy", ...words]);
  const explain = () => master.output.slice(-LAST_WORDS);
  await waitFor("the master's first worker", () => SERVED.test(master.output), { explain });
  return {
    supervisor: master.child.pid,
    explain,
    async reload(makeChange) {
      const read = master.output.length;
      makeChange();
      master.child.kill("SIGUSR2");
      const word = () => outcomeIn(master.output.slice(read));
      return await waitFor("the master's word", word, { deadlineMs: LONGEST_RELOAD_MS }).catch(
        () => {
          throw new Error(`the master said nothing for ${LONGEST_RELOAD_MS / 1_000} s`);
        },
      );
    },
    async end() {
      master.child.kill("SIGTERM");
      await master.exitCode;
    },
  };
}

const LONGEST_RELOAD_MS = 10_000;
/** In characters. */
const LAST_WORDS = 500;

const SERVED = /Loading success\./;
/** The words of the master of 2.6 to 3.0, and of 3.2 and 3.4, whose worker reads the configuration. */
const REFUSED = /Loading failure!|Failed to load worker/;

/** `null`: not yet known. Pure. */
export function outcomeIn(output: string): Outcome | null {
  if (REFUSED.test(output)) return "refused";
  return SERVED.test(output) ? "served" : null;
}
