/** Reads the lines of a certificate list (`crt-list`): `path [options] filters`. Pure. */

export interface ListLine {
  /** The certificate, as written. */
  readonly path: string;
  /** What the brackets hold. */
  readonly options: string;
  /** The names for which it is served, instead of its own. */
  readonly filters: readonly string[];
}

/** `null` where HAProxy may read the text in another way, or refuses it. */
export function readListLines(text: string): readonly ListLine[] | null {
  // HAProxy refuses a last line without an end, since the file may be cut off.
  if (text !== "" && !text.endsWith("\n")) return null;
  const lines: ListLine[] = [];
  for (const line of text.split("\n")) {
    if (line.startsWith("#") || /^[ \t]*$/.test(line)) continue;
    const [, path, options = "", filters = ""] = LINE.exec(line) ?? [];
    if (path === undefined || line.length > LONGEST) return null;
    lines.push({ path, options: wordsOf(options).join(" "), filters: wordsOf(filters) });
  }
  return lines;
}

/** One spelling for lines that say the same. */
export function spellingOf({ path, options, filters }: ListLine): string {
  return [path, ...options === "" ? [] : [`[${options}]`], ...filters].join(" ");
}

/** HAProxy's name for the certificate, with `crt-base` in front of a relative one. */
export const listedName = ({ path }: Pick<ListLine, "path">, base: string | null): string =>
  base === null || /^[/@]/.test(path) ? path : `${base}/${path}`;

const wordsOf = (text: string) => text.split(/[ \t]+/).filter((word) => word !== "");

/** In words without what has a meaning in commands, or may mean something else than it seems to. */
const LINE =
  /^[ \t]*([\w.,/@+=~%-]+)(?:[ \t]+\[([\w.,:+!@=/ \t-]*)\])?((?:[ \t]+[\w.*!-]+)*)[ \t]*$/;

/** A command holds little more, and HAProxy itself takes four times as much. */
const LONGEST = 15_000;
