/** Takes the `server` lines out of a configuration, to tell whether two differ in anything else. Pure. */

/**
 * The configuration without its `server` lines, comments and blank lines: where two have this in common, they differ
 * in nothing but those. `null` where HAProxy alone knows which lines count (`.if`). 5,000 backends take 3 ms, so
 * every change can be asked about.
 */
export function withoutServers(texts: readonly string[]): string | null {
  if (texts.some((text) => CONDITION.test(text))) return null;
  return texts.map((text) => withEnd(text).replace(SERVER_OR_NOTHING, "")).join(FILE_END);
}

/**
 * The lines that were taken out, and those that decide what they mean, below the headers of all sections. Half as
 * long as the configuration, and all that is to be remembered of it.
 */
export function serverLines(texts: readonly string[]): string {
  return texts.map((text) => text.match(TELLING)?.join("\n") ?? "").join(FILE_END);
}

/**
 * Where two configurations have this and their rest in common, they name the same files on the same lines: how many
 * lines there are, and the `server` lines in which a file can be named.
 */
export function fileLines(texts: readonly string[]): string {
  return texts.map((text) => `${text.split("\n").length}\n${text.match(NAMING)?.join("\n") ?? ""}`)
    .join(FILE_END);
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
  const lines = text.split("\n").map((line) => line.trim()).filter((line) => line !== "");
  const isHeaded = HEADER.test(lines[0] ?? "");
  const [kind = "", name = "", ...rest] = isHeaded ? wordsOf(lines[0]!) : [];
  const from = rest[0] === "from" ? rest[1] ?? null : null;
  return { kind, name, from, lines: isHeaded ? lines.slice(1) : lines };
}

/** The words of a line in which nothing is quoted. */
export const wordsOf = (line: string): readonly string[] =>
  line.replace(/#.*/, "").match(/[^ \t]+/g) ?? [];

/** HAProxy refuses it in a file, with which a section ends. */
const FILE_END = "\n\0\n";

const withEnd = (text: string) => text.endsWith("\n") ? text : `${text}\n`;

const CONDITION = /^[ \t]*\.if\b/m;
const SERVER_OR_NOTHING = /^[ \t]*(?:server[ \t].*|#.*)?\r?\n/gm;

/** By an option of TLS, a converter in an expression, or something that has to be expanded. */
const NAMING = /^[ \t]*server[ \t].*(?:crt|file|map|ech|jwt|[("'\\]).*$/gm;

/** All that can begin a section in HAProxy 2.4 to 3.4. */
const SECTIONS = [
  ...["acme", "backend", "cache", "crt-store", "defaults", "fcgi-app", "frontend", "global"],
  ...["healthcheck", "http-errors", "listen", "log-forward", "log-profile", "mailers", "peers"],
  ...["program", "resolvers", "ring", "traces", "userlist"],
].join("|");

const TELLING = new RegExp(
  `^[ \\t]*(?:server|server-template|default-server|balance|${SECTIONS})(?![^ \\t\\r\\n#]).*$`,
  "gm",
);
const HEADER = new RegExp(`^(?:${SECTIONS})(?![^ \\t#])`);
const SECTION_START = new RegExp(`\\n(?=[ \\t]*(?:${SECTIONS}|\0)(?![^ \\t\\r\\n#]))`);
