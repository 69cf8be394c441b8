/** Takes the `server` lines out of a configuration, to tell whether two differ in anything else. Pure. */

/**
 * The configuration without its `server` lines, the `maxconn` lines of its sections, comments and blank lines: where
 * two have this in common, they differ in nothing but those. 5,000 backends take 3 ms, so that every change can be
 * asked about.
 */
export const withoutServers = (texts: readonly string[]): string =>
  texts.map((text) => `\n${text}`.replace(CHANGEABLE_OR_NOTHING, "")).join(FILE_END);

/**
 * The lines that were taken out, and those that decide what they mean, below the headers of all sections. Half as
 * long as the configuration, and all that is to be remembered of it.
 */
export const serverLines = (texts: readonly string[]): string =>
  texts.map((text) => `\n${text}`.match(TELLING)?.join("").slice(1) ?? "").join(FILE_END);

/**
 * Whether that can be trusted. Not where HAProxy alone knows which lines count (`.if`), where it would refuse the file
 * (NUL, no end of the last line), and where it finds the beginning of a line or its first word elsewhere.
 */
export const arePlain = (texts: readonly string[]): boolean =>
  texts.every((text) => (text === "" || text.endsWith("\n")) && !ODD.test(`\n${text}`));

/** The `server` lines in which a file may be named, in one spelling. */
export function namingServers(texts: readonly string[], naming: RegExp): string {
  const lines = texts.flatMap((text) => `\n${text}`.match(SERVER) ?? []);
  return lines.filter((line) => naming.test(line)).map((line) => wordsOf(line).join(" ")).join(
    "\n",
  );
}

/** What `serverLines` has of each section; another configuration of the same rest has the same sections in this order. */
export const sectionTexts = (lines: string): readonly string[] => lines.split(SECTION_START);

export interface ServerSection {
  /** Such as `backend`; empty where a file ends, and of what stands above all headers. */
  readonly kind: string;
  readonly name: string;
  /** The section of defaults that the header names. */
  readonly from: string | null;
  readonly lines: readonly string[];
}

/** Reads one of them. */
export function readSection(text: string): ServerSection {
  const lines = text.split("\n").map((line) => line.replace(/^[ \t]+|[ \t\r]+$/g, ""))
    .filter((line) => line !== "");
  const isHeaded = HEADER.test(lines[0] ?? "");
  const [kind = "", name = "", ...rest] = isHeaded ? wordsOf(lines[0]!) : [];
  const from = rest[0] === "from" ? rest[1] ?? null : null;
  return { kind, name, from, lines: isHeaded ? lines.slice(1) : lines };
}

/** The words of a line in which nothing is quoted. */
export const wordsOf = (line: string): readonly string[] =>
  line.replace(/#[^\n]*/, "").match(/[^ \t\r\n]+/g) ?? [];

/** Whether that is the first word of a line without blanks in front. */
export const begins = (line: string, keyword: string): boolean =>
  line.startsWith(keyword) && /^(?:[ \t#]|$)/.test(line.slice(keyword.length));

/** HAProxy refuses it in a file, with which a section ends. */
const FILE_END = "\n\0\n";

/**
 * Each line begins with the end of the one before; "." would also end at characters that end no line to HAProxy. Runs
 * of lines are twice as fast as single ones, and without a limit they overflow the stack.
 */
const CHANGEABLE_OR_NOTHING =
  /(?:\n[ \t]*(?:server[ \t][^\n]*|#[^\n]*|maxconn[ \t]+\d+[ \t]*(?:#[^\n]*)?\r?(?=\n)|\r?(?=\n))){1,1000}/g;
const SERVER = /\n[ \t]*server[ \t][^\n]*/g;

/** Among them: other kinds of space, and a first word that is quoted or escaped. */
const ODD = /[\0\f\v\ufffd\u2028\u2029]|\r(?!\n)|\n[ \t]*(?:[^ \t\n#"'\\]*["'\\]|\.if)|\.LINE/;

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
