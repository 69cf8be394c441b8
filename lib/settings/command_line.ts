/** Splits the command line into the wrapper's own `--flags` and HAProxy's words. Pure. */
import { parseArgs } from "@std/cli/parse-args";
import { basename } from "@std/path";
import { valuesOf } from "./haproxy_arguments.ts";
import { ACTIONS, OPTION_NAMES, OPTIONS } from "./options.ts";

export interface CommandLine {
  /** The values of each of the wrapper's flags that was given, in order; `true` for a switch. */
  readonly own: ReadonlyMap<string, readonly string[]>;
  readonly haproxyWords: readonly string[];
  readonly problems: readonly string[];
}

/**
 * The wrapper's flags may stand anywhere before `--`, which HAProxy's files follow. The word `haproxy`, with or
 * without a directory, is dropped: an existing image's command starts with it, and follows the entrypoint's words.
 */
export function splitCommandLine(words: readonly string[]): CommandLine {
  const own: string[] = [];
  const haproxyWords: string[] = [];
  const problems: string[] = [];
  const rest = [...words];
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (word === "--") haproxyWords.push(word, ...rest.splice(0));
    else if (word.startsWith("--")) takeOwnFlag(word, rest, { own, problems });
    else if (word.startsWith("-")) haproxyWords.push(word, ...rest.splice(0, valuesOf(word, rest)));
    else if (basename(word) !== "haproxy") haproxyWords.push(word);
  }
  return { own: readOwnFlags(own), haproxyWords, problems };
}

const OWN = OPTION_NAMES.map((name) => OPTIONS[name]);
const VALUED = OWN.filter(({ type }) => type.placeholder !== null).map(({ flag }) => flag);
const FLAGS = [...OWN.map(({ flag }) => flag), ...Object.keys(ACTIONS)];
const SWITCHES = FLAGS.filter((flag) => !VALUED.includes(flag));

function takeOwnFlag(
  word: string,
  rest: string[],
  { own, problems }: { own: string[]; problems: string[] },
): void {
  const [, flag = "", given] = /^--([^=]*)(?:=(.*))?$/s.exec(word) ?? [];
  if (!FLAGS.includes(flag)) return void problems.push(`unknown flag "--${flag}"${hint(flag)}`);
  if (SWITCHES.includes(flag)) {
    if (given === undefined) own.push(word);
    else problems.push(`"${word}": "--${flag}" takes no value`);
    return;
  }
  const value = given ?? rest.shift();
  if (value) own.push(`--${flag}=${value}`);
  else problems.push(`"--${flag}" wants a value, found none`);
}

/** The package sees only well-formed flags: all others have been reported with better messages. */
function readOwnFlags(own: string[]): CommandLine["own"] {
  const parsed: Readonly<Record<string, unknown>> = parseArgs(own, {
    boolean: SWITCHES,
    string: VALUED,
    collect: VALUED,
  });
  const given = FLAGS.map((flag) => [flag, valuesOfFlag(parsed[flag])] as const);
  return new Map(given.filter(([, values]) => values.length > 0));
}

function valuesOfFlag(found: unknown): readonly string[] {
  if (Array.isArray(found)) return found.map(String);
  return found === true ? ["true"] : [];
}

function hint(flag: string): string {
  const nearest = FLAGS.map((name) => ({ name, edits: editDistance(flag, name) }))
    .sort((a, b) => a.edits - b.edits)[0]!;
  return nearest.edits <= Math.max(2, flag.length / 3) ? `; did you mean "--${nearest.name}"?` : "";
}

/** How many letters must be inserted, removed or replaced to turn `a` into `b` (Levenshtein). */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, row[j]! + 1, next[j - 1]! + 1));
    }
    row = next;
  }
  return row[b.length]!;
}
