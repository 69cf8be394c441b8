/**
 * The one table of the wrapper's settings. Command line, environment, `--help`, `Settings`, `/status` and its page
 * derive from it: a new setting is an entry here, what uses it, a test, and its row in the README. Pure.
 */
import * as types from "./option_types.ts";

export interface Option<Value> {
  readonly flag: string;
  /** The variable that means the same, where it isn't `HRW_…`: a name known from other images, or systemd's. */
  readonly variable?: string;
  readonly type: types.Type<Value>;
  readonly help: string;
}

type Table<Values> = { readonly [Name in keyof Values]: Option<Values[Name]> };

const table = <Values>(options: Table<Values>) => options;

export const OPTIONS = table({
  userSocket: {
    flag: "socket",
    variable: "HAPROXY_SOCKET",
    type: types.text("PATH"),
    help:
      "your own stats socket with expose-fd listeners, as a second way to take over if the wrapper's private socket is lost; not needed otherwise",
  },
  watchPaths: {
    flag: "watch",
    variable: "WATCH_PATH",
    type: types.texts("PATH"),
    help: "one more file, directory (recursively) or glob to watch; repeatable",
  },
  envFile: {
    flag: "env-file",
    variable: "ENV_FILE",
    type: types.text("FILE"),
    help:
      "KEY=value lines for HAProxy's environment, read at each start and watched. Not expanded; PATH and what loads other code (LD_*, OPENSSL_CONF, LUA_PATH …) are refused",
  },
  watchLoaded: {
    flag: "no-watch-loaded",
    type: types.switchTo(false),
    help:
      "watch only the configuration, not the certificates, maps and other files that HAProxy loads",
  },
  hotApply: {
    flag: "no-hot-apply",
    type: types.switchTo(false),
    help: "reload for every change, even where the running process could take it",
  },
  watch: {
    flag: "no-reload",
    variable: "DISABLE_RELOAD",
    type: types.switchTo(false),
    help: "do not watch; SIGHUP and SIGUSR2 still reload",
  },
  shutdownWaitMs: {
    flag: "shutdown-wait",
    variable: "SHUTDOWN_WAIT",
    type: types.timeLimit(),
    help:
      "how long an old process may drain before SIGTERM, and 5 s later SIGKILL; bounds the last drain after SIGUSR1 too. 0 is none",
  },
  drainDelayMs: {
    flag: "drain-delay",
    type: types.duration("0s"),
    help: "how long HAProxy keeps serving after SIGUSR1, not ready on /readyz, before it drains",
  },
  gracefulTerm: {
    flag: "graceful-term",
    type: types.switchTo(true),
    help:
      "SIGTERM drains as SIGUSR1 does, for platforms that can send nothing else; a second SIGTERM stops now",
  },
  maxDraining: {
    flag: "max-draining",
    type: types.count("50"),
    help: "how many old processes may drain; with more, the oldest is ended",
  },
  respawn: {
    flag: "respawn",
    type: types.count("0", (perMinute) => perMinute === 0 ? "off" : `${perMinute} in a minute`),
    help:
      "restart a serving process that exits by itself, at most N times a minute; then, or with 0, the wrapper exits with its status",
  },
  readyTimeoutMs: {
    flag: "ready-timeout",
    type: types.duration("60s", { leastMs: 1 }),
    help: "a new process that does not serve by then is ended, and the old one stays",
  },
  settleMs: {
    flag: "settle-time",
    type: types.duration("10ms"),
    help: "quiet time after the last change before it counts",
  },
  pollIntervalMs: {
    flag: "poll-interval",
    type: types.duration("5s", { zero: "off" }),
    help: "how often files are compared without any event; 0 is off",
  },
  minReloadIntervalMs: {
    flag: "min-reload-interval",
    type: types.duration("0s"),
    help:
      "least time between the starts of two reloads; changes in between are applied together. Signals do not wait",
  },
  runtimeParents: {
    flag: "runtime-dir",
    variable: "RUNTIME_DIRECTORY",
    type: types.runtimeParents(),
    help: "where the private folder (mode 0700) is made; in or below one of these",
  },
  lastGood: {
    flag: "last-good",
    type: types.plainDirectory(),
    help:
      "keep what has served for 10 s in DIR, in or below the same three, and serve from it if the first start or a respawn fails",
  },
  statusListen: {
    flag: "status-listen",
    type: types.statusAddress(),
    help:
      "serve status, health and metrics over HTTP: 127.0.0.1:9101, [::1]:9101, :9101 (every address) or unix:/run/status.sock",
  },
  statusHosts: {
    flag: "status-host",
    type: types.hosts(),
    help:
      "a name, besides addresses and localhost, under which clients may ask for the page, /status and reloads; repeatable",
  },
  reloadEndpoint: {
    flag: "enable-reload-endpoint",
    type: types.switchTo(true),
    help: "POST /reload reloads and answers with the outcome",
  },
  logFormat: {
    flag: "log-format",
    type: types.choice("text", ["text", "json"]),
    help: "the form of the wrapper's own lines",
  },
  logLevel: {
    flag: "log-level",
    type: types.choice("info", ["debug", "info", "warning", "error"]),
    help: "the least important line that is written",
  },
});

/** Flags without a variable, by their names: instead of running anything, the program does this and exits. */
export const ACTIONS = {
  "list-watched": "print every watched file, how it was found, and the directories, then exit",
  check: "check the settings and the configuration (haproxy -c), then exit with its status",
  help: "print these settings",
  version: "print the versions of the wrapper, Deno and HAProxy",
} as const;

export type OptionValues = typeof OPTIONS extends Table<infer Found> ? Found : never;

export type OptionName = keyof OptionValues;

export const DEFAULT_CONFIGURATION = "/usr/local/etc/haproxy/haproxy.cfg";

export const OPTION_NAMES = Object.keys(OPTIONS) as OptionName[];

/**
 * By one rule `HRW_SOME_FLAG` for `--some-flag`. Bare names, such as LOG_LEVEL, belong to the user, whose
 * configuration may say `"${LOG_LEVEL}"`.
 */
export const variableOf = ({ flag, variable }: Pick<Option<never>, "flag" | "variable">): string =>
  variable ?? `HRW_${flag.toUpperCase().replaceAll("-", "_")}`;

export const VARIABLES = OPTION_NAMES.map((name) => variableOf(OPTIONS[name]));

/** Every setting as it was given or by default, in the order of the table, for people and for machines. */
export const settingsInForce = (values: OptionValues) =>
  OPTION_NAMES.map((name) => inForce(name, values));

function inForce<Name extends OptionName>(name: Name, values: OptionValues) {
  const { flag, type }: Option<OptionValues[Name]> = OPTIONS[name];
  const value = values[name];
  return { flag, text: type.format(value), json: type.json ? type.json(value) : value };
}
