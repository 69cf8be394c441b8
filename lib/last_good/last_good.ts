/** What served last: recorded once it has served for a while, restored if what is on disk does not start. */
import { resolve } from "@std/path";
import type { Settings } from "../settings/settings.ts";
import { cutOff } from "../system/cut_off.ts";
import type { Log } from "../system/log.ts";
import { formatDuration } from "../text/duration.ts";
import { haproxyDirectory } from "../watch/scan/sources.ts";
import { unusable } from "./messages.ts";
import { Recorder, type RecorderOptions } from "./recorder.ts";
import { restore, type RestoredSet, type RestoreOptions } from "./restore.ts";
import { Store } from "./store.ts";

export class LastGoodSet {
  readonly #store: Store;
  readonly #options: RestoreOptions;

  /** `path`: the settings' `lastGood`. `environment`: the variables that HAProxy inherits. */
  constructor(
    path: string,
    settings: Settings,
    { environment, workingDirectory }: Pick<RestoreOptions, "environment"> & {
      readonly workingDirectory: string;
    },
  ) {
    const { haproxy, envFile, runtimeParents } = settings;
    this.#store = new Store(path, runtimeParents);
    this.#options = {
      haproxy,
      envFile: envFile === null ? null : resolve(workingDirectory, envFile),
      directory: haproxyDirectory(settings, workingDirectory),
      environment,
    };
  }

  /** Why the set cannot serve, as a log line; `null` if it can, empty if nothing is recorded. */
  async problem(): Promise<string | null> {
    const found = await this.#store.read();
    if (found.tag === "damaged") return unusable(this.#store.path, found.reason).text;
    return found.tag === "recorded" ? null : "";
  }

  /** Lays the set out for HAProxy to load; `null` if there is none, or, with a reason in the log, if it cannot serve. */
  async restore(
    log: Log,
    limits: { readonly timeoutMs: number; readonly cancel: AbortSignal },
  ): Promise<RestoredSet | null> {
    const restored = await cutOff(restore(this.#store, this.#options), limits);
    switch (restored.tag) {
      case "restored":
        return restored.set;
      case "unusable":
        log(unusable(this.#store.path, restored.reason));
        return null;
      case "timed_out": {
        const limit = formatDuration(restored.afterMs);
        log(unusable(this.#store.path, `it could not be read within ${limit}`));
        return null;
      }
      case "none":
      case "cancelled":
        return null;
      default:
        return restored satisfies never;
    }
  }

  createRecorder(options: Pick<RecorderOptions, "log" | "onGathered">): Recorder {
    const { directory } = this.#options;
    return new Recorder({ ...options, store: this.#store, directory });
  }
}
