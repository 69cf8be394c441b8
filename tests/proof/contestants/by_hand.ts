/** The same handoff without the wrapper: a start with `-x`, then SIGUSR1 to the old process. */
import {
  launchByHand,
  makeFolder,
  prepareByHand,
  type Serving,
} from "../../support/measuring/by_hand.ts";
import type { Site } from "../run/site.ts";
import type { Contestant } from "./contestant.ts";

export async function startByHand({ workspace }: Site): Promise<Contestant> {
  const folder = await makeFolder(workspace);
  let serving = await launchByHand(await prepareByHand(workspace, folder, 1));
  if (serving === null) throw new Error("haproxy did not start");
  let next = await prepareByHand(workspace, folder, 2);
  return {
    supervisor: null,
    explain: () => `process ${serving?.child.pid} served last`,
    async reload(makeChange) {
      makeChange();
      const started = await launchByHand(next);
      if (started === null) return "refused";
      const old: Serving = serving!;
      serving = started;
      old.child.kill("SIGUSR1");
      void old.child.status.then(() => folder.forget(old.number));
      next = await prepareByHand(workspace, folder, started.number + 1);
      return "served";
    },
    async end() {
      serving?.child.kill("SIGKILL");
      await serving?.child.status;
    },
  };
}
