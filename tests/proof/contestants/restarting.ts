/** A reload that loses requests, to test the proof: the old process ends before the new one starts. */
import { launchByHand, makeFolder, prepareByHand } from "../../support/measuring/by_hand.ts";
import type { Site } from "../run/site.ts";
import type { Contestant } from "./contestant.ts";

export async function startRestarting({ workspace }: Site): Promise<Contestant> {
  const folder = await makeFolder(workspace);
  let number = 1;
  let serving = await launchByHand(await prepareByHand(workspace, folder, number));
  return {
    supervisor: null,
    explain: () => `process ${serving?.child.pid} served last`,
    async reload(makeChange) {
      number += 1;
      makeChange();
      const { success } = await new Deno.Command("haproxy", {
        args: ["-c", "-q", "-f", workspace.configuration],
        stdout: "null",
        stderr: "null",
      }).output();
      if (!success) return "refused";
      serving?.child.kill("SIGTERM");
      await serving?.child.status;
      serving = await launchByHand(
        await prepareByHand(workspace, folder, number, { takesOver: false }),
      );
      return serving === null ? "refused" : "served";
    },
    async end() {
      serving?.child.kill("SIGKILL");
      await serving?.child.status;
    },
  };
}
