/** The figures that the bench measures, with the target of each. */
import { measureGrowth } from "./process/growth.ts";
import { measureIdle } from "./process/idle.ts";
import { inPlace, measureHandoff, renameOver } from "./latency.ts";
import { MANY, measureScans } from "./scans.ts";
import { measureNewcomers } from "./certificates/newcomers.ts";
import { measureServers } from "./server_changes.ts";
import { measureRotation } from "./certificates/rotation.ts";
import { measureRotations } from "./certificates/rotations.ts";
import type { Samples } from "./rounds.ts";
import { measureSize } from "./process/size.ts";
import { measureStartup } from "./process/startup.ts";
import { compareTimes, type Row, type Target } from "./table.ts";

export interface Figure {
  /** What `--only` takes. */
  readonly name: string;
  readonly rounds: number;
  readonly measure: (room: AsyncDisposableStack, rounds: number) => Promise<Row | Row[]>;
}

const TEN_MS: Target = { tag: "more_ms", limit: 10 };
const FORTY_FIVE_MS: Target = { tag: "more_ms", limit: 45 };
const TWO_HUNDRED_MS_IN_ALL: Target = { tag: "in_all_ms", limit: 200 };
const FIVE_PERCENT: Target = { tag: "more_percent", limit: 5 };
const FIFTEEN_MS: Target = { tag: "more_ms", limit: 15 };
const A_TENTH: Target = { tag: "percent", limit: 10 };

/** A figure of times by the wrapper and by hand. */
const timed = (
  { name, rounds, figure, target, besideName, measure }: Pick<Figure, "name" | "rounds"> & {
    readonly figure: string;
    readonly target: Target;
    readonly besideName?: string;
    readonly measure: (room: AsyncDisposableStack, rounds: number) => Promise<Samples>;
  },
): Figure => ({
  name,
  rounds,
  measure: async (room, rounds) =>
    compareTimes(figure, await measure(room, rounds), target, besideName),
});

export const FIGURES: readonly Figure[] = [
  timed({
    name: "rename",
    rounds: 100,
    target: TEN_MS,
    figure: "rename over the configuration to first answer",
    measure: (room, rounds) => measureHandoff(room, { rounds, change: renameOver }),
  }),
  timed({
    name: "write",
    rounds: 100,
    target: TEN_MS,
    figure: "write in place to first answer",
    measure: (room, rounds) => measureHandoff(room, { rounds, change: inPlace }),
  }),
  timed({
    name: "backends",
    rounds: 60,
    target: FIVE_PERCENT,
    figure: "rename to first answer with 5,000 backends",
    measure: (room, rounds) =>
      measureHandoff(room, { rounds, change: renameOver, backends: 5_000 }),
  }),
  timed({
    name: "startup",
    rounds: 40,
    target: FORTY_FIVE_MS,
    figure: "exec to first answer",
    measure: measureStartup,
  }),
  timed({
    name: "rotation",
    rounds: 60,
    target: TWO_HUNDRED_MS_IN_ALL,
    figure: "certificate renamed to first served, without a reload",
    measure: (room, rounds) => measureRotation(room, { rounds, isHot: true }),
  }),
  timed({
    name: "reloaded-rotation",
    rounds: 60,
    target: TWO_HUNDRED_MS_IN_ALL,
    figure: "certificate renamed to first served, with --no-hot-apply",
    measure: (room, rounds) => measureRotation(room, { rounds, isHot: false }),
  }),
  { name: "rotations", rounds: 100, measure: measureRotations },
  { name: "certificates", rounds: 5, measure: measureScans },
  timed({
    name: "rotation-of-many",
    rounds: 20,
    target: TWO_HUNDRED_MS_IN_ALL,
    figure: `one of ${
      MANY.toLocaleString("en")
    } certificates renamed to first served, without a reload`,
    measure: (room, rounds) => measureRotation(room, { rounds, isHot: true, members: MANY }),
  }),
  timed({
    name: "servers",
    rounds: 60,
    target: FIFTEEN_MS,
    figure: "weights of two servers renamed into the configuration to the other's first answer",
    measure: (room, rounds) => measureServers(room, { rounds, beside: "command" }),
  }),
  timed({
    name: "servers-of-many",
    rounds: 20,
    target: A_TENTH,
    besideName: "reload",
    figure: "the same with 5,000 backends of 2 servers",
    measure: (room, rounds) => measureServers(room, { rounds, beside: "reload", backends: 5_000 }),
  }),
  timed({
    name: "newcomers",
    rounds: 5,
    target: A_TENTH,
    besideName: "reload",
    figure: `one more of ${
      MANY.toLocaleString("en")
    } certificates to first served, without a reload`,
    measure: (room, rounds) => measureNewcomers(room, { rounds, members: MANY }),
  }),
  timed({
    name: "listed-newcomers",
    rounds: 5,
    target: A_TENTH,
    besideName: "reload",
    figure: `one more line in a list of ${
      MANY.toLocaleString("en")
    } certificates to first served, without a reload`,
    measure: (room, rounds) => measureNewcomers(room, { rounds, members: MANY, areListed: true }),
  }),
  { name: "growth", rounds: 1, measure: measureGrowth },
  { name: "idle", rounds: 1, measure: measureIdle },
  { name: "size", rounds: 1, measure: measureSize },
];
