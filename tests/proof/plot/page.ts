/** A plot's frame, title, legend and colours, for light and dark themes. Pure. */
import { type ContestantName, CONTESTANTS } from "../contestants/contestants.ts";
import { element, line, text } from "./svg.ts";

export const WIDTH = 960;
export const MARGIN = 28;
/** Below the title and the legend. */
export const TOP = 104;

export interface Page {
  readonly height: number;
  readonly title: string;
  readonly contestants: readonly ContestantName[];
  /** The last lines. */
  readonly notes: readonly string[];
  readonly panels: readonly string[];
}

export function page({ height, title, contestants, notes, panels }: Page): string {
  const content = [
    element("title", {}, "Reloads under load"),
    element("style", {}, STYLE),
    element("rect", { x: 0.5, y: 0.5, width: WIDTH - 1, height: height - 1, rx: 8, class: "page" }),
    text(title, { x: MARGIN, y: 42, class: "title" }),
    legend(contestants),
    ...panels,
    ...notes.map((note, index) => {
      const y = height - 18 - (notes.length - 1 - index) * NOTE_STEP;
      return text(note, { x: MARGIN, y, class: "note" });
    }),
  ];
  const size = { viewBox: `0 0 ${WIDTH} ${height}`, width: WIDTH, height };
  return `${
    element(
      "svg",
      { xmlns: "http://www.w3.org/2000/svg", role: "img", ...size },
      content.join("\n"),
    )
  }\n`;
}

const NOTE_STEP = 16;
const LEGEND_STEP = 170;

function legend(names: readonly ContestantName[]): string {
  return names.map((name, index) => {
    const x = MARGIN + index * LEGEND_STEP;
    const y = 70;
    return line({ x, y: y - 4 }, { x: x + 28, y: y - 4 }, { class: `line ${name}` }) +
      text(CONTESTANTS[name].title, { x: x + 36, y, class: "tick" });
  }).join("");
}

/** Colours that all kinds of colour vision can tell apart, and dashes. */
const STYLE = `
svg { font-family: system-ui, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; font-size: 12px }
.page { fill: #ffffff; stroke: #d0d7de }
.title { font-size: 20px; font-weight: 600; fill: #1f2328 }
.panel { font-size: 15px; font-weight: 600; fill: #1f2328 }
.note { fill: #59636e }
.tick { fill: #424a53 }
.value { font-size: 10px; fill: #424a53 }
.grid { stroke: #e4e8ec }
.axis { stroke: #8c959f }
.line { fill: none; stroke-width: 2; stroke-linejoin: round }
.by-hand.line { stroke-dasharray: 6 3 }
.master-worker.line { stroke-dasharray: 2 2 }
.wrapper.line { stroke: #0072b2 } .wrapper.bar { fill: #0072b2 }
.by-hand.line { stroke: #009e73 } .by-hand.bar { fill: #009e73 }
.master-worker.line { stroke: #d55e00 } .master-worker.bar { fill: #d55e00 }
@media (prefers-color-scheme: dark) {
.page { fill: #0d1117; stroke: #3d444d }
.title, .panel { fill: #f0f6fc }
.note { fill: #9198a1 }
.tick, .value { fill: #c9d1d9 }
.grid { stroke: #262c34 }
.axis { stroke: #656c76 }
.wrapper.line { stroke: #56b4e9 } .wrapper.bar { fill: #56b4e9 }
.by-hand.line { stroke: #2fc79a } .by-hand.bar { fill: #2fc79a }
.master-worker.line { stroke: #ff8a4c } .master-worker.bar { fill: #ff8a4c }
}
`;
