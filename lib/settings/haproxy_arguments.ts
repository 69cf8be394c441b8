/** Reads the user's arguments for HAProxy, and refuses those that make supervision impossible. Pure. */

export interface HaproxyArguments {
  /** All words before `--`, as given. */
  readonly options: readonly string[];
  /** The files after `--`; `null` without it. */
  readonly filesAfterDashes: readonly string[] | null;
  /** Every configuration file or directory, in the order in which HAProxy loads them. */
  readonly configurations: readonly string[];
  /** `-C`: HAProxy's working directory, where relative names start. */
  readonly directory: string | null;
}

export interface ReadArguments {
  readonly arguments: HaproxyArguments;
  /** `-v` or `-vv`, with which HAProxy only prints; `null` without. */
  readonly prints: string | null;
  readonly problems: readonly string[];
}

/** Reads HAProxy's `words`; if they name no file, it loads `defaultFile`. */
export function readHaproxyArguments(
  words: readonly string[],
  defaultFile: string,
): ReadArguments {
  const { options, files, filesAfterDashes, directory, prints, problems } = scan(words);
  const configurations = [...files, ...filesAfterDashes ?? []];
  return {
    arguments: configurations.length > 0
      ? { options, filesAfterDashes, configurations, directory }
      : {
        options: [...options, "-f", defaultFile],
        filesAfterDashes: null,
        configurations: [defaultFile],
        directory,
      },
    prints,
    problems,
  };
}

/** All words, in HAProxy's syntax. */
export const wordsOf = ({ options, filesAfterDashes }: HaproxyArguments): readonly string[] =>
  filesAfterDashes === null ? options : [...options, "--", ...filesAfterDashes];

/** How many of the words in `rest` belong to the flag `word` before them. */
export function valuesOf(word: string, rest: readonly string[]): number {
  const { takes, most } = flagOf(word);
  if (takes === "any") return Math.min(rest.length, most);
  const end = rest.findIndex((next) => next.startsWith("-"));
  return Math.min(end < 0 ? rest.length : end, most);
}

interface Flag {
  /** Which of the following words it takes: any, or those up to the next flag. */
  readonly takes: "any" | "no flags";
  readonly most: number;
  /** What becomes of it, or why it is refused. */
  readonly use: "passed on" | "prints" | { readonly refused: string };
}

const flag = (most: number, use: Flag["use"]): Flag => ({ takes: "no flags", most, use });
const refused = (most: number, reason: string) => flag(most, { refused: reason });

const MASTER = "the wrapper takes the place of HAProxy's master process";
const ENDS_OLD = "the wrapper itself ends old processes, and only once the new one serves";

/**
 * HAProxy compares only the first letters of a flag (2.6 to 3.5, `haproxy_init_args`): `-Ds` is `-D`, and
 * `-fx` takes the file that follows. The first match counts. Flags with a value: management guide, section 3.
 */
const FLAGS: readonly (readonly [letters: RegExp, flag: Flag])[] = [
  [/^-v/, flag(0, "prints")],
  [/^-dt$/, flag(1, "passed on")],
  [/^-D/, refused(0, "the wrapper runs HAProxy in the foreground, not as a daemon")],
  [/^-W/, refused(0, MASTER)],
  [/^-S/, refused(1, "there is no master process to have a socket")],
  [/^-s[ft]/, refused(Infinity, ENDS_OLD)],
  [/^-x/, refused(1, "the wrapper itself names the socket to take listeners from; see --socket")],
  [/^-cc/, refused(1, "it checks and exits; use --check")],
  [/^-c/, refused(0, "it checks and exits; use --check")],
  [/^-p/, refused(1, "the file would name a process that the next reload replaces")],
  [/^-q/, refused(0, "it would hide why a start failed")],
  [/^-[fCLmnN]/, { takes: "any", most: 1, use: "passed on" }],
  [/^/, flag(0, "passed on")],
];

const flagOf = (word: string): Flag => FLAGS.find(([letters]) => letters.test(word))![1];

interface Found {
  readonly options: string[];
  readonly files: string[];
  filesAfterDashes: string[] | null;
  directory: string | null;
  prints: string | null;
  readonly problems: string[];
}

function scan(words: readonly string[]): Found {
  const found: Found = {
    options: [],
    files: [],
    filesAfterDashes: null,
    directory: null,
    prints: null,
    problems: [],
  };
  const rest = [...words];
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (word === "--") found.filesAfterDashes = rest.splice(0);
    else if (word.startsWith("-")) take(word, rest.splice(0, valuesOf(word, rest)), found);
    else {
      found.problems.push(
        `unexpected word "${word}": HAProxy wants a flag there; files follow "-f" or "--"`,
      );
    }
  }
  return found;
}

function take(word: string, values: readonly string[], found: Found): void {
  const { takes, use } = flagOf(word);
  if (use === "prints") found.prints ??= word;
  else if (use !== "passed on") found.problems.push(`"${word}" is refused: ${use.refused}`);
  else if (takes === "any") takeValue(word.slice(0, 2), values[0], found);
  else found.options.push(word, ...values);
}

function takeValue(flag: string, value: string | undefined, found: Found): void {
  if (value === undefined || value === "") {
    found.problems.push(`"${flag}" wants a value, found none`);
    return;
  }
  // An existing image's command may repeat the file that the entrypoint names.
  if (flag === "-f" && found.files.includes(value)) return;
  found.options.push(flag, value);
  if (flag === "-f") found.files.push(value);
  if (flag === "-C") found.directory = value;
}
