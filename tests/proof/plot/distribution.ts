/** How long reloads took, as a cumulative distribution. Pure. */
import { quantile } from "../../support/measuring/quantile.ts";
import type { Campaign } from "../run/campaign.ts";
import type { ContestantName } from "../contestants/contestants.ts";
import { servedMs } from "../report/results.ts";
import { type Frame, group, horizontalAxis, panelTitle, spansOf, verticalAxis } from "./panel.ts";
import { linear, logarithmic } from "./scale.ts";
import { path } from "./svg.ts";

/** As fine as can be seen. */
const SHARES = Array.from({ length: 201 }, (_, index) => index / 200);

export interface DistributionMore {
  readonly title?: string;
  /** The times that the axis must hold; by default those of the campaigns. */
  readonly allMs?: readonly number[];
}

export function distribution(
  frame: Frame,
  campaigns: readonly (readonly [ContestantName, Campaign])[],
  { title = "Reload times", allMs }: DistributionMore = {},
): string {
  const spans = spansOf(frame);
  const times = campaigns.map(([name, campaign]) => [name, servedMs(campaign)] as const);
  const all = allMs ?? times.flatMap(([, values]) => values);
  const [least, most] = [Math.min(...all, 1_000), Math.max(...all, 10)];
  const across = logarithmic(roundDown(least), most, spans.across);
  const up = linear(100, spans.up);
  const lines = times.map(([name, values]) =>
    path(
      values.length === 0 ? [] : SHARES.map((share) => ({
        x: across.place(quantile(values, share)),
        y: up.place(100 * share),
      })),
      { class: `line ${name}` },
    )
  );
  return group(
    panelTitle(frame, title, "share of the reloads that served within that time"),
    verticalAxis({ scale: up, label: (tick) => `${tick} %` }, spans),
    horizontalAxis(
      { scale: across, label: milliseconds },
      spans,
      "from the change to the first answer with it",
    ),
    ...lines,
  );
}

const milliseconds = (tick: number) => tick < 1_000 ? `${tick} ms` : `${tick / 1_000} s`;

/** To 1, 2, 5, 10 … */
function roundDown(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  return power * [5, 2, 1].find((one) => one * power <= value)!;
}
