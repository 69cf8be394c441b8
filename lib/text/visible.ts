/** Makes characters visible that are hidden, break a line, or reverse the order of others. Pure. */

/**
 * `text` with such characters as numbers, like `\u{1b}`, and a line break as `\n`, except for those in `allowed`.
 * Letters of all languages stay as they are.
 */
export const visible = (text: string, allowed = ""): string =>
  text.replace(HIDDEN, (char) => allowed.includes(char) ? char : numbered(char));

/** `value` as JSON in which such characters are escaped: JSON itself leaves some of them as they are. */
export const visibleJson = (value: unknown, space?: number): string =>
  JSON.stringify(value, null, space).replace(
    HIDDEN,
    (char) => char === "\n" ? char : char.split("").map(jsonNumber).join(""),
  );

/**
 * Control characters, those that set the direction (U+202E) or affect only the rendering (U+200B, U+FEFF, tags),
 * line and paragraph separators, and lone surrogates.
 */
const HIDDEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Default_Ignorable_Code_Point}]/gu;

const numbered = (char: string) =>
  char === "\n" ? "\\n" : `\\u{${char.codePointAt(0)!.toString(16)}}`;

const jsonNumber = (unit: string) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
