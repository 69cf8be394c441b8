/** What served last, where the program was asked to record it: else none of this folder is loaded. */
import { resolve } from "@std/path";
import type { Settings } from "../settings/settings.ts";
import type { Log } from "../system/log.ts";
import { haproxyDirectory } from "../watch/scan/sources.ts";
import { unusable } from "./messages.ts";
import type { Recorder } from "./recorder.ts";
import type { Restored, RestoreOptions } from "./restore.ts";

export interface LastGoodSet {
  /** The directory that the user has named. */
  readonly path: string;
  /** Why the recorded set cannot serve, as a line of the log; `null` if it can, empty if nothing is recorded. */
  problem(): Promise<string | null>;
  /** Lays the set out for HAProxy to load. */
  restore(): Promise<Restored>;
  /** Makes what replaces the set by what serves well. */
  createRecorder(
    options: { readonly log: Log; readonly onGathered: () => void },
  ): Promise<Recorder>;
}

/** `null` without such a setting. */
export async function openLastGood(
  settings: Settings,
  { environment, workingDirectory }: {
    /** The variables that HAProxy inherits. */
    readonly environment: RestoreOptions["environment"];
    readonly workingDirectory: string;
  },
): Promise<LastGoodSet | null> {
  const { lastGood: path, haproxy, envFile, runtimeParents } = settings;
  if (path === null) return null;
  const { Store } = await import("./store.ts");
  const store = new Store(path, runtimeParents);
  const directory = haproxyDirectory(settings, workingDirectory);
  return {
    path,
    async problem() {
      const found = await store.read();
      if (found.tag === "damaged") return unusable(path, found.reason).text;
      return found.tag === "recorded" ? null : "";
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
