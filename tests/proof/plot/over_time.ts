/** What the processes of each contestant come to while it runs. Pure. */
import type { Campaign } from "../campaign.ts";
import type { ContestantName } from "../contestants/contestants.ts";
import type { Sample } from "../processes.ts";
import { type Frame, group, horizontalAxis, panelTitle, spansOf, verticalAxis } from "./panel.ts";
import { linear } from "./scale.ts";
import { path } from "./svg.ts";

export interface Measure {
  readonly title: string;
  readonly subtitle: string;
  /** `null` where a contestant has no such thing. */
  readonly of: (sample: Sample) => number | null;
}

export function overTime(
  frame: Frame,
  campaigns: readonly (readonly [ContestantName, Campaign])[],
  { title, subtitle, of }: Measure,
): string {
  const spans = spansOf(frame);
  const series = campaigns.map(([name, { samples }]) => [name, thinned(samples)] as const);
  const all = series.flatMap(([, samples]) => samples);
  const minutes = Math.max(...all.map(({ atMs }) => atMs), 0) / 60_000;
  const [inHours, longest] = minutes > 120 ? [true, minutes / 60] : [false, minutes];
  const across = linear(longest, spans.across);
  const up = linear(Math.max(...all.map((sample) => of(sample) ?? 0)), spans.up);
  const lines = series.map(([name, samples]) =>
    path(
      samples.flatMap((sample) => {
        const value = of(sample);
        const time = sample.atMs / (inHours ? 3_600_000 : 60_000);
        return value === null ? [] : [{ x: across.place(time), y: up.place(value) }];
      }),
      { class: `line ${name}` },
    )
  );
  return group(
    panelTitle(frame, title, subtitle),
    verticalAxis({ scale: up, label: String }, spans),
    horizontalAxis({ scale: across, label: String }, spans, inHours ? "hours" : "minutes"),
    ...lines,
  );
}

const MOST_POINTS = 240;

/** As many as can be told apart: of each few the last. */
function thinned(samples: readonly Sample[]): Sample[] {
  const every = Math.ceil(samples.length / MOST_POINTS);
  return samples.filter((_, index) => (index + 1) % every === 0);
}
