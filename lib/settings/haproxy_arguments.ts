/** Reads the user's arguments for HAProxy, and refuses those with which it cannot be supervised. Pure. */

export interface HaproxyArguments {
  /** All words in front of `--`, as given. */
  readonly options: readonly string[];
  /** The files behind `--`; `null` without it. */
  readonly filesAfterDashes: readonly string[] | null;
  /** Every configuration file or directory, in the order in which HAProxy loads them. */
  readonly configurations: readonly string[];
  /** `-C`: where HAProxy goes before it loads anything, so that relative names start there. */
  readonly directory: string | null;
}

export interface ReadArguments {
  readonly arguments: HaproxyArguments;
  /** `-v` or `-vv`, with which HAProxy only prints; `null` without. */
  readonly prints: string | null;
  readonly problems: readonly string[];
}

/** Reads HAProxy's `words`; without any file among them it is `defaultFile`. */
export function readHaproxyArguments(
  words: readonly string[],
  defaultFile: string,
): ReadArguments {
  const found = scan(words);
  const named = [...found.files, ...(found.filesAfterDashes ?? [])];
  const withDefault = { options: [...found.options, "-f", defaultFile], filesAfterDashes: null };
  return {
    arguments: {
      ...(named.length > 0 ? found : withDefault),
      configurations: named.length > 0 ? named : [defaultFile],
      directory: found.directory,
    },
    prints: found.prints,
    problems: found.problems,
  };
}

/** All words, as HAProxy takes them. */
export const wordsOf = ({ options, filesAfterDashes }: HaproxyArguments): readonly string[] =>
  filesAfterDashes === null ? options : [...options, "--", ...filesAfterDashes];

/** How many of the words in `rest` belong to the flag `word` in front of them. */
export function valuesOf(word: string, rest: readonly string[]): number {
  const flag = flagOf(word);
  switch (flag.tag) {
    case "value":
      return Math.min(rest.length, 1);
    case "optional_value":
      return leadingValues(rest, 1);
    case "refused":
      return leadingValues(rest, flag.words);
    case "plain":
    case "prints":
      return 0;
    default:
      return flag satisfies never;
  }
}

type Flag =
  /** `-v`, `-vv` and the like: HAProxy prints, and exits. */
  | { readonly tag: "plain" | "prints" }
  /** Takes the next word, whatever it is. */
  | { readonly tag: "value"; readonly name: string }
  /** Takes the next word unless that is a flag. */
  | { readonly tag: "optional_value" }
  /** With how many of the next words. */
  | { readonly tag: "refused"; readonly words: number; readonly reason: string };

const refused = (words: number, reason: string): Flag => ({ tag: "refused", words, reason });

const MASTER = "the wrapper takes the place of HAProxy's master process";
const ENDS_OLD = "the wrapper itself ends old processes, and only when the new one serves";

/**
 * HAProxy looks at the first letters of a flag alone (2.6 to 3.5, `haproxy_init_args`): `-Ds` is `-D`, and
 * `-fx` takes the file that follows. The first that matches counts.
 */
const FLAGS: readonly (readonly [letters: RegExp, flag: Flag])[] = [
  [/^-v/, { tag: "prints" }],
  [/^-dt$/, { tag: "optional_value" }],
  [/^-D/, refused(0, "a daemon leaves the wrapper, which runs HAProxy in the foreground")],
  [/^-W/, refused(0, MASTER)],
  [/^-S/, refused(1, "there is no master process whose socket it could be")],
  [/^-s[ft]/, refused(Infinity, ENDS_OLD)],
  [/^-x/, refused(1, "the wrapper itself says where to take the listeners from; see --socket")],
  [/^-cc/, refused(1, "it checks and exits; use --check")],
  [/^-c/, refused(0, "it checks and exits; use --check")],
  [/^-p/, refused(1, "the file would name a process that the next reload replaces")],
  [/^-q/, refused(0, "it hides why a start failed")],
];

/** Flags that take the next word (management guide, section 3). */
const WITH_VALUE = /^-[fCLmnN]/;

function flagOf(word: string): Flag {
  const known = FLAGS.find(([letters]) => letters.test(word));
  if (known !== undefined) return known[1];
  return WITH_VALUE.test(word) ? { tag: "value", name: word.slice(0, 2) } : { tag: "plain" };
}

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
        `unexpected word "${word}": HAProxy wants a flag there; files stand behind "-f" or "--"`,
      );
    }
  }
  return found;
}

function take(word: string, values: readonly string[], found: Found): void {
  const flag = flagOf(word);
  switch (flag.tag) {
    case "refused":
      return void found.problems.push(`"${word}" is refused: ${flag.reason}`);
    case "prints":
      found.prints ??= word;
      return;
    case "value":
      return takeValue(flag.name, values[0], found);
    case "optional_value":
    case "plain":
      return void found.options.push(word, ...values);
    default:
      return flag satisfies never;
  }
}

function takeValue(flag: string, value: string | undefined, found: Found): void {
  if (value === undefined || value === "") {
    found.problems.push(`"${flag}" wants a value, found none`);
    return;
  }
  // The entrypoint names the file that the command of an existing image names again.
  if (flag === "-f" && found.files.includes(value)) return;
  found.options.push(flag, value);
  if (flag === "-f") found.files.push(value);
  if (flag === "-C") found.directory = value;
}

function leadingValues(words: readonly string[], limit: number): number {
  const end = words.findIndex((word) => word.startsWith("-"));
  return Math.min(end < 0 ? words.length : end, limit);
}
