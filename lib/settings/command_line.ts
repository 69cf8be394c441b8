/** Splits the command line: the wrapper's own `--flags` here, all other words for HAProxy. Pure. */
import { parseArgs } from "@std/cli/parse-args";
import { basename } from "@std/path";
import { valuesOf } from "./haproxy_arguments.ts";
import { type Option, type OptionName, OPTIONS } from "./options.ts";

export interface CommandLine {
  /** The wrapper's own flags as given: texts, `true` for a switch, every value of one that is repeatable. */
  readonly own: Readonly<Partial<Record<OptionName, string | true | readonly string[]>>>;
  readonly haproxyWords: readonly string[];
  readonly problems: readonly string[];
}

/**
 * Splits `words`. The word `haproxy`, also with a directory, is dropped: the command of an existing image
 * starts with it, and stands behind the entrypoint's own words. Flags of the wrapper may stand anywhere before `--`, behind which HAProxy has files.
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

const FLAGS = Object.values<Option>(OPTIONS);
const SWITCHES = FLAGS.filter(({ value }) => value === null).map(({ flag }) => flag);
const REPEATABLE: string[] = [OPTIONS.watch.flag, OPTIONS.statusHost.flag];
const VALUED = FLAGS.filter(({ value }) => value !== null).map(({ flag }) => flag)
  .filter((flag) => !REPEATABLE.includes(flag));

function takeOwnFlag(
  word: string,
  rest: string[],
  { own, problems }: { own: string[]; problems: string[] },
): void {
  const [, flag = "", given] = /^--([^=]*)(?:=(.*))?$/s.exec(word) ?? [];
  if (SWITCHES.includes(flag)) {
    if (given === undefined) own.push(word);
    else problems.push(`"${word}": "--${flag}" takes no value`);
    return;
  }
  if (![...VALUED, ...REPEATABLE].includes(flag)) {
    problems.push(`unknown flag "--${flag}"${hint(flag)}`);
    return;
  }
  const value = given ?? rest.shift();
  if (value === undefined || value === "") problems.push(`"--${flag}" wants a value, found none`);
  else own.push(`--${flag}=${value}`);
}

/** The package reads what is certain to be well formed; what is wrong has a better message already. */
function readOwnFlags(own: string[]): CommandLine["own"] {
  const parsed: Readonly<Record<string, unknown>> = parseArgs(own, {
    boolean: SWITCHES,
    string: [...VALUED, ...REPEATABLE],
    collect: REPEATABLE,
  });
  const given = Object.entries<Option>(OPTIONS)
    .map(([name, { flag }]) => [name, parsed[flag]] as const)
    .filter(([, value]) => value !== undefined && value !== false)
    .filter(([, value]) => !Array.isArray(value) || value.length > 0);
  return Object.fromEntries(given);
}

function hint(flag: string): string {
  const nearest = FLAGS.map((option) => ({
    name: option.flag,
    edits: editDistance(flag, option.flag),
  }))
    .sort((a, b) => a.edits - b.edits)[0]!;
  return nearest.edits <= Math.max(2, flag.length / 3) ? `; did you mean "--${nearest.name}"?` : "";
}

/** How many letters must be inserted, removed or replaced to make `b` of `a` (Levenshtein). */
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
