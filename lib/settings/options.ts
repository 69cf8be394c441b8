/** The one table of the wrapper's own settings: flag, environment variable, default and meaning. Pure. */

export interface Option {
  readonly flag: string;
  /**
   * The environment variable that means the same, where `HRW_…` is not it: a name that users of other images
   * know, or one that systemd sets. `null` where there is none.
   */
  readonly variable?: string | null;
  /** What the value is called in the help; `null` for a switch. */
  readonly value: string | null;
  readonly default: string | null;
  readonly meaning: string;
}

export const OPTIONS = {
  socket: {
    flag: "socket",
    variable: "HAPROXY_SOCKET",
    value: "PATH",
    default: null,
    meaning:
      'a stats socket of your own with "expose-fd listeners": the second way of taking over, ' +
      "tried when the wrapper's private socket cannot be used; not needed otherwise",
  },
  watch: {
    flag: "watch",
    variable: "WATCH_PATH",
    value: "PATH",
    default: null,
    meaning: "a further file, directory (with what is below it) or glob to watch; repeatable, " +
      '":" between in the variable',
  },
  envFile: {
    flag: "env-file",
    variable: "ENV_FILE",
    value: "FILE",
    default: null,
    meaning:
      "KEY=value lines for HAProxy's environment, read at each start and watched; nothing is expanded; PATH and what loads other code (LD_*, OPENSSL_CONF, LUA_PATH …) are refused",
  },
  noWatchLoaded: {
    flag: "no-watch-loaded",
    value: null,
    default: "false",
    meaning:
      "watch only the configuration, not the certificates, maps and other files that HAProxy loads",
  },
  noHotApply: {
    flag: "no-hot-apply",
    value: null,
    default: "false",
    meaning: "reload for every change, even of what HAProxy can change in place: " +
      "certificates, CA files, CRLs, maps, ACLs",
  },
  noReload: {
    flag: "no-reload",
    variable: "DISABLE_RELOAD",
    value: null,
    default: "false",
    meaning: "do not watch; SIGHUP and SIGUSR2 still reload",
  },
  shutdownWait: {
    flag: "shutdown-wait",
    variable: "SHUTDOWN_WAIT",
    value: "DURATION",
    default: null,
    meaning:
      "how long an old process may drain before SIGTERM, and 5 s later SIGKILL; also bounds " +
      "the last drain after SIGUSR1; without it, or with 0, there is no limit",
  },
  drainDelay: {
    flag: "drain-delay",
    value: "DURATION",
    default: "0s",
    meaning: "how long HAProxy serves on after SIGUSR1, not ready any more on /readyz, before it " +
      "gets the signal",
  },
  gracefulTerm: {
    flag: "graceful-term",
    value: null,
    default: "false",
    meaning: "SIGTERM drains as SIGUSR1 does, for platforms that can send nothing else; " +
      "a second SIGTERM ends at once",
  },
  pauseOnBindConflict: {
    flag: "pause-on-bind-conflict",
    value: null,
    default: "false",
    meaning:
      "when a reload fails since the serving process itself holds a port that it does not share " +
      '("noreuseport", "-dR"), try once more with the frontends paused that hold it; nobody listens there meanwhile',
  },
  maxDraining: {
    flag: "max-draining",
    value: "N",
    default: "50",
    meaning: "when more old processes than that drain, the oldest is ended",
  },
  respawn: {
    flag: "respawn",
    value: "N",
    default: "0",
    meaning:
      "when the serving process ends by itself another is started at once, at most N times " +
      "in a minute; then, or with 0, the wrapper ends with its status",
  },
  readyTimeout: {
    flag: "ready-timeout",
    value: "DURATION",
    default: "60s",
    meaning: "a new process that does not serve by then is ended, and the old one stays",
  },
  settleTime: {
    flag: "settle-time",
    value: "DURATION",
    default: "10ms",
    meaning: "quiet time after the last change before it counts",
  },
  pollInterval: {
    flag: "poll-interval",
    value: "DURATION",
    default: "5s",
    meaning: "how often the sources are looked at without any event; 0 is off",
  },
  minReloadInterval: {
    flag: "min-reload-interval",
    value: "DURATION",
    default: "0s",
    meaning:
      "least time between the starts of two reloads; changes in between are applied together, " +
      "a signal reloads at once",
  },
  runtimeDir: {
    flag: "runtime-dir",
    variable: "RUNTIME_DIRECTORY",
    value: "DIR",
    default: null,
    meaning: "where the private folder is made, in or below /run, /var/lib/haproxy or /tmp; " +
      "without it the first of these that can be written",
  },
  lastGood: {
    flag: "last-good",
    value: "DIR",
    default: null,
    meaning:
      "keep the files of what has served for 10 s there, in or below /run, /var/lib/haproxy " +
      "or /tmp, and serve from them if the first start, or a respawn, fails",
  },
  statusListen: {
    flag: "status-listen",
    value: "ADDRESS",
    default: null,
    meaning:
      "where status, health and metrics are to be had by HTTP: 127.0.0.1:9101, [::1]:9101, " +
      ":9101 for every address, or unix:/run/status.sock",
  },
  statusHost: {
    flag: "status-host",
    value: "NAME",
    default: null,
    meaning:
      "a name by which browsers and other clients may ask there for the page, /status and reloads, " +
      'besides addresses and localhost; repeatable, ":" between in the variable',
  },
  reloadEndpoint: {
    flag: "enable-reload-endpoint",
    value: null,
    default: "false",
    meaning: "POST /reload there reloads, and answers with the outcome",
  },
  logFormat: {
    flag: "log-format",
    value: "text|json",
    default: "text",
    meaning: "the form of the wrapper's own log lines",
  },
  logLevel: {
    flag: "log-level",
    value: "debug|info|warning|error",
    default: "info",
    meaning: "the least important line that is written",
  },
  listWatched: {
    flag: "list-watched",
    variable: null,
    value: null,
    default: null,
    meaning: "print every file that is watched, how it was found, and the directories, then exit",
  },
  check: {
    flag: "check",
    variable: null,
    value: null,
    default: null,
    meaning: "check settings and configuration (haproxy -c), then exit",
  },
  help: { flag: "help", variable: null, value: null, default: null, meaning: "print this help" },
  version: {
    flag: "version",
    variable: null,
    value: null,
    default: null,
    meaning: "print the versions of the wrapper, Deno and HAProxy",
  },
} as const satisfies Readonly<Record<string, Option>>;

export type OptionName = keyof typeof OPTIONS;

/**
 * The environment variable of an option, by one rule: `HRW_SOME_FLAG` for `--some-flag`. Bare names, such as
 * LOG_LEVEL, belong to the user, whose configuration may say `"${LOG_LEVEL}"`.
 */
export const variableOf = ({ flag, variable }: Option): string | null =>
  variable === undefined ? `HRW_${flag.toUpperCase().replaceAll("-", "_")}` : variable;

export const DEFAULT_CONFIGURATION = "/usr/local/etc/haproxy/haproxy.cfg";

/** Where the private folder may be, in the order in which they are tried; the program may write nowhere else. */
export const RUNTIME_PARENTS = ["/run", "/var/lib/haproxy", "/tmp"] as const;

/** The text of `--help`. */
export function helpText(): string {
  return [
    "Runs HAProxy, watches its configuration, and reloads it without losing a connection.",
    "",
    "  haproxy-reload-wrapper [its own --flags] [haproxy] [HAProxy's arguments]",
    "",
    "HAProxy's flags have one dash and are passed on; the wrapper's have two. Without any file it",
    `loads ${DEFAULT_CONFIGURATION}. Durations are like 500ms or 1m30s.`,
    "A flag beats its environment variable.",
    "",
    ...Object.values<Option>(OPTIONS).flatMap(optionHelp),
    "",
    "Signals: TERM, INT stop at once; USR1 drains; HUP, USR2 reload; QUIT goes to HAProxy.",
  ].join("\n");
}

function optionHelp(option: Option): string[] {
  const { flag, value, default: preset, meaning } = option;
  const variable = variableOf(option);
  const notes = [
    variable === null ? [] : [`environment: ${variable}`],
    preset === null ? [] : [`default: ${preset}`],
  ].flat();
  const suffix = notes.length === 0 ? "" : ` (${notes.join("; ")})`;
  return [`  --${flag}${value === null ? "" : ` ${value}`}`, `        ${meaning}${suffix}`];
}
