/** Builds HTML in which every inserted text is escaped. Pure. */
import { visible } from "../../text/visible.ts";

/**
 * A template tag: `html`<p>${text}</p>`` escapes texts and leaves `Html` as it is. White space at both ends is
 * dropped.
 */
export function html(literals: TemplateStringsArray, ...parts: readonly Part[]): Html {
  const texts = literals.map((literal, index) => literal + write(parts[index] ?? ""));
  return new Html(texts.join("").trim());
}

/** The only thing that is inserted unescaped. A class, so that no text can pass for it. */
export class Html {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

export type Part = string | number | Html | readonly Part[];

export const NOTHING = new Html("");

function write(part: Part): string {
  if (part instanceof Html) return part.text;
  if (Array.isArray(part)) return part.map(write).join("");
  return escape(String(part));
}

const escape = (text: string) =>
  visible(text, "\t\n").replace(/[&<>"']/g, (one) => `&#${one.charCodeAt(0)};`);
