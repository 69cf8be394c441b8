/**
 * Tells the servers of a configuration (`server` lines, the `maxconn` lines of its sections, comments and blank lines)
 * from its rest. Pure.
 */
import { differingLines } from "./differing_lines.ts";
import { readConfiguration } from "./tokens.ts";

/** All but the servers. */
export const restOf = (texts: readonly string[]): string =>
  texts.map((text) => `\n${text}`.replace(SERVERS_OR_NOTHING, "")).join(FILE_END);

/** Whether two configurations differ in nothing but servers. Only the lines in which they differ are looked at. */
export const haveSameRest = (before: readonly string[], after: readonly string[]): boolean =>
  before.length === after.length &&
  differingTexts(before, after).every(([old, next]) =>
    mayHaveSameRest(old, next) && restOf([old]) === restOf([next])
  );

/** Looks at the first lines and at the last, by which most texts are told apart. */
function mayHaveSameRest(before: string, after: string): boolean {
  if (Math.min(before.length, after.length) < 4 * SOME) return true;
  const headOf = (text: string) => restOf([text.slice(0, text.indexOf("\n", SOME) + 1)]);
  const endOf = (text: string) =>
    restOf([text.slice(text.lastIndexOf("\n", text.length - SOME) + 1)]);
  const [heads, ends] = [[before, after].map(headOf), [before, after].map(endOf)];
  return heads.some((one) => heads.every((other) => one.startsWith(other))) &&
    ends.some((one) => ends.every((other) => one.endsWith(other)));
}

const SOME = 4_096;

/** Whether two configurations of the same rest have the same `server` lines in which a file may be named. */
export const haveSameNaming = (
  before: readonly string[],
  after: readonly string[],
  naming: RegExp,
): boolean => {
  const linesOf = (text: string) =>
    `\n${text}`.match(SERVER)?.filter((line) => naming.test(line)).join("");
  return differingTexts(before, after).every(([old, next]) => linesOf(old) === linesOf(next));
};

/** The lines in which each file differs, before and after. */
export const differingTexts = (before: readonly string[], after: readonly string[]) =>
  before.map((old, file) => {
    const { from, toBefore, toAfter } = differingLines(old, after[file]!);
    return [old.slice(from, toBefore), after[file]!.slice(from, toAfter)] as const;
  });

/** The lines of the servers, and those that decide what they mean, below the headers of all sections. */
export const serverLines = (texts: readonly string[]): string =>
  texts.map((text) => `\n${text}`.match(TELLING)?.join("").slice(1) ?? "").join(FILE_END);

/** Sections that follow one another, each as `serverLines` has it. */
export interface DifferingSections {
  readonly before: readonly string[];
  readonly after: readonly string[];
  /** The last section of defaults above them; `null` if there is none. */
  readonly defaults: string | null;
}

/** Those from the first to the last in which two configurations of the same rest differ, of each file. */
export function differingSections(
  before: readonly string[],
  after: readonly string[],
): readonly DifferingSections[] {
  return after.flatMap((text, file) => {
    const old = before[file]!;
    if (old === text) return [];
    const { from, toAfter } = differingLines(old, text);
    const [start, end] = [headerAbove(text, from), headerBelow(text, toAfter)];
    return [{
      before: sectionTexts(serverLines([old.slice(start, end + old.length - text.length)])),
      after: sectionTexts(serverLines([text.slice(start, end)])),
      defaults: defaultsAbove(after.slice(0, file + 1), start),
    }];
  });
}

/**
 * Whether it is sure which lines count, and where they and their words begin. Not where HAProxy alone knows it (`.if`),
 * where it would refuse the file (NUL, no end of the last line), or parts lines and words in another way.
 */
export const arePlain = (texts: readonly string[]): boolean =>
  texts.every((text) =>
    (text === "" || text.endsWith("\n")) && !hasAny(text, ODD) &&
    !(text.includes("\r") && /\r(?!\n)/.test(text)) &&
    !(hasAny(text, ['"', "'", "\\"]) && QUOTED_BEGINNING.test(text)) &&
    !(text.includes(".if") && CONDITION.test(text))
  );

/** Ten times as fast as a regular expression. */
const hasAny = (text: string, parts: readonly string[]) =>
  parts.some((part) => text.includes(part));

/**
 * The part of `serverLines` for each section. Configurations with the same rest have the same sections in the same
 * order.
 */
export const sectionTexts = (lines: string): readonly string[] => lines.split(SECTION_START);

export interface ServerSection {
  /** Such as `backend`; empty at the end of a file, and above the first header. */
  readonly kind: string;
  readonly name: string;
  /** The section of defaults that the header names. */
  readonly from: string | null;
  readonly lines: readonly string[];
}

/** Reads one of them. */
export function readSection(text: string): ServerSection {
  const lines = text.split("\n").map((line) => line.replace(/^[ \t]+|[ \t\r]+$/g, ""))
    .filter((line) => line !== "").map(unquotedLine);
  const [header = ""] = lines;
  if (!HEADER.test(header)) return { kind: "", name: "", from: null, lines };
  const [kind = "", name = "", ...rest] = wordsOf(header);
  const from = rest[0] === "from" ? rest[1] ?? null : null;
  // A quote is in no name, and whatever is quoted may be "from".
  const read = isQuoted(header) ? { name: header, from: header } : { name, from };
  return { kind, ...read, lines: lines.slice(1) };
}

/** Whether the first line of `text` begins a section of defaults. */
export const areDefaults = (text: string): boolean => /^[ \t]*defaults(?![^ \t\r\n#])/.test(text);

/** Whether only HAProxy knows the words of a line that `readSection` gave. */
export const isQuoted = (line: string): boolean => /["'\\]/.test(line);

/** With the words as HAProxy reads them; as it is written where one is not plain, or depends on a variable. */
function unquotedLine(line: string): string {
  if (!isQuoted(line) || line.includes("$")) return line;
  const words = readConfiguration(line, {}).lines[0]?.words ?? [];
  return words.every((word) => /^[^\s#"'\\]+$/.test(word)) ? words.join(" ") : line;
}

/** The words of a line in which nothing is quoted. */
export const wordsOf = (line: string): readonly string[] =>
  line.replace(/#[^\n]*/, "").match(/[^ \t\r\n]+/g) ?? [];

/** Whether `keyword` is the first word of `line`, which has no leading blanks. */
export const begins = (line: string, keyword: string): boolean =>
  line.startsWith(keyword) && /^(?:[ \t#]|$)/.test(line.slice(keyword.length));

/** Ends a section, as each file does. HAProxy refuses a NUL in a file. */
const FILE_END = "\n\0\n";

/**
 * Each line begins with the end of the one before; "." would also end at characters that end no line to HAProxy. Runs
 * of lines are twice as fast as single ones, and without a limit they overflow the stack.
 */
const SERVERS_OR_NOTHING =
  /(?:\n[ \t]*(?:server[ \t][^\n]*|#[^\n]*|maxconn[ \t]+\d+[ \t]*(?:#[^\n]*)?\r?(?=\n)|\r?(?=\n))){1,1000}/g;
const SERVER = /\n[ \t]*server[ \t][^\n]*/g;

/** What HAProxy refuses, other kinds of space, and what makes a line's number count. */
const ODD = ["\0", "\f", "\v", "\ufffd", "\u2028", "\u2029", ".LINE"];
/** A first word that is quoted or escaped. Searched from its end, since few lines have a quote. */
const QUOTED_BEGINNING = /(?<=(?:^|\n)[ \t]*[^ \t\n#"'\\]*)["'\\]/;
const CONDITION = /(?<=(?:^|\n)[ \t]*)\.if/;

/** All that can begin a section in HAProxy 2.4 to 3.4. */
const SECTIONS = [
  ...["acme", "backend", "cache", "crt-store", "defaults", "fcgi-app", "frontend", "global"],
  ...["healthcheck", "http-errors", "listen", "log-forward", "log-profile", "mailers", "peers"],
  ...["program", "resolvers", "ring", "traces", "userlist"],
].join("|");

const TELLING = new RegExp(
  `(?:\\n[ \\t]*(?:server|server-template|default-server|balance|maxconn|mode|${SECTIONS})` +
    "(?![^ \\t\\r\\n#])[^\\n]*){1,1000}",
  "g",
);
const HEADER = new RegExp(`^(?:${SECTIONS})(?![^ \\t#])`);
const SECTION_START = new RegExp(`\\n(?=[ \\t]*(?:${SECTIONS}|\0)(?![^ \\t\\r\\n#]))`);
const HEADERS = new RegExp(`(?<=^|\\n)[ \\t]*(?:${SECTIONS})(?![^ \\t\\r\\n#])`, "g");

/** Where the last line above `at` begins that begins a section; 0 if none does. */
function headerAbove(text: string, at: number): number {
  for (let length = 4_096;; length *= 4) {
    const from = at <= length ? 0 : text.lastIndexOf("\n", at - length) + 1;
    const last = [...text.slice(from, at).matchAll(HEADERS)].at(-1);
    if (last !== undefined) return from + last.index;
    if (from === 0) return 0;
  }
}

/** Where the first line from `at` on begins that begins a section; the end if none does. */
function headerBelow(text: string, at: number): number {
  const headers = new RegExp(HEADERS);
  headers.lastIndex = at;
  return headers.exec(text)?.index ?? text.length;
}

/** The last section of defaults above `at` in the last of `texts`. */
function defaultsAbove(texts: readonly string[], at: number): string | null {
  const text = texts.at(-1);
  if (text === undefined) return null;
  for (let end = at; end > 0;) {
    const found = text.lastIndexOf("defaults", end - 1);
    if (found < 0) break;
    const line = text.lastIndexOf("\n", found) + 1;
    if (areDefaults(text.slice(line, found + 9))) {
      return serverLines([text.slice(line, headerBelow(text, found + 1))]);
    }
    end = found;
  }
  return defaultsAbove(texts.slice(0, -1), Infinity);
}
