/** Reads the settings from the command line and the environment, and names every problem. Pure. */
import { isAbsolute, resolve } from "@std/path";
import { type CommandLine, splitCommandLine } from "./command_line.ts";
import { type HaproxyArguments, readHaproxyArguments } from "./haproxy_arguments.ts";
import type { StatusAddress } from "./status_address.ts";
import {
  type ACTIONS,
  DEFAULT_CONFIGURATION,
  type Option,
  OPTION_NAMES,
  type OptionName,
  OPTIONS,
  type OptionValues,
  variableOf,
} from "./options.ts";

export type Settings = Readonly<OptionValues> & { readonly haproxy: HaproxyArguments };

export type Invocation =
  | { readonly tag: "help" }
  | { readonly tag: "version" }
  /** `address`: whom to ask; `null` if there are problems. */
  | {
    readonly tag: "health";
    readonly address: StatusAddress | null;
    readonly problems: readonly string[];
  }
  /** HAProxy only prints, such as its version. */
  | {
    readonly tag: "haproxy_prints";
    readonly flag: string;
    readonly problems: readonly string[];
  }
  /** If there are problems, the settings are good only for finding more. */
  | {
    readonly tag: "run" | "check" | "list_watched";
    readonly settings: Settings;
    readonly problems: readonly string[];
  };

export type Environment = Readonly<Record<string, string | undefined>>;

/** Reads the words after the program's name and the environment. A flag beats its variable. */
export function readInvocation(words: readonly string[], environment: Environment): Invocation {
  const line = splitCommandLine(words);
  const asksFor = (action: keyof typeof ACTIONS) => line.own.has(action);
  if (asksFor("help")) return { tag: "help" };
  if (asksFor("version")) return { tag: "version" };
  if (asksFor("health")) return readHealth(line, environment);
  const haproxy = readHaproxyArguments(line.haproxyWords, DEFAULT_CONFIGURATION);
  if (haproxy.prints !== null) {
    const problems = loaderProblems(environment);
    return { tag: "haproxy_prints", flag: haproxy.prints, problems };
  }
  const given = (name: OptionName) => findGiven(OPTIONS[name], line, environment);
  const settings: Settings = Object.freeze({ haproxy: haproxy.arguments, ...readValues(given) });
  const problems = [
    ...line.problems,
    ...OPTION_NAMES.flatMap((name) => refusals(OPTIONS[name], given(name))),
    ...given("statusListen").texts.length > 0 ? [] : missingAddress(settings),
    ...watchedCopies(settings),
    ...haproxy.problems,
    ...loaderProblems(environment),
  ];
  const tag = asksFor("list-watched") ? "list_watched" : asksFor("check") ? "check" : "run";
  return { tag, settings, problems };
}

/** A health check has the environment of the running wrapper, but not its command line. */
function readHealth(line: CommandLine, environment: Environment): Invocation {
  const { statusListen: option } = OPTIONS;
  const given = findGiven(option, line, environment);
  const address = option.type.parse(given.texts) ?? null;
  const hasNone = given.texts.length === 0;
  const missing = `"--health" needs "--${option.flag}" or ${variableOf(option)}, found neither`;
  const problems = [...line.problems, ...refusals(option, given), ...hasNone ? [missing] : []];
  return { tag: "health", address, problems };
}

interface Given {
  /** Empty if neither flag nor variable is given. */
  readonly texts: readonly string[];
  readonly from: string;
}

function findGiven(
  option: (typeof OPTIONS)[OptionName],
  { own }: CommandLine,
  environment: Environment,
): Given {
  const { flag, type } = option;
  const texts = own.get(flag);
  if (texts !== undefined) {
    return { texts: type.isRepeatable ? texts : texts.slice(-1), from: `--${flag}` };
  }
  const from = variableOf(option);
  const text = environment[from] ?? "";
  const parts = type.isRepeatable ? text.split(":") : [text];
  return { texts: parts.filter((part) => part !== ""), from };
}

/** A refused setting keeps its default. */
function readValues(given: (name: OptionName) => Given): OptionValues {
  function read<Name extends OptionName>(name: Name): OptionValues[Name] {
    const { type }: Option<OptionValues[Name]> = OPTIONS[name];
    return (type.parse(given(name).texts) ?? type.parse([]))!;
  }
  return Object.fromEntries(OPTION_NAMES.map((name) => [name, read(name)])) as OptionValues;
}

const refusals = ({ type }: (typeof OPTIONS)[OptionName], { texts, from }: Given): string[] =>
  texts.filter((text) => type.parse([text]) === undefined)
    .map((text) => `${from}: found "${text}", wanted ${type.wanted}`);

function missingAddress({ reloadEndpoint, statusHosts }: Settings): string[] {
  const { statusHosts: host, reloadEndpoint: reload, statusListen } = OPTIONS;
  const given = [
    ...statusHosts.length > 0 ? [host.flag] : [],
    ...reloadEndpoint ? [reload.flag] : [],
  ];
  return given.map((flag) => `"--${flag}" needs "--${statusListen.flag}", found none`);
}

/** Recording a set would count as a change, which would be recorded in turn, without end. */
function watchedCopies({ lastGood, watchPaths }: Settings): string[] {
  if (lastGood === null) return [];
  const covering = watchPaths.find((path) =>
    isAbsolute(path) && `${lastGood}/`.startsWith(`${walkedBelow(path)}/`)
  );
  if (covering === undefined) return [];
  const { lastGood: { flag }, watchPaths: watch } = OPTIONS;
  return [`"--${flag}" wants a directory outside "--${watch.flag}", found "${covering}"`];
}

/** The directory that is watched at any depth; the glob itself if it has no `**`. */
const walkedBelow = (path: string) =>
  resolve(path.replace(/[^/]*[*?[{].*\*\*.*|[^/]*\*\*.*/s, "")).replace(/\/$/, "");

/** Variables of ld.so(8) and the like, in any case: Deno passes on only empty ones. */
export const LOADER_VARIABLE = /^(?:DY)?LD_/i;

/** With one of them set, Deno starts no program at all. */
const loaderProblems = (environment: Environment): string[] =>
  Object.keys(environment)
    .filter((name) => LOADER_VARIABLE.test(name) && environment[name] !== "")
    .map((name) =>
      `environment: found "${name}", wanted no loader variable, because Deno passes none on to HAProxy; ` +
      `unset it, or set it in a script named "haproxy" that comes first in PATH and execs HAProxy`
    );
