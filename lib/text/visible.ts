/** Makes characters visible that hide, break a line, or reverse the order of others. Pure. */

/**
 * `text` with such characters as numbers, like `\u{1b}`, and a line break as `\n`, except for those in `kept`.
 * Letters of all languages stay as they are.
 */
export const visible = (text: string, kept = ""): string =>
  text.replace(HIDDEN, (one) => kept.includes(one) ? one : numbered(one));

/** `value` as JSON in which such characters are escaped: JSON itself leaves some of them as they are. */
export const visibleJson = (value: unknown, space?: number): string =>
  JSON.stringify(value, null, space).replace(
    HIDDEN,
    (one) => one === "\n" ? one : one.split("").map(jsonNumber).join(""),
  );

/**
 * Control characters, those that direct the order (U+202E) or only hint at how to draw the text (U+200B,
 * U+FEFF, tags), line and paragraph separators, and halves of surrogate pairs.
 */
const HIDDEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Default_Ignorable_Code_Point}]/gu;

const numbered = (one: string) => one === "\n" ? "\\n" : `\\u{${one.codePointAt(0)!.toString(16)}}`;

const jsonNumber = (unit: string) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
