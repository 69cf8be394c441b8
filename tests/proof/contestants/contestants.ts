/** The contestants, in order. */
import { startByHand } from "./by_hand.ts";
import type { Start } from "./contestant.ts";
import { startMasterWorker } from "./master_worker.ts";
import { startWrapper } from "./wrapper.ts";

export interface Entry {
  readonly title: string;
  readonly start: Start;
  /** What its users have to put into `global`. */
  readonly global?: (runtimeDirectory: string) => string;
}

export const CONTESTANTS = {
  wrapper: { title: "wrapper", start: startWrapper },
  "by-hand": { title: "by hand", start: startByHand },
  "master-worker": {
    title: "master-worker",
    start: startMasterWorker,
    global: (directory) =>
      `    stats socket ${directory}/user.sock level admin expose-fd listeners\n`,
  },
} as const satisfies Record<string, Entry>;

export type ContestantName = keyof typeof CONTESTANTS;

export const CONTESTANT_NAMES = Object.keys(CONTESTANTS) as ContestantName[];
