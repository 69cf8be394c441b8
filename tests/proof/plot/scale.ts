/** Maps values to places, and picks round ticks. Pure. */

export interface Scale {
  readonly ticks: readonly number[];
  place(value: number): number;
}

export interface Span {
  readonly from: number;
  readonly to: number;
}

/** From 0 to at least `most`. */
export function linear(most: number, { from, to }: Span): Scale {
  const step = roundStep(Math.max(most, 1) / TICKS);
  const end = step * Math.ceil(Math.max(most, 1) / step);
  return {
    ticks: Array.from({ length: Math.round(end / step) + 1 }, (_, index) => index * step),
    place: (value) => from + (to - from) * value / end,
  };
}

/** About as many as look tidy. */
const TICKS = 4;

/** From `least` to `most`, both above 0, with ticks at 1, 2, 5, 10 … */
export function logarithmic(least: number, most: number, { from, to }: Span): Scale {
  const [low, high] = [Math.log10(least), Math.log10(Math.max(most, least * 10))];
  const all = Array.from({ length: 10 }, (_, power) => [1, 2, 5].map((one) => one * 10 ** power))
    .flat();
  return {
    ticks: all.filter((tick) => Math.log10(tick) >= low - 1e-9 && Math.log10(tick) <= high + 1e-9),
    place: (value) => from + (to - from) * (Math.log10(value) - low) / (high - low),
  };
}

/** Logarithmic, but with a place for 0. */
export function logarithmicFromZero(most: number, { from, to }: Span): Scale {
  const end = Math.log10(1 + Math.max(most, 9));
  const powers = Array.from({ length: 10 }, (_, power) => 10 ** power);
  return {
    ticks: [0, ...powers.filter((tick) => Math.log10(1 + tick) <= end)],
    place: (value) => from + (to - from) * Math.log10(1 + value) / end,
  };
}

/** The next of 1, 2, 5, 10 … */
function roundStep(step: number): number {
  const power = 10 ** Math.floor(Math.log10(step));
  return power * [1, 2, 5, 10].find((one) => one * power >= step - 1e-9)!;
}
