/** What each contestant's processes use over time. Pure. */
import type { Campaign } from "../run/campaign.ts";
import type { ContestantName } from "../contestants/contestants.ts";
import type { Sample } from "../run/processes.ts";
import { sum } from "../report/results.ts";
import { type Frame, group, horizontalAxis, panelTitle, spansOf, verticalAxis } from "./panel.ts";
import { linear } from "./scale.ts";
import { path } from "./svg.ts";

export interface Measure {
  readonly title: string;
  readonly subtitle: string;
  /** `null` if a contestant has no such thing. */
  readonly of: (sample: Sample) => number | null;
}

export function overTime(
  frame: Frame,
  campaigns: readonly (readonly [ContestantName, Campaign])[],
  { title, subtitle, of }: Measure,
): string {
  const spans = spansOf(frame);
  const series = campaigns.map(([name, { samples }]) => [name, averages(samples, of)] as const);
  const all = series.flatMap(([, points]) => points);
  const minutes = Math.max(...all.map(({ atMs }) => atMs), 0) / 60_000;
  const [inHours, longest] = minutes > 120 ? [true, minutes / 60] : [false, minutes];
  const across = linear(longest, spans.across);
  const up = linear(Math.max(...all.map(({ value }) => value), 0), spans.up);
  const lines = series.map(([name, points]) =>
    path(
      points.map(({ atMs, value }) => ({
        x: across.place(atMs / (inHours ? 3_600_000 : 60_000)),
        y: up.place(value),
      })),
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

interface Average {
  readonly atMs: number;
  readonly value: number;
}

/** As many as can be told apart where three lines cross. */
const MOST_POINTS = 50;

/** The means of a few samples in a row each. */
function averages(samples: readonly Sample[], of: Measure["of"]): Average[] {
  const known = samples.flatMap((sample) => {
    const value = of(sample);
    return value === null ? [] : [{ atMs: sample.atMs, value }];
  });
  const few = Math.ceil(known.length / MOST_POINTS);
  const starts = Array.from(
    { length: Math.ceil(known.length / (few || 1)) },
    (_, index) => index * few,
  );
  return starts.map((start) => {
    const some = known.slice(start, start + few);
    const mean = (pick: (one: Average) => number) => sum(some.map(pick)) / some.length;
    return { atMs: mean(({ atMs }) => atMs), value: mean(({ value }) => value) };
  });
}
