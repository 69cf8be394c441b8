/** Splits an HAProxy configuration into tokens, as HAProxy itself does. Pure. */

export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The most text that is held and split, enough for a configuration of 50,000 backends. If it is not in Latin script,
 * 8 MB take 24 MB of memory.
 */
export const MOST_TEXT_BYTES = 8 * 2 ** 20;

/** Far more than HAProxy takes: 64 words in a line. */
export const LONGEST_LINE = 65_536;

export interface ConfigurationLine {
  /** From 1. */
  readonly number: number;
  readonly words: readonly string[];
}

/** A line that can be rewritten word by word. */
export interface PlacedLine extends ConfigurationLine {
  /** Where each of `words` stands. Words from the same variable share a span. */
  readonly spans: readonly Span[];
}

/** A part of a line, in UTF-16 units. */
export interface Span {
  readonly offset: number;
  readonly length: number;
}

export interface Configuration<Line extends ConfigurationLine = ConfigurationLine> {
  readonly lines: readonly Line[];
  /** After the last line, for the next file of the same HAProxy. */
  readonly environment: Environment;
}

/**
 * Reads `text` with the variables of `environment`, which `setenv`, `presetenv`, `unsetenv` and
 * `resetenv` change for later lines and files. Blank lines and comments give no entry; what HAProxy would refuse is
 * read as far as possible. HAProxy's own variables, such as `HAPROXY_BRANCH`, are up to the caller. Lines that `wanted`
 * does not match are skipped, which makes huge files ten times faster to read.
 */
export function readConfiguration(
  text: string,
  environment: Environment,
  wanted = /(?:)/,
): Configuration {
  return readLines(text, environment, {
    wanted,
    read: (line, variables) => ({ words: wordsOf(line, variables) }),
  });
}

/** The same, with the spans of the words. */
export function readPlacedConfiguration(
  text: string,
  environment: Environment,
  wanted = /(?:)/,
): Configuration<PlacedLine> {
  return readLines(text, environment, { wanted, read: placedWordsOf });
}

/** The same, yielding every 20 ms or so. Returns the environment for the next file. */
export function* readInSteps(
  text: string,
  environment: Environment,
  { wanted, onLine }: {
    readonly wanted: RegExp;
    readonly onLine: (words: readonly string[], number: number) => void;
  },
): Generator<void, Environment> {
  let variables = environment;
  for (const block of blocksOf(text)) {
    if (block.linesBefore > 0) yield;
    const configuration = readConfiguration(block.text, variables, wanted);
    for (const { number, words } of configuration.lines) onLine(words, block.linesBefore + number);
    variables = configuration.environment;
  }
  return variables;
}

/** Whole lines of a text. */
export interface Block {
  readonly text: string;
  readonly linesBefore: number;
}

/** Cuts `text` into blocks, each of which can be split within some 20 ms. */
export function* blocksOf(text: string): Generator<Block> {
  let linesBefore = 0;
  for (let from = 0; from <= text.length;) {
    const end = text.indexOf("\n", from + BLOCK_LENGTH);
    const to = end < 0 ? text.length : end;
    yield { text: text.slice(from, to), linesBefore };
    for (let start = from; start <= to; linesBefore++) {
      start = (text.indexOf("\n", start) + 1) || to + 1;
    }
    from = to + 1;
  }
}

const BLOCK_LENGTH = 100_000;

/** Writes `word` so that HAProxy reads exactly that, whatever is next to it. */
export function quotedWord(word: string): string {
  const written = word.replace(/['\n\r]/g, (character) => `'${UNQUOTABLE[character]}'`);
  return `'${written}'`;
}

/** What single quotes cannot hold, as it is written outside them. */
const UNQUOTABLE: Readonly<Record<string, string>> = { "'": "\\'", "\n": "\\n", "\r": "\\r" };

/** Resolves HAProxy's escapes; other backslashes stay. */
export function unescaped(text: string): string {
  if (!text.includes("\\")) return text;
  return text.replace(ESCAPE, (_, character: string) => {
    if (character.length > 1) return String.fromCharCode(parseInt(character.slice(1), 16));
    return CONTROLS[character] ?? character;
  });
}

type Variables = Map<string, string>;

const SPECIAL = /["'\\#]/;
const ESCAPE = /\\(x[0-9A-Fa-f]{2}|[ #'"\\nrt])/g;
const CONTROLS: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t" };
/** Separated by what C's `isspace` accepts: a no-break space is part of a word. */
const PLAIN_WORD = /[^ \t\r\v\f]+/g;
const PIECES = [
  /([^ \t\r\v\f"'\\#]+|\\(?:x[0-9A-Fa-f]{2}|[ #'"\\nrt])?)/, // unquoted
  /"((?:[^"\\]|\\.?)*)"?/, // weakly quoted
  /'([^']*)'?/, // strongly quoted
].map(({ source }) => source).join("|");
const PIECE = new RegExp(PIECES, "g");
const WORD_OR_COMMENT = new RegExp(`(?:${PIECES})+|#`, "g");
/** Only within double quotes. */
const ESCAPE_OR_VARIABLE =
  /\\(?:x[0-9A-Fa-f]{2}|.)|\$(?:\{(\.?[A-Za-z_]\w*)(\[\*\])?(?:-([^}]*))?\}|(\.?[A-Za-z_]\w*))/g;
/** Marks where `${NAME[*]}` splits into several words. HAProxy refuses this character in a file. */
const WORD_BREAK = "\0";

function readLines<Read extends Pick<ConfigurationLine, "words">>(
  text: string,
  environment: Environment,
  { wanted, read }: {
    readonly wanted: RegExp;
    readonly read: (line: string, variables: Variables) => Read;
  },
): Configuration<Read & ConfigurationLine> {
  const variables = new Map(Object.entries(environment).filter(isSet));
  const lines: (Read & ConfigurationLine)[] = [];
  for (const { line, number } of matchingLines(text, wanted)) {
    if (line.length > LONGEST_LINE) continue;
    const found = read(line, variables);
    if (found.words.length === 0) continue;
    lines.push({ number, ...found });
    if (found.words[0]!.endsWith("setenv")) changeEnvironment(found.words, variables);
  }
  return { lines, environment: Object.fromEntries(variables) };
}

/** At least the lines that `wanted` matches. One search of the whole text takes half the time of one for each line. */
function* matchingLines(text: string, wanted: RegExp): Generator<{ line: string; number: number }> {
  const search = new RegExp(wanted.source, "g");
  let number = 1;
  let counted = 0;
  for (let match = search.exec(text); match !== null; match = search.exec(text)) {
    const start = match.index === 0 ? 0 : text.lastIndexOf("\n", match.index - 1) + 1;
    const end = text.indexOf("\n", match.index);
    const line = text.slice(start, end < 0 ? undefined : end);
    number += text.slice(counted, start).split("\n").length - 1;
    counted = start;
    yield { line, number };
    if (end < 0) return;
    search.lastIndex = end + 1;
  }
}

const isSet = (entry: [string, string | undefined]): entry is [string, string] =>
  entry[1] !== undefined;

function wordsOf(line: string, variables: Variables): readonly string[] {
  const special = line.search(SPECIAL);
  if (special < 0) return plainWords(line);
  if (line[special] === "#") return plainWords(line.slice(0, special));
  return placedWordsOf(line, variables).words;
}

const plainWords = (line: string): readonly string[] => line.match(PLAIN_WORD) ?? [];

function placedWordsOf(line: string, variables: Variables): Omit<PlacedLine, "number"> {
  const words: string[] = [];
  const spans: Span[] = [];
  for (const { 0: raw, index: offset } of line.matchAll(WORD_OR_COMMENT)) {
    if (raw === "#") break;
    for (const word of meant(raw, variables)) {
      words.push(word);
      spans.push({ offset, length: raw.length });
    }
  }
  return { words, spans };
}

/** The words that a written word stands for. */
function meant(raw: string, variables: Variables): readonly string[] {
  return SPECIAL.test(raw) ? unquoted(raw, variables)?.split(WORD_BREAK) ?? [] : [raw];
}

function unquoted(raw: string, variables: Variables): string | null {
  let word: string | null = null;
  for (const [, plain, weak, strong] of raw.matchAll(PIECE)) {
    const piece = weak === undefined ? strong ?? unescaped(plain!) : expanded(weak, variables);
    if (piece !== null) word = (word ?? "") + piece;
  }
  return word;
}

/**
 * `null`, which gives no word, if `weak` is just an unknown variable: HAProxy drops it from 3.0 on, while 2.6
 * has an empty word.
 */
function expanded(weak: string, variables: Variables): string | null {
  if (!/[\\$]/.test(weak)) return weak;
  let isUnknown = false;
  const text = weak.replace(
    ESCAPE_OR_VARIABLE,
    (
      match: string,
      braced?: string,
      several?: string,
      substitute?: string,
      bare?: string,
    ) => {
      if (match.startsWith("\\")) return match === "\\$" ? "$" : unescaped(match);
      const value = variables.get((braced ?? bare)!) ?? substitute;
      isUnknown = value === undefined && match === weak;
      return several === undefined ? value ?? "" : (value ?? "").replace(/\s+/g, WORD_BREAK);
    },
  );
  return isUnknown ? null : text;
}

function changeEnvironment(words: readonly string[], variables: Variables): void {
  const [keyword, name = "", value] = words;
  const names = words.slice(1);
  if (keyword === "unsetenv") names.forEach((name) => variables.delete(name));
  if (keyword === "resetenv") {
    [...variables.keys()].filter((name) => !names.includes(name))
      .forEach((name) => variables.delete(name));
  }
  if (value === undefined) return;
  if (keyword === "setenv" || (keyword === "presetenv" && !variables.has(name))) {
    variables.set(name, value);
  }
}
