/** A part of the plot with a title and two axes. Pure. */
import type { Scale, Span } from "./scale.ts";
import { element, line, text } from "./svg.ts";

export interface Frame {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export interface Axis {
  readonly scale: Scale;
  readonly label: (tick: number) => string;
}

/** The extents of both axes, below the title and beside the labels. */
export function spansOf({ x, y, width, height }: Frame, { left = 44 } = {}): Spans {
  return {
    across: { from: x + left, to: x + width },
    up: { from: y + height - 34, to: y + 46 },
  };
}

export interface Spans {
  readonly across: Span;
  readonly up: Span;
}

/** `subtitle` names what the axes measure. */
export function panelTitle({ x, y }: Frame, title: string, subtitle: string): string {
  return text(title, { x, y: y + 14, class: "panel" }) +
    text(subtitle, { x, y: y + 31, class: "note" });
}

export function verticalAxis({ scale, label }: Axis, { across }: Spans): string {
  return scale.ticks.map((tick) => {
    const y = scale.place(tick);
    return line({ x: across.from, y }, { x: across.to, y }, { class: "grid" }) +
      text(label(tick), { x: across.from - 8, y: y + 4, class: "tick", "text-anchor": "end" });
  }).join("");
}

export function horizontalAxis(
  { scale, label }: Axis,
  { across, up }: Spans,
  title: string,
): string {
  const ticks = scale.ticks.map((tick) => {
    const x = scale.place(tick);
    return line({ x, y: up.from }, { x, y: up.to }, { class: "grid" }) +
      text(label(tick), { x, y: up.from + 16, class: "tick", "text-anchor": "middle" });
  });
  const base = line({ x: across.from, y: up.from }, { x: across.to, y: up.from }, {
    class: "axis",
  });
  const middle = (across.from + across.to) / 2;
  return ticks.join("") + base +
    text(title, { x: middle, y: up.from + 32, class: "note", "text-anchor": "middle" });
}

export const group = (...parts: readonly string[]) => element("g", {}, parts.join(""));
