/** Connects the keeper of obtained certificates with the supervisor: it observes steps, and posts what it finds. */
import type { Leftovers } from "../../haproxy/leftovers/leftovers.ts";
import { Keeper } from "../../obtained/keeper.ts";
import { servingIn, type State } from "../state/state.ts";
import type { Step } from "../supervisor.ts";
import type { Parts } from "./parts.ts";

export function createKeeper(
  { settings, loadedFiles, folder, post, postBug, log }: Pick<
    Parts,
    "settings" | "loadedFiles" | "folder" | "post" | "postBug" | "log"
  >,
) {
  /** What the generation that was started last obtains: the files on disk may change while it starts. */
  let started = { number: 0, obtained: loadedFiles.obtained() };
  let saved = 0;
  const keeper = new Keeper({
    watchLoaded: settings.watchLoaded,
    obtained: () => started.obtained,
    socket: (generation) => folder.socket(generation),
    onShown: (generation, shown) =>
      post({ name: "renewals_shown", generation, shown, atMs: performance.now() }),
    onSaved: (generation, changes) => {
      saved++;
      post({ name: "certificate_saved", generation, changes });
    },
    onBug: (bug) => postBug(bug, { name: "obtained" }),
    log,
  });
  return {
    observe: ({ after }: Step) => {
      const number = startedIn(after);
      if (number !== null && number !== started.number) {
        started = { number, obtained: loadedFiles.obtained() };
      }
      const rejected = "service" in after ? after.service.rejected?.fingerprint ?? null : null;
      const serving = servingIn(after);
      // During a start or a hot apply the files are being read.
      keeper.observe(serving && { ...serving, rejected }, "attempt" in after);
    },
    /** Resolves with whether a certificate was saved meanwhile, so that the files are others than before. */
    askNow: (): Promise<boolean> | null => {
      const before = saved;
      return keeper.askNow()?.then(() => saved !== before) ?? null;
    },
    /**
     * Whether something of what a killed wrapper left behind may have been saved: then the files must be scanned again.
     * Ends early when `cancel` aborts.
     */
    rescue: async ({ processes }: Leftovers, cancel: AbortSignal): Promise<boolean> => {
      const files = loadedFiles.obtained();
      if (files.length === 0) return false;
      const left = processes.find(({ serves }) => serves) ?? null;
      try {
        const { rescue } = await import("../../obtained/rescue.ts");
        return await rescue({ left, files, log, cancel });
      } catch (error) {
        // Without it HAProxy orders anew, which is better than not to start.
        postBug(error, { name: "obtained" });
        return true;
      }
    },
    close: () => keeper.close(),
  };
}

const startedIn = (state: State): number | null =>
  state.name === "starting" || state.name === "reloading" ? state.attempt.number : null;
