/** Draws the results of several HAProxys as one SVG: a row for each, all on the same scale of time. Pure. */
import { campaignsOf, haproxyOf, type Results, servedMs, surroundings } from "../results.ts";
import { distribution } from "./distribution.ts";
import { failures, inShort } from "./failures.ts";
import { MARGIN, page, TOP, WIDTH } from "./page.ts";
import { titleOf } from "./plot.ts";

const ROW = 240;
const GAP = 30;
/** The times take more room than the bars. */
const LEFT_SHARE = 0.5;

export function branchesPlot(runs: readonly Results[]): string {
  const room = WIDTH - 3 * MARGIN;
  const [left, right] = [room * LEFT_SHARE, room * (1 - LEFT_SHARE)];
  const allMs = runs.flatMap((run) => campaignsOf(run).flatMap(([, one]) => servedMs(one)));
  const panels = runs.flatMap((run, index) => {
    const place = { y: TOP + index * (ROW + GAP), height: ROW };
    const title = haproxyOf(run);
    return [
      distribution({ x: MARGIN, ...place, width: left }, campaignsOf(run), { title, allMs }),
      failures({ x: left + 2 * MARGIN, ...place, width: right }, campaignsOf(run), {
        title: `${title}: failed requests`,
        subtitle: "by what the clients speak",
        barsOf: inShort,
      }),
    ];
  });
  return page({
    height: TOP + runs.length * (ROW + GAP) + 30,
    title: titleOf(runs),
    contestants: [...new Set(runs.flatMap((run) => campaignsOf(run).map(([name]) => name)))],
    note: surroundings(runs),
    panels,
  });
}
