/** The figures that the bench measures, with the target of each. */
import { measureGrowth } from "./growth.ts";
import { measureIdle } from "./idle.ts";
import { inPlace, measureHandoff, renameOver } from "./latency.ts";
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
  { name: "growth", rounds: 1, measure: (room) => measureGrowth(room) },
  { name: "idle", rounds: 1, measure: (room) => measureIdle(room) },
  { name: "size", rounds: 1, measure: () => measureSize() },
];
