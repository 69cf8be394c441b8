/** Makes characters visible that would hide, break a line, or turn the order of others round. Pure. */

/**
 * `text` with the numbers of such characters in their place, as `\u{1b}`, and `\n` for a line break, but for
 * those of `kept`. Letters of all languages stay as they are.
 */
export const visible = (text: string, kept = ""): string =>
  text.replace(HIDDEN, (one) => kept.includes(one) ? one : numbered(one));

/** `value` as JSON, which leaves some of them as they are: here each is written as its number. */
export const visibleJson = (value: unknown, space?: number): string =>
  JSON.stringify(value, null, space).replace(
    HIDDEN,
    (one) => one === "\n" ? one : one.split("").map(jsonNumber).join(""),
  );

/**
 * Control characters, those that direct the order (U+202E) or are no more than a hint to whoever draws the
 * text (U+200B, U+FEFF, tags), line and paragraph separators, and halves of characters.
 */
const HIDDEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Default_Ignorable_Code_Point}]/gu;

const numbered = (one: string) => one === "\n" ? "\\n" : `\\u{${one.codePointAt(0)!.toString(16)}}`;

const jsonNumber = (unit: string) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
