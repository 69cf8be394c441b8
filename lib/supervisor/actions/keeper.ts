/** Connects the keeper of obtained certificates with the supervisor: it observes steps, and posts what it finds. */
import type { Leftovers } from "../../haproxy/leftovers/leftovers.ts";
import { Keeper } from "../../obtained/keeper.ts";
import { servingIn } from "../state/state.ts";
import type { Step } from "../supervisor.ts";
import type { Parts } from "./parts.ts";

export function createKeeper(
  { settings, loadedFiles, folder, post, postBug, log }: Pick<
    Parts,
    "settings" | "loadedFiles" | "folder" | "post" | "postBug" | "log"
  >,
) {
  const keeper = new Keeper({
    watchLoaded: settings.watchLoaded,
    obtained: () => loadedFiles.obtained(),
    socket: (generation) => folder.socket(generation),
    onShown: (generation, shown) =>
      post({ name: "renewals_shown", generation, shown, atMs: performance.now() }),
    onSaved: (generation, changes) => post({ name: "certificate_saved", generation, changes }),
    onBug: (bug) => postBug(bug, { name: "obtained" }),
    log,
  });
  return {
    observe: ({ after }: Step) => {
      const rejected = "service" in after ? after.service.rejected?.fingerprint ?? null : null;
      const serving = servingIn(after);
      // During a start or a hot apply the files are being read.
      keeper.observe(serving && { ...serving, rejected }, "attempt" in after);
    },
    /** Whether something of what a killed wrapper left behind was saved: then the files must be scanned again. */
    rescue: async ({ processes }: Leftovers): Promise<boolean> => {
      const [left] = processes.filter(({ serves }) => serves);
      const files = loadedFiles.obtained();
      if (left === undefined || files.length === 0) return false;
      const { rescue } = await import("../../obtained/rescue.ts");
      return await rescue({ ...left, files, log });
    },
    close: () => keeper.close(),
  };
}
