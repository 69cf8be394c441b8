/** Makes the frozen settings of the command line and the environment, or names every problem. Pure. */
import { isAbsolute, resolve } from "@std/path";
import { type HaproxyArguments, readHaproxyArguments } from "../haproxy/arguments.ts";
import { LOADER_VARIABLE } from "../haproxy/env_file.ts";
import type { LogFormat, LogLevel } from "../log.ts";
import { type CommandLine, splitCommandLine } from "./command_line.ts";
import { parseDuration } from "../duration.ts";
import { readStatusAddress, type StatusAddress } from "./status_address.ts";
import {
  DEFAULT_CONFIGURATION,
  type Option,
  type OptionName,
  OPTIONS,
  RUNTIME_PARENTS,
  variableOf,
} from "./options.ts";

export interface Settings {
  readonly haproxy: HaproxyArguments;
  /** The user's own stats socket, the second way of taking over. */
  readonly userSocket: string | null;
  readonly watchPaths: readonly string[];
  readonly envFile: string | null;
  readonly watch: boolean;
  /** Whether the files that HAProxy loads besides its configuration are watched. */
  readonly watchLoaded: boolean;
  /** Whether what can be is changed without a reload. */
  readonly hotApply: boolean;
  /** `null`: old processes drain without a limit. */
  readonly shutdownWaitMs: number | null;
  /** How long HAProxy serves on after it has been asked to drain. */
  readonly drainDelayMs: number;
  /** Whether SIGTERM drains, too. */
  readonly gracefulTerm: boolean;
  /** Whether frontends that keep a reload from binding their port may be paused for it. */
  readonly pauseOnBindConflict: boolean;
  readonly maxDraining: number;
  /** How often in a minute another process is started in the place of the serving one that ended by itself. */
  readonly respawn: number;
  readonly readyTimeoutMs: number;
  readonly settleMs: number;
  /** 0: no poll. */
  readonly pollIntervalMs: number;
  readonly minReloadIntervalMs: number;
  /** Where the private folder may be made, in the order in which they are tried. */
  readonly runtimeParents: readonly string[];
  /** Where what has served well is kept; `null`: nowhere. */
  readonly lastGood: string | null;
  /** Where the status is to be had; `null`: nowhere. */
  readonly statusListen: StatusAddress | null;
  /** The names by which it may be asked for, besides addresses. */
  readonly statusHosts: readonly string[];
  /** Whether POST /reload reloads. */
  readonly reloadEndpoint: boolean;
  readonly logFormat: LogFormat;
  readonly logLevel: LogLevel;
}

export type Invocation =
  | { readonly tag: "help" }
  | { readonly tag: "version" }
  /** HAProxy is to print, and nothing else. */
  | { readonly tag: "haproxy_prints"; readonly flag: string }
  /** With any problem the settings are only good to find more problems with. */
  | {
    readonly tag: "run" | "check" | "list_watched";
    readonly settings: Settings;
    readonly problems: readonly string[];
  };

export type Environment = Readonly<Record<string, string | undefined>>;

/** Reads the words behind the program's name and the environment. A flag beats its variable. */
export function readInvocation(words: readonly string[], environment: Environment): Invocation {
  const line = splitCommandLine(words);
  if (line.own.help) return { tag: "help" };
  if (line.own.version) return { tag: "version" };
  const read = new Reader(line, environment);
  const haproxy = readHaproxyArguments(line.haproxyWords, DEFAULT_CONFIGURATION);
  if (haproxy.prints !== null) return { tag: "haproxy_prints", flag: haproxy.prints };
  const settings: Settings = Object.freeze({
    haproxy: haproxy.arguments,
    userSocket: read.text("socket"),
    watchPaths: read.list("watch"),
    envFile: read.text("envFile"),
    watch: !read.switch("noReload"),
    watchLoaded: !read.switch("noWatchLoaded"),
    hotApply: !read.switch("noHotApply"),
    shutdownWaitMs: read.duration("shutdownWait") || null,
    drainDelayMs: read.duration("drainDelay"),
    gracefulTerm: read.switch("gracefulTerm"),
    pauseOnBindConflict: read.switch("pauseOnBindConflict"),
    maxDraining: read.count("maxDraining"),
    respawn: read.count("respawn"),
    readyTimeoutMs: read.duration("readyTimeout", { leastMs: 1 }),
    settleMs: read.duration("settleTime"),
    pollIntervalMs: read.duration("pollInterval"),
    minReloadIntervalMs: read.duration("minReloadInterval"),
    runtimeParents: read.runtimeParents(),
    lastGood: read.lastGood(),
    statusListen: read.statusAddress("statusListen"),
    statusHosts: read.hosts("statusHost"),
    reloadEndpoint: read.switch("reloadEndpoint"),
    logFormat: read.choice<LogFormat>("logFormat", ["text", "json"]),
    logLevel: read.choice<LogLevel>("logLevel", ["debug", "info", "warning", "error"]),
  });
  read.requireTogether(settings);
  read.requireApart(settings);
  const problems = [
    ...line.problems,
    ...read.problems,
    ...haproxy.problems,
    ...loaderProblems(environment),
  ];
  const tag = line.own.listWatched ? "list_watched" : line.own.check ? "check" : "run";
  return { tag, settings, problems };
}

/** What is set so for the wrapper would keep every HAProxy from being started. */
function loaderProblems(environment: Environment): string[] {
  const names = Object.keys(environment)
    .filter((name) => LOADER_VARIABLE.test(name) && environment[name] !== "");
  return names.map((name) =>
    `environment: found "${name}", wanted no variable of the loader, as Deno hands none on to HAProxy; ` +
    `unset it, or set it in a script named "haproxy" that comes first in PATH and ends with an exec of HAProxy`
  );
}

/** The longest delay that a JavaScript timer takes; a longer one would fire at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

const isBelowWritable = (path: string) =>
  RUNTIME_PARENTS.some((parent) => path.startsWith(`${parent}/`));

const HOST_NAME = /^(?=.*[a-z_])[\w-]+(?:\.[\w-]+)*\.?$/i;

/** The directory of which everything is watched, however deep; a glob without `**` has no such. */
const walkedBelow = (path: string) =>
  resolve(path.replace(/[^/]*[*?[{].*\*\*.*|[^/]*\*\*.*/s, "")).replace(/\/$/, "");

/** Takes one setting after the other and gathers what is wrong with them. */
class Reader {
  readonly problems: string[] = [];

  constructor(readonly line: CommandLine, readonly environment: Environment) {}

  text(name: OptionName): string | null {
    return this.#given(name)?.value ?? null;
  }

  list(name: OptionName): readonly string[] {
    const flag = this.line.own[name];
    if (Array.isArray(flag)) return flag;
    return this.text(name)?.split(":").filter((part) => part !== "") ?? [];
  }

  /** A switch in the environment takes the words of Go's `strconv.ParseBool`. */
  switch(name: OptionName): boolean {
    if (this.line.own[name] === true) return true;
    const value = this.text(name) ?? "false";
    if (/^(?:1|t|T|TRUE|true|True)$/.test(value)) return true;
    if (!/^(?:0|f|F|FALSE|false|False)$/.test(value)) this.#refuse(name, '"true" or "false"');
    return false;
  }

  duration(name: OptionName, { leastMs = 0 }: { leastMs?: number } = {}): number {
    const ms = parseDuration(this.text(name) ?? "0s");
    if (ms !== null && ms >= leastMs && ms <= LONGEST_TIMER_MS) return ms;
    const least = leastMs > 0 ? `, at least ${leastMs}ms` : "";
    this.#refuse(name, `a duration like "500ms" or "1m30s"${least}, at most 596h`);
    return 0;
  }

  /** systemd may name several directories, with a colon between. */
  runtimeParents(): readonly string[] {
    const path = this.#writable("runtimeDir", this.list("runtimeDir")[0] ?? null);
    return path === null ? RUNTIME_PARENTS : [path];
  }

  /** Copies are named in certificate lists, where nothing can be quoted. */
  lastGood(): string | null {
    const path = this.#writable("lastGood", this.text("lastGood"));
    if (path !== null && /[^\w./@%+:=,~-]/.test(path)) {
      this.#refuse("lastGood", "a path without blanks, quotes and brackets");
    }
    return path;
  }

  #writable(name: OptionName, given: string | null): string | null {
    const path = given !== null && isAbsolute(given) ? resolve(given) : given;
    if (path !== null && !isBelowWritable(`${path}/`)) {
      this.#refuse(name, `a directory in or below ${RUNTIME_PARENTS.join(", ")}`);
    }
    return path;
  }

  statusAddress(name: OptionName): StatusAddress | null {
    const value = this.text(name);
    const address = value === null ? null : readStatusAddress(value);
    const isRefused = value !== null && address === null;
    if (isRefused || (address?.tag === "unix" && !isBelowWritable(address.path))) {
      this.#refuse(
        name,
        `an address like "127.0.0.1:9101", or "unix:" and a path below ${
          RUNTIME_PARENTS.join(", ")
        }`,
      );
    }
    return address;
  }

  /** What is kept would be a change, which is kept. */
  requireApart({ lastGood, watchPaths }: Settings): void {
    const covering = watchPaths.find((path) =>
      isAbsolute(path) && `${lastGood}/`.startsWith(`${walkedBelow(path)}/`)
    );
    if (lastGood === null || covering === undefined) return;
    const { lastGood: { flag }, watch } = OPTIONS;
    this.problems.push(
      `"--${flag}" wants a directory outside "--${watch.flag}", found "${covering}"`,
    );
  }

  /** Numbers alone would be a port, or an address, which need not be listed. */
  hosts(name: OptionName): readonly string[] {
    const names = this.list(name);
    const from = this.line.own[name] === undefined
      ? variableOf(OPTIONS[name])
      : `--${OPTIONS[name].flag}`;
    for (const value of names.filter((value) => !HOST_NAME.test(value))) {
      this.problems.push(`${from}: found "${value}", wanted a host's name without a port`);
    }
    return names;
  }

  /** What concerns the status address, and there is none. */
  requireTogether({ reloadEndpoint, statusHosts }: Settings): void {
    if (this.text("statusListen") !== null) return;
    const given: readonly OptionName[] = [
      ...statusHosts.length > 0 ? ["statusHost"] as const : [],
      ...reloadEndpoint ? ["reloadEndpoint"] as const : [],
    ];
    for (const name of given) {
      this.problems.push(
        `"--${OPTIONS[name].flag}" wants "--${OPTIONS.statusListen.flag}" besides, found none`,
      );
    }
  }

  count(name: OptionName): number {
    const value = this.text(name) ?? "0";
    if (!/^\d{1,9}$/.test(value)) this.#refuse(name, "a whole number");
    return Number(value);
  }

  choice<Choice extends string>(name: OptionName, choices: readonly Choice[]): Choice {
    const value = this.text(name);
    const found = choices.find((choice) => choice === value);
    if (found === undefined) this.#refuse(name, choices.map((one) => `"${one}"`).join(" or "));
    return found ?? choices[0]!;
  }

  #given(name: OptionName): { readonly value: string; readonly from: string } | null {
    const option: Option = OPTIONS[name];
    const { flag, default: preset } = option;
    const variable = variableOf(option);
    const own = this.line.own[name];
    if (typeof own === "string") return { value: own, from: `--${flag}` };
    const fromEnvironment = variable === null ? undefined : this.environment[variable];
    if (fromEnvironment) return { value: fromEnvironment, from: variable! };
    return preset === null ? null : { value: preset, from: "default" };
  }

  #refuse(name: OptionName, wanted: string): void {
    const { value, from } = this.#given(name)!;
    this.problems.push(`${from}: found "${value}", wanted ${wanted}`);
  }
}
