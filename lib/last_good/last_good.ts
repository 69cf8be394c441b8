/** All that the program does with a kept set, where it was asked to keep one: else none of it is loaded. */
import { resolve } from "@std/path";
import type { Log } from "../system/log.ts";
import type { Settings } from "../settings/settings.ts";
import { haproxyDirectory } from "../watch/scan/sources.ts";
import type { Recorder } from "./recorder.ts";
import { unusable } from "./messages.ts";
import type { Restored, RestoringOptions } from "./restore.ts";

export interface KeptSet {
  /** Why it cannot serve, as a line of the log says it; `null` if it can, empty if nothing has been kept. */
  problem(): Promise<string | null>;
  /** Lays it out for HAProxy to load. */
  restore(): Promise<Restored>;
  /** Makes what replaces it by what serves well. */
  createRecorder(
    options: { readonly log: Log; readonly onGathered: () => void },
  ): Promise<Recorder>;
}

/** `null` without such a setting. */
export async function openKeptSet(
  settings: Settings,
  { environment, workingDirectory }: {
    /** The variables that HAProxy inherits. */
    readonly environment: RestoringOptions["environment"];
    readonly workingDirectory: string;
  },
): Promise<KeptSet | null> {
  const { lastGood, haproxy, envFile } = settings;
  if (lastGood === null) return null;
  const { Store } = await import("./store.ts");
  const store = new Store(lastGood, settings.runtimeParents);
  const directory = haproxyDirectory(settings, workingDirectory);
  return {
    async problem() {
      const kept = await store.read();
      if (kept.tag === "damaged") return unusable(lastGood, kept.reason).text;
      return kept.tag === "kept" ? null : "";
    },
    async restore() {
      const { restore } = await import("./restore.ts");
      const file = envFile === null ? null : resolve(workingDirectory, envFile);
      return await restore(store, { haproxy, envFile: file, directory, environment });
    },
    async createRecorder(options) {
      const { Recorder } = await import("./recorder.ts");
      return new Recorder({ ...options, store, directory });
    },
  };
}
