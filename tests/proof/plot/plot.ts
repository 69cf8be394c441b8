/** Draws the results of one HAProxy version as one SVG. Pure. */
import { megabytes } from "../report/report.ts";
import { campaignsOf, type Results, surroundings } from "../report/results.ts";
import { distribution } from "./distribution.ts";
import { failures } from "./failures.ts";
import { overTime } from "./over_time.ts";
import { MARGIN, page, TOP, WIDTH } from "./page.ts";

export function plot(results: Results): string {
  const campaigns = campaignsOf(results);
  const width = (WIDTH - 3 * MARGIN) / 2;
  const right = width + 2 * MARGIN;
  const [upper, lower] = [{ y: TOP, height: 350 }, { y: 484, height: 250 }];
  return page({
    height: 796,
    title: titleOf([results]),
    contestants: campaigns.map(([name]) => name),
    notes: surroundings([results]),
    panels: [
      distribution({ x: MARGIN, ...upper, width }, campaigns),
      failures({ x: right, ...upper, width }, campaigns),
      overTime({ x: MARGIN, ...lower, width }, campaigns, {
        title: "HAProxy processes",
        subtitle: "the one that serves, and those that drain; means",
        of: ({ haproxyProcesses }) => haproxyProcesses,
      }),
      overTime({ x: right, ...lower, width }, campaigns, {
        title: "Memory of the wrapper and of the master",
        subtitle: "MB of its own, means; by hand there is no such process",
        of: ({ supervisor }) => supervisor && megabytes(supervisor.memory),
      }),
    ],
  });
}

/** How many reloads each contestant had. */
export function titleOf(runs: readonly Results[]): string {
  const counts = runs.flatMap(campaignsOf)
    .map(([, { reloads, mishaps }]) => reloads.length + mishaps.length);
  const most = Math.max(...counts).toLocaleString("en");
  return `${most} reloads under load, a quarter of them refused`;
}
