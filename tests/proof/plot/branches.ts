/** Draws the results of several HAProxy versions as one SVG: a row for each, on one time scale. Pure. */
import { campaignsOf, haproxyOf, type Results, servedMs, surroundings } from "../report/results.ts";
import { distribution } from "./distribution.ts";
import { failures, inShort } from "./failures.ts";
import { MARGIN, page, TOP, WIDTH } from "./page.ts";
import { titleOf } from "./plot.ts";

const ROW = 240;
const GAP = 30;

export function branchesPlot(runs: readonly Results[]): string {
  const width = (WIDTH - 3 * MARGIN) / 2;
  const allMs = runs.flatMap((run) => campaignsOf(run).flatMap(([, one]) => servedMs(one)));
  const panels = runs.flatMap((run, index) => {
    const place = { y: TOP + index * (ROW + GAP), height: ROW };
    const name = haproxyOf(run);
    const title = `${name}: reload times`;
    return [
      distribution({ x: MARGIN, ...place, width }, campaignsOf(run), { title, allMs }),
      failures({ x: width + 2 * MARGIN, ...place, width }, campaignsOf(run), {
        title: `${name}: failed requests`,
        subtitle: "by what the clients speak",
        barsOf: inShort,
      }),
    ];
  });
  return page({
    height: TOP + runs.length * (ROW + GAP) + 46,
    title: titleOf(runs),
    contestants: [...new Set(runs.flatMap((run) => campaignsOf(run).map(([name]) => name)))],
    notes: surroundings(runs),
    panels,
  });
}
