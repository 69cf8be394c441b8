/** Writes SVG elements as text: chart libraries bring dozens of packages, or a DOM, and no dark theme. Pure. */

export type Attributes = Readonly<Record<string, string | number>>;

/** `content` is markup. */
export function element(name: string, attributes: Attributes, content = ""): string {
  const written = Object.entries(attributes).map(([key, value]) =>
    ` ${key}="${escaped(typeof value === "number" ? rounded(value) : value)}"`
  );
  return content === ""
    ? `<${name}${written.join("")}/>`
    : `<${name}${written.join("")}>${content}</${name}>`;
}

export function text(words: string, attributes: Attributes): string {
  return element("text", attributes, escaped(words));
}

export function line(from: Point, to: Point, attributes: Attributes): string {
  return element("line", { x1: from.x, y1: from.y, x2: to.x, y2: to.y, ...attributes });
}

export function path(points: readonly Point[], attributes: Attributes): string {
  const d = points.map(({ x, y }, index) =>
    `${index === 0 ? "M" : "L"}${rounded(x)} ${rounded(y)}`
  );
  return element("path", { d: d.join(""), ...attributes });
}

export interface Point {
  readonly x: number;
  readonly y: number;
}

/** For text and attribute values. */
export const escaped = (words: string) =>
  words.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");

const rounded = (value: number) => `${Math.round(10 * value) / 10}`;
