/** The user's arguments for HAProxy: read, refused where they cannot be supervised, and extended. Pure. */

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

/** The files that a generation gets in front of and behind the user's own. */
export interface InjectedFiles {
  readonly first: string;
  readonly last: string;
}

/** Reads HAProxy's `words`; without any file among them it is `defaultFile`. */
export function readHaproxyArguments(
  words: readonly string[],
  defaultFile: string,
): { readonly arguments: HaproxyArguments; readonly problems: readonly string[] } {
  const found = scan(words);
  const named = [...found.files, ...(found.filesAfterDashes ?? [])];
  const withDefault = { options: [...found.options, "-f", defaultFile], filesAfterDashes: null };
  return {
    arguments: {
      ...(named.length > 0 ? found : withDefault),
      configurations: named.length > 0 ? named : [defaultFile],
      directory: found.directory,
    },
    problems: found.problems,
  };
}

/**
 * The words that start a generation: `-db` keeps it in the foreground, and `-x` makes it take over
 * the listeners behind the stats socket `takeover`. Never `-sf`: with it a refused bind would pause
 * the old process for about 2 s (seen on HAProxy 2.4 to 3.4).
 */
export function startArguments(
  { options, filesAfterDashes }: HaproxyArguments,
  { first, last }: InjectedFiles,
  takeover: string | null,
): string[] {
  return [
    "-db",
    ...(takeover === null ? [] : ["-x", takeover]),
    ...["-f", first],
    ...options,
    ...(filesAfterDashes === null ? ["-f", last] : ["--", ...filesAfterDashes, last]),
  ];
}

/** The words that make HAProxy check the user's configuration and exit. */
export function checkArguments({ options, filesAfterDashes }: HaproxyArguments): string[] {
  return ["-c", ...options, ...(filesAfterDashes === null ? [] : ["--", ...filesAfterDashes])];
}

/** HAProxy's flags that take the next word, whatever it is (management guide, section 3). */
export const VALUE_FLAGS: readonly string[] = ["-f", "-C", "-L", "-m", "-n", "-N"];

/** Why each of these is refused, and how many of the next words go with it. */
const REFUSED: ReadonlyMap<string, { readonly words: number; readonly reason: string }> = new Map(
  Object.entries({
    "-D": { words: 0, reason: "a daemon leaves the wrapper, which runs HAProxy in the foreground" },
    "-W": { words: 0, reason: "the wrapper takes the place of HAProxy's master process" },
    "-Ws": { words: 0, reason: "the wrapper takes the place of HAProxy's master process" },
    "-S": { words: 1, reason: "there is no master process whose socket it could be" },
    "-sf": {
      words: Infinity,
      reason: "the wrapper itself ends old processes, and only when the new one serves",
    },
    "-st": {
      words: Infinity,
      reason: "the wrapper itself ends old processes, and only when the new one serves",
    },
    "-x": {
      words: 1,
      reason: "the wrapper itself says where to take the listeners from; see --socket",
    },
    "-c": { words: 0, reason: "it checks and exits; use --check" },
    "-p": { words: 1, reason: "the file would name a process that the next reload replaces" },
    "-q": { words: 0, reason: "it hides why a start failed" },
  }),
);

interface Found {
  readonly options: string[];
  readonly files: string[];
  filesAfterDashes: string[] | null;
  directory: string | null;
  readonly problems: string[];
}

function scan(words: readonly string[]): Found {
  const found: Found = {
    options: [],
    files: [],
    filesAfterDashes: null,
    directory: null,
    problems: [],
  };
  const rest = [...words];
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    const refused = REFUSED.get(word);
    if (word === "--") found.filesAfterDashes = rest.splice(0);
    else if (refused !== undefined) {
      found.problems.push(`"${word}" is refused: ${refused.reason}`);
      rest.splice(0, leadingValues(rest, refused.words));
    } else if (VALUE_FLAGS.includes(word)) takeValue(word, rest.shift(), found);
    else if (word.startsWith("-")) found.options.push(word);
    else {
      found.problems.push(
        `unexpected word "${word}": HAProxy wants a flag there; files stand behind "-f" or "--"`,
      );
    }
  }
  return found;
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
