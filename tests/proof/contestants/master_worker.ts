/** HAProxy's own master process, reloaded as its manual says: SIGUSR2 to the master. */
import { join } from "@std/path";
import { ask } from "../../../lib/haproxy/runtime_api.ts";
import { Running } from "../../process/running.ts";
import { waitFor } from "../../process/wait.ts";
import type { Site } from "../site.ts";
import type { Contestant, Outcome } from "./contestant.ts";

export async function startMasterWorker({ workspace }: Site): Promise<Contestant> {
  // In the runtime directory, where the workspace finds the processes if they must be swept away.
  const socket = join(workspace.runtimeDirectory, "master.sock");
  const words = ["-W", "-db", "-S", socket, "-f", workspace.configuration];
  // In a session of its own, as the others start theirs.
  const master = new Running(["setsid", "haproxy", ...words]);
  const explain = () => master.output.slice(-LAST_WORDS);
  await waitFor("the master's first worker", () => SERVED.test(master.output), { explain });
  let refusals = 0;
  return {
    supervisor: master.child.pid,
    explain,
    async reload(makeChange) {
      const read = master.output.length;
      makeChange();
      master.child.kill("SIGUSR2");
      const sinceMs = performance.now();
      const outcome = await waitFor("the master's word", async () => {
        const told = outcomeIn(master.output.slice(read));
        if (told !== null || performance.now() - sinceMs < USUAL_RELOAD_MS) return told;
        return await failedReloads(socket) > refusals ? "refused" : null;
      }, { deadlineMs: LONGEST_RELOAD_MS }).catch(() => {
        throw new Error(`the master said nothing for ${LONGEST_RELOAD_MS / 1_000} s`);
      });
      if (outcome === "refused") refusals += 1;
      return outcome;
    },
    async end() {
      master.child.kill("SIGTERM");
      await master.exitCode;
    },
  };
}

const LONGEST_RELOAD_MS = 10_000;
/** After that the master is asked: not before, since it forgets whom it was about to answer when it reloads. */
const USUAL_RELOAD_MS = 5_000;
const LONGEST_ANSWER_MS = 1_000;
/** In characters. */
const LAST_WORDS = 500;

const SERVED = /Loading success\./;
/** Seen on 2.6 and 3.0. Where others say it in other words, the master's count of failures tells. */
const REFUSED = /Loading failure!/;

function outcomeIn(output: string): Outcome | null {
  if (REFUSED.test(output)) return "refused";
  return SERVED.test(output) ? "served" : null;
}

/** How many reloads the master counts as failed. */
async function failedReloads(socket: string): Promise<number> {
  const answer = await ask(socket, "show proc", AbortSignal.timeout(LONGEST_ANSWER_MS));
  return Number(/\[failed: (\d+)\]/.exec(answer ?? "")?.[1] ?? 0);
}
