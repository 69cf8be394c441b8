/** Turns samples into the rows of a Markdown table. Pure. */
import type { Machine } from "../support/measuring/machine.ts";
import { quantile } from "../support/measuring/quantile.ts";
import type { Samples } from "./rounds.ts";

export interface Row {
  readonly figure: string;
  readonly wrapper: string;
  readonly beside: string;
  readonly difference: string;
  readonly ratio: string;
  readonly target: string;
  /** `null`: there is no target. */
  readonly isMet: boolean | null;
}

/** How much the wrapper may take, in all, or of what is beside it, or more than that, in the median. */
export interface Target {
  readonly tag: "more_ms" | "more_percent" | "percent" | "in_all_ms";
  readonly limit: number;
}

/** The heading names the Deno in the executable, or the one that runs the source. */
export function markdown(
  rows: readonly Row[],
  { form, deno }: Pick<Machine, "form" | "deno">,
): string {
  const headings = ["Figure", `Wrapper (${form}, ${deno})`, ...FURTHER_HEADINGS];
  const lines = rows.map((row) => [
    ...[row.figure, row.wrapper, row.beside, row.difference, row.ratio, row.target],
    describeResult(row),
  ]);
  return [headings, headings.map(() => "---"), ...lines]
    .map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

function describeResult({ isMet }: Row): string {
  if (isMet === null) return NOTHING;
  return isMet ? "met" : "**missed**";
}

const NOTHING = "—";

const FURTHER_HEADINGS = ["Beside", "Difference", "Ratio", "Target", "Result"];

/**
 * Compares times in milliseconds: median, with the 90th percentile behind it. Difference and ratio are
 * those of each round, because a busy host may be half as fast for some rounds, and then for both.
 */
export function compareTimes(
  figure: string,
  { wrapper, byHand }: Samples,
  target: Target,
  besideName = "by hand",
): Row {
  const difference = medianOfRounds({ wrapper, byHand }, (ours, theirs) => ours - theirs);
  const ratio = medianOfRounds({ wrapper, byHand }, (ours, theirs) => ours / theirs);
  return {
    figure: `${figure}, ${wrapper.length} rounds`,
    wrapper: time(wrapper),
    beside: `${besideName} ${time(byHand)}`,
    difference: `${signed(difference)} ms`,
    ratio: ratio.toFixed(2),
    target: `at most ${target.limit} ${UNITS[target.tag]}`,
    isMet: {
      more_ms: difference,
      more_percent: 100 * (ratio - 1),
      percent: 100 * ratio,
      in_all_ms: quantile(wrapper, 0.5),
    }[target.tag] <= target.limit,
  };
}

/** In bytes. */
export const MEGABYTE = 1_024 * 1_024;

export interface Amounts {
  readonly wrapper: number;
  readonly beside: number;
}

/** How much there may be, more than beside it or in all; `null`: any amount. */
export type AmountTarget = { readonly tag: "more" | "in_all"; readonly limit: number } | null;

export interface AmountOptions {
  readonly besideName: string;
  /** Put behind each amount. */
  readonly unit: string;
  readonly digits: number;
  readonly target: AmountTarget;
}

/** Compares amounts that were measured once. */
export function compareAmounts(
  figure: string,
  { wrapper, beside }: Amounts,
  { besideName, unit, digits, target }: AmountOptions,
): Row {
  const difference = wrapper - beside;
  return {
    figure,
    wrapper: `${wrapper.toFixed(digits)}${unit}`,
    beside: `${besideName} ${beside.toFixed(digits)}${unit}`,
    difference: `${signed(difference, digits)}${unit}`,
    ratio: beside === 0 ? NOTHING : (wrapper / beside).toFixed(2),
    target: describeTarget(target, unit),
    isMet: target && (target.tag === "more" ? difference : wrapper) <= target.limit,
  };
}

function describeTarget(target: AmountTarget, unit: string): string {
  if (target === null) return NOTHING;
  const { tag, limit } = target;
  if (limit === 0) return tag === "more" ? "no growth" : "none";
  return `at most ${limit}${unit}${tag === "more" ? " more" : ""}`;
}

const UNITS = {
  more_ms: "ms more",
  more_percent: "% more",
  percent: "%",
  in_all_ms: "ms",
} as const;

const medianOfRounds = (
  { wrapper, byHand }: Samples,
  compare: (ours: number, theirs: number) => number,
) => quantile(wrapper.map((ours, round) => compare(ours, byHand[round]!)), 0.5);

const time = (samples: readonly number[]) =>
  `${quantile(samples, 0.5).toFixed(1)} ms (p90 ${quantile(samples, 0.9).toFixed(1)})`;

const signed = (value: number, digits = 1) =>
  `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(digits)}`;
