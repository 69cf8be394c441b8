/** Everything that the status pages tell, at one moment. */
import type { MemoryLimit } from "../cgroup_memory.ts";
import type { Place } from "../haproxy/alerts.ts";
import type { LastGood } from "../last_good/manifest.ts";
import type { Settings } from "../settings/settings.ts";
import type { State } from "../supervisor/events.ts";
import type { DetectorCounts } from "../watch/change_detector.ts";
import type { History } from "./history.ts";

export interface Snapshot {
  /** In milliseconds since 1970. */
  readonly nowMs: number;
  readonly state: State;
  readonly history: History;
  readonly watching: Watching;
  /** What is left in a generation that drains; one that does not tell is not there. */
  readonly connections: ReadonlyMap<number, number>;
  /** The tightest limit that holds; `null` where there is none. */
  readonly memory: MemoryLimit | null;
  /** Of what the open failure names. */
  readonly excerpts: readonly Excerpt[];
  readonly settings: Settings;
  readonly versions: { readonly wrapper: string; readonly deno: string };
}

export type Watching = DetectorCounts;

/** Lines of the configuration around one that HAProxy has named. */
export interface Excerpt extends Place {
  readonly lines: readonly { readonly number: number; readonly text: string }[];
}

/** Where the files come from that serve in the place of those on disk; `null`: they are those on disk, or were. */
export const lastGoodOf = (state: State): LastGood | null =>
  "serving" in state ? state.serving.lastGood ?? null : null;
