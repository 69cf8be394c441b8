/** Everything that the status shows, at one moment. */
import type { MemoryLimit } from "../../system/cgroup_memory.ts";
import type { Place } from "../../haproxy/failure/alerts.ts";
import type { LastGood } from "../../last_good/manifest.ts";
import type { Settings } from "../../settings/settings.ts";
import { servingIn, type State } from "../../supervisor/state/state.ts";
import type { DetectorCounts } from "../../watch/change_detector.ts";
import type { History } from "./history.ts";

export interface Snapshot extends Figures {
  /** In milliseconds since 1970. */
  readonly nowMs: number;
  readonly state: State;
  readonly history: History;
  /** The configuration lines that the open failure names. */
  readonly excerpts: readonly Excerpt[];
  readonly settings: Settings;
  readonly versions: { readonly wrapper: string; readonly deno: string };
}

/** Known only to the parts that carry out decisions. */
export interface Figures {
  readonly watching: DetectorCounts;
  /** Connections left in each draining generation that answers. */
  readonly connections: ReadonlyMap<number, number>;
  /** Servers in the serving process that the configuration no longer has, such as `app/s1`. */
  readonly removedServers: readonly string[];
  /** The tightest limit; `null`: none. */
  readonly memory: MemoryLimit | null;
}

/** The configuration around a line that HAProxy has named. */
export interface Excerpt extends Place {
  readonly lines: readonly { readonly number: number; readonly text: string }[];
}

/** The last good set, if it is served in place of the files on disk. */
export const lastGoodOf = (state: State): LastGood | null => servingIn(state)?.lastGood ?? null;
