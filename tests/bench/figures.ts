/** The figures that the bench measures, with the target of each. */
import { measureGrowth } from "./growth.ts";
import { measureIdle } from "./idle.ts";
import { inPlace, measureHandoff, renameOver } from "./latency.ts";
import { MANY, measureScans } from "./scans.ts";
import { measureRotation } from "./rotation.ts";
import { measureRotations } from "./rotations.ts";
import { measureSize } from "./size.ts";
import { measureStartup } from "./startup.ts";
import { compareTimes, type Row, type Target } from "./table.ts";

export interface Figure {
  /** What `--only` takes. */
  readonly name: string;
  readonly rounds: number;
  readonly measure: (room: AsyncDisposableStack, rounds: number) => Promise<Row | Row[]>;
}

const TEN_MS: Target = { tag: "more_ms", limit: 10 };
const SIXTY_MS: Target = { tag: "more_ms", limit: 60 };
const TWO_HUNDRED_MS_IN_ALL: Target = { tag: "in_all_ms", limit: 200 };
const FIVE_PERCENT: Target = { tag: "more_percent", limit: 5 };

export const FIGURES: readonly Figure[] = [
  {
    name: "rename",
    rounds: 100,
    measure: async (room, rounds) =>
      compareTimes(
        "rename over the configuration to first answer",
        await measureHandoff(room, { rounds, change: renameOver }),
        TEN_MS,
      ),
  },
  {
    name: "write",
    rounds: 100,
    measure: async (room, rounds) =>
      compareTimes(
        "write in place to first answer",
        await measureHandoff(room, { rounds, change: inPlace }),
        TEN_MS,
      ),
  },
  {
    name: "backends",
    rounds: 60,
    measure: async (room, rounds) =>
      compareTimes(
        "rename to first answer with 5,000 backends",
        await measureHandoff(room, { rounds, change: renameOver, backends: 5_000 }),
        FIVE_PERCENT,
      ),
  },
  {
    name: "startup",
    rounds: 40,
    measure: async (room, rounds) =>
      compareTimes("exec to first answer", await measureStartup(room, rounds), SIXTY_MS),
  },
  {
    name: "rotation",
    rounds: 60,
    measure: async (room, rounds) =>
      compareTimes(
        "certificate renamed to first served, in place",
        await measureRotation(room, { rounds, isHot: true }),
        TWO_HUNDRED_MS_IN_ALL,
      ),
  },
  {
    name: "reloaded-rotation",
    rounds: 60,
    measure: async (room, rounds) =>
      compareTimes(
        "certificate renamed to first served, with --no-hot-apply",
        await measureRotation(room, { rounds, isHot: false }),
        TWO_HUNDRED_MS_IN_ALL,
      ),
  },
  { name: "rotations", rounds: 100, measure: measureRotations },
  { name: "certificates", rounds: 5, measure: measureScans },
  {
    name: "rotation-of-many",
    rounds: 20,
    measure: async (room, rounds) =>
      compareTimes(
        `one of ${MANY.toLocaleString("en")} certificates renamed to first served, in place`,
        await measureRotation(room, { rounds, isHot: true, members: MANY }),
        TWO_HUNDRED_MS_IN_ALL,
      ),
  },
  { name: "growth", rounds: 1, measure: (room) => measureGrowth(room) },
  { name: "idle", rounds: 1, measure: (room) => measureIdle(room) },
  { name: "size", rounds: 1, measure: () => measureSize() },
];
