/** Builds HTML in which every text that is put in is escaped. Pure. */
import { visible } from "../../visible.ts";

/**
 * The tag of a template: `html`<p>${text}</p>`` escapes the text; what is HTML already stays as it is.
 * White space at both ends is only there for the template's own looks.
 */
export function html(literals: TemplateStringsArray, ...parts: readonly Part[]): Html {
  const texts = literals.map((literal, index) => literal + write(parts[index] ?? ""));
  return new Html(texts.join("").trim());
}

/** The only thing that is put in unescaped, so that no text can be taken for it. */
export class Html {
  constructor(readonly text: string) {}
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
