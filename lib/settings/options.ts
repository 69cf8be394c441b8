/**
 * The one table of the wrapper's settings. Command line, environment, `--help`, `Settings`, `/status` and the status
 * page derive from it: to add a setting, add an entry here, its consumer, a test, and a row in the README. Pure.
 */
import * as types from "./option_types.ts";

export interface Option<Value> {
  readonly flag: string;
  /** Its variable, if that isn't `HRW_…`: a name known from other images, or systemd's. */
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
      "your own stats socket with expose-fd listeners, a fallback for takeovers if the wrapper's private socket is lost; not needed otherwise",
  },
  watchPaths: {
    flag: "watch",
    variable: "WATCH_PATH",
    type: types.texts("PATH"),
    help: "an additional file, directory (recursive) or glob to watch; repeatable",
  },
  envFile: {
    flag: "env-file",
    variable: "ENV_FILE",
    type: types.text("FILE"),
    help:
      "KEY=value lines for HAProxy's environment, read at each start and watched. Nothing is expanded; PATH and variables that load code (LD_*, OPENSSL_CONF, LUA_PATH …) are refused",
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
    help: "reload for every change, even if the running process could take it",
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
      "how long an old process may drain before SIGTERM, and 5 s later SIGKILL; also limits the final drain after SIGUSR1. 0 means no limit",
  },
  drainDelayMs: {
    flag: "drain-delay",
    type: types.duration("0s"),
    help: "how long HAProxy keeps serving after SIGUSR1, with /readyz not ready, before it drains",
  },
  gracefulTerm: {
    flag: "graceful-term",
    type: types.switchTo(true),
    help:
      "SIGTERM drains like SIGUSR1, for platforms that can send nothing else; a second SIGTERM stops at once",
  },
  pauseOnBindConflict: {
    flag: "pause-on-bind-conflict",
    type: types.switchTo(true),
    help:
      "if the serving process holds a port that a reload needs and does not share it (noreuseport, -dR), pause its frontends there and try once more; meanwhile nobody listens",
  },
  maxDraining: {
    flag: "max-draining",
    type: types.count("50"),
    help: "how many old processes may drain; beyond that, the oldest is ended",
  },
  respawn: {
    flag: "respawn",
    type: types.count("0", (perMinute) => perMinute === 0 ? "off" : `${perMinute} in a minute`),
    help:
      "restart a serving process that exits unexpectedly, at most N times a minute; after that, or with 0, the wrapper exits with its status",
  },
  readyTimeoutMs: {
    flag: "ready-timeout",
    type: types.duration("60s", { leastMs: 1 }),
    help: "a new process that does not serve within this time is ended, and the old one stays",
  },
  settleMs: {
    flag: "settle-time",
    type: types.duration("10ms"),
    help: "how long the files must be quiet before a change counts",
  },
  pollIntervalMs: {
    flag: "poll-interval",
    type: types.duration("5s", { zero: "off" }),
    help: "how often files are checked without an event; 0 is off",
  },
  minReloadIntervalMs: {
    flag: "min-reload-interval",
    type: types.duration("0s"),
    help:
      "minimum time between the starts of two reloads; changes in between are applied together. Signals do not wait",
  },
  runtimeParents: {
    flag: "runtime-dir",
    variable: "RUNTIME_DIRECTORY",
    type: types.runtimeParents(),
    help:
      "where to make the private folder (mode 0700): in or below /run, /var/lib/haproxy or /tmp",
  },
  lastGood: {
    flag: "last-good",
    type: types.plainDirectory(),
    help:
      "record what has served for 10 s in DIR, in or below the same three, and serve from it if the first start or a respawn fails",
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
      "a host name, besides addresses and localhost, by which clients may ask for the page, /status and reloads; repeatable",
  },
  reloadEndpoint: {
    flag: "enable-reload-endpoint",
    type: types.switchTo(true),
    help: "let POST /reload reload and answer with the outcome",
  },
  logFormat: {
    flag: "log-format",
    type: types.choice("text", ["text", "json"]),
    help: "the format of the wrapper's own log lines",
  },
  logLevel: {
    flag: "log-level",
    type: types.choice("info", ["debug", "info", "warning", "error"]),
    help: "the least important level to log",
  },
});

/** Flags without a variable: instead of running HAProxy, the program does this and exits. */
export const ACTIONS = {
  "list-watched":
    "print every watched file, how it was found, and the watched directories, then exit",
  check: "check the settings and the configuration (haproxy -c), then exit with its status",
  health:
    "ask the wrapper at --status-listen whether HAProxy serves, print why not, and exit with 0 or 1",
  help: "print these settings",
  version: "print the versions of the wrapper, Deno and HAProxy",
} as const;

export type OptionValues = typeof OPTIONS extends Table<infer Found> ? Found : never;

export type OptionName = keyof OptionValues;

export const DEFAULT_CONFIGURATION = "/usr/local/etc/haproxy/haproxy.cfg";

export const OPTION_NAMES = Object.keys(OPTIONS) as OptionName[];

/**
 * `HRW_SOME_FLAG` for `--some-flag`. Bare names, such as LOG_LEVEL, belong to the user, whose configuration may
 * contain `"${LOG_LEVEL}"`.
 */
export const variableOf = ({ flag, variable }: Pick<Option<never>, "flag" | "variable">): string =>
  variable ?? `HRW_${flag.toUpperCase().replaceAll("-", "_")}`;

export const VARIABLES = OPTION_NAMES.map((name) => variableOf(OPTIONS[name]));

/** Every setting in force, in the order of the table, for people and for machines. */
export const settingsInForce = (values: OptionValues) =>
  OPTION_NAMES.map((name) => inForce(name, values));

function inForce<Name extends OptionName>(name: Name, values: OptionValues) {
  const { flag, type }: Option<OptionValues[Name]> = OPTIONS[name];
  const value = values[name];
  return { flag, text: type.format(value), json: type.json ? type.json(value) : value };
}
