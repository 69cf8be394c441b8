/** Connects the keeper of obtained certificates with the supervisor: it observes steps, and posts what it finds. */
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
    onSaved: (generation, change) => post({ name: "certificate_saved", generation, change }),
    onBug: (bug) => postBug(bug, { name: "obtained" }),
    log,
  });
  return {
    /** During a start or a hot apply the files are being read. */
    observe: ({ after }: Step) => keeper.observe(servingIn(after), "attempt" in after),
    close: () => keeper.close(),
  };
}
