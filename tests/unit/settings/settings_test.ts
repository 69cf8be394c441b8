import assert from "node:assert/strict";
import { RUNTIME_PARENTS } from "../../../lib/settings/option_types.ts";
import {
  OPTION_NAMES,
  type OptionName,
  OPTIONS,
  settingsInForce,
  variableOf,
  VARIABLES,
} from "../../../lib/settings/options.ts";
import { type Environment, readInvocation, type Settings } from "../../../lib/settings/settings.ts";

/** The settings and problems of an invocation that runs or checks. */
function read(words: readonly string[], environment: Environment = {}) {
  const invocation = readInvocation(words, environment);
  assert.ok(invocation.tag === "run" || invocation.tag === "check");
  return invocation;
}

const DEFAULTS: Settings = {
  haproxy: {
    options: ["-f", "/usr/local/etc/haproxy/haproxy.cfg"],
    filesAfterDashes: null,
    configurations: ["/usr/local/etc/haproxy/haproxy.cfg"],
    directory: null,
  },
  userSocket: null,
  watchPaths: [],
  envFile: null,
  watch: true,
  watchLoaded: true,
  hotApply: true,
  shutdownWaitMs: null,
  drainDelayMs: 0,
  gracefulTerm: false,
  pauseOnBindConflict: false,
  maxDraining: 50,
  respawn: 0,
  readyTimeoutMs: 60_000,
  settleMs: 10,
  pollIntervalMs: 5_000,
  minReloadIntervalMs: 0,
  runtimeParents: RUNTIME_PARENTS,
  lastGood: null,
  statusListen: null,
  statusHosts: [],
  reloadEndpoint: false,
  logFormat: "text",
  logLevel: "info",
};

/** Whatever the defaults are: one that is wrong fails one test. */
const UNSET = read([]).settings;

Deno.test("without words and variables all settings have their defaults", () => {
  assert.deepEqual(read([]), { tag: "run", settings: DEFAULTS, problems: [] });
});

Deno.test("an empty variable counts as unset", () => {
  const empty = Object.fromEntries(VARIABLES.map((variable) => [variable, ""]));
  assert.deepEqual(read([], empty), { tag: "run", settings: UNSET, problems: [] });
});

Deno.test("settings are frozen", () => assert.ok(Object.isFrozen(read([]).settings)));

const tcp = (hostname: string, port: number) => ({ tag: "tcp", hostname, port }) as const;

/** For each setting: flags, their value and how it is shown; the text of its variable and that value. */
const GIVEN: {
  readonly [Name in OptionName]: readonly [
    flags: string,
    flagged: Settings[Name],
    shown: string,
    text: string,
    expected: Settings[Name],
  ];
} = {
  userSocket: ["--socket=/a", "/a", "/a", "/b", "/b"],
  watchPaths: ["--watch=/a:b --watch /c", ["/a:b", "/c"], "/a:b /c", "/b:/d*:", ["/b", "/d*"]],
  envFile: ["--env-file=/x --env-file /a", "/a", "/a", "/b", "/b"],
  watchLoaded: ["--no-watch-loaded", false, "yes", "0", true],
  hotApply: ["--no-hot-apply", false, "yes", "true", false],
  watch: ["--no-reload", false, "yes", "0", true],
  shutdownWaitMs: ["--shutdown-wait=0", null, "no limit", "1m", 60_000],
  drainDelayMs: ["--drain-delay=1s", 1_000, "1s", "2s", 2_000],
  pauseOnBindConflict: ["--pause-on-bind-conflict", true, "yes", "false", false],
  gracefulTerm: ["--graceful-term", true, "yes", "false", false],
  maxDraining: ["--max-draining=0", 0, "0", "7", 7],
  respawn: ["--respawn=5", 5, "5 in a minute", "0", 0],
  readyTimeoutMs: ["--ready-timeout=1ms", 1, "1ms", "2s", 2_000],
  settleMs: ["--settle-time=0s", 0, "0s", "2s", 2_000],
  pollIntervalMs: ["--poll-interval=0", 0, "off", "2s", 2_000],
  minReloadIntervalMs: ["--min-reload-interval=1s", 1_000, "1s", "2s", 2_000],
  runtimeParents: ["--runtime-dir=/tmp", ["/tmp"], "/tmp", "/run/one:/run/two", ["/run/one"]],
  lastGood: ["--last-good=/tmp", "/tmp", "/tmp", "/var/lib/haproxy/kept/", "/var/lib/haproxy/kept"],
  statusListen: ["--status-listen=[::]:1", tcp("::", 1), "http://[::]:1/", "b:2", tcp("b", 2)],
  statusHosts: ["--status-host=a.b --status-host C", ["a.b", "C"], "a.b C", "a:b_.:", ["a", "b_."]],
  reloadEndpoint: ["--enable-reload-endpoint", true, "yes", "0", false],
  logFormat: ["--log-format=text", "text", "text", "json", "json"],
  logLevel: ["--log-level=error", "error", "error", "debug", "debug"],
};

for (const name of OPTION_NAMES) {
  const [flags, flagged, shown, text, expected] = GIVEN[name];
  const { flag } = OPTIONS[name];
  const variable = variableOf(OPTIONS[name]);
  Deno.test(`${variable} is read, and --${flag} beats it`, () => {
    // Some settings need an address.
    const base = { ...UNSET, statusListen: tcp("127.0.0.1", 9101) };
    const environment = { HRW_STATUS_LISTEN: "127.0.0.1:9101", [variable]: text };
    assert.deepEqual(read([], environment), {
      tag: "run",
      problems: [],
      settings: { ...base, [name]: expected },
    });
    const { settings, problems } = read(flags.split(" "), environment);
    assert.deepEqual({ settings, problems }, {
      settings: { ...base, [name]: flagged },
      problems: [],
    });
    assert.equal(settingsInForce(settings).find((one) => one.flag === flag)?.text, shown);
  });
}

Deno.test("what is not set is shown as none, off or no limit", () => {
  const shown = settingsInForce(UNSET);
  const flags = (word: string) => shown.filter(({ text }) => text === word).map(({ flag }) => flag);
  assert.deepEqual(flags("off"), ["respawn"]);
  assert.deepEqual(flags("no limit"), ["shutdown-wait"]);
  assert.deepEqual(flags("none"), [
    "socket",
    "watch",
    "env-file",
    "last-good",
    "status-listen",
    "status-host",
  ]);
  assert.equal(flags("no").length, 6);
});

const SWITCHED = {
  on: ["1", "t", "T", "TRUE", "true", "True"],
  off: ["0", "f", "F", "FALSE", "false", "False"],
};

Deno.test("a switch in the environment accepts the words of Go's ParseBool", () => {
  const watch = (text: string) => read([], { DISABLE_RELOAD: text }).settings.watch;
  assert.deepEqual(SWITCHED.on.filter(watch), []);
  assert.deepEqual(SWITCHED.off.filter(watch), SWITCHED.off);
});

const REFUSED: readonly (readonly [name: string, text: string, wanted: RegExp])[] = [
  ["DISABLE_RELOAD", "yes", /wanted "true" or "false"$/],
  ["SHUTDOWN_WAIT", "5", /wanted a duration like "500ms" or "1m30s", at most 596h$/],
  ["SHUTDOWN_WAIT", "-1s", /wanted a duration/],
  ["SHUTDOWN_WAIT", "597h", /at most 596h$/],
  [
    "HRW_READY_TIMEOUT",
    "0",
    /wanted a duration like "500ms" or "1m30s", at least 1ms, at most 596h$/,
  ],
  ["HRW_MAX_DRAINING", "-1", /wanted a whole number$/],
  ["HRW_MAX_DRAINING", "1.5", /wanted a whole number$/],
  ["HRW_MAX_DRAINING", "1e3", /wanted a whole number$/],
  ["RUNTIME_DIRECTORY", "/etc", /wanted a directory in or below \/run, /],
  ["RUNTIME_DIRECTORY", "/runner", /wanted a directory in or below \/run, /],
  ["RUNTIME_DIRECTORY", "run", /wanted a directory in or below \/run, /],
  ["HRW_LAST_GOOD", "/etc", /wanted a directory in or below \/run, /],
  ["HRW_LAST_GOOD", "/tmp/../etc", /wanted a directory in or below \/run, /],
  ["HRW_LAST_GOOD", "kept", /wanted a directory in or below \/run, /],
  ["HRW_LAST_GOOD", "/tmp/a b", /wanted a directory .*, without blanks, quotes and brackets$/],
  ["HRW_LOG_FORMAT", "xml", /wanted "text" or "json"$/],
  [
    "HRW_STATUS_LISTEN",
    "unix:/etc/s",
    /wanted an address like .* or "unix:" and a path below \/run, /,
  ],
  ["HRW_STATUS_LISTEN", "9101", /wanted an address like /],
  ["HRW_LOG_LEVEL", "INFO", /wanted "debug" or "info" or "warning" or "error"$/],
];

for (const [name, text, wanted] of REFUSED) {
  Deno.test(`${name}=${text} is refused, and the message names its source`, () => {
    const { problems } = read([], { [name]: text });
    assert.equal(problems.length, 1);
    assert.ok(problems[0]!.startsWith(`${name}: found "${text}", `), problems[0]);
    assert.match(problems[0]!, wanted);
  });
}

for (
  const name of ["lb:9101", "http://lb", "9101", "10.0.0.7", "*.example", "a b", "[::1]", "a..b"]
) {
  Deno.test(`"${name}" is not a host name`, () => {
    const { problems } = read(["--status-listen=:1", `--status-host=${name}`]);
    assert.deepEqual(problems, [
      `--status-host: found "${name}", wanted a host's name without a port`,
    ]);
  });
}

for (const flag of ["--enable-reload-endpoint", "--status-host=lb"]) {
  Deno.test(`${flag} needs an address`, () => {
    assert.deepEqual(read([flag]).problems, [
      `"${flag.split("=")[0]}" needs "--status-listen", found none`,
    ]);
  });
}

Deno.test("a refused setting keeps its default, and does not count as missing", () => {
  const { settings, problems } = read(["--status-listen=x", "--status-host=lb", "--settle-time=x"]);
  assert.deepEqual(settings, { ...UNSET, statusHosts: ["lb"] });
  assert.equal(problems.length, 2);
});

Deno.test("all problems are reported together, those of flags by flag", () => {
  const words = ["--nonsense", "--log-format=xml", "-D"];
  const { problems } = read(words, { HRW_SETTLE_TIME: "x", HRW_LOG_FORMAT: "json" });
  assert.deepEqual(problems.map((problem) => problem.split(/[:,]? /).slice(0, 3).join(" ")), [
    'unknown flag "--nonsense"',
    'HRW_SETTLE_TIME found "x"',
    '--log-format found "xml"',
    '"-D" is refused',
  ]);
});

Deno.test("--check only checks", () => {
  assert.deepEqual(read(["--check"]), { tag: "check", settings: UNSET, problems: [] });
});

Deno.test("--help and --version come before any problem", () => {
  const environment = { HRW_LOG_FORMAT: "xml" };
  assert.deepEqual(readInvocation(["-D", "--help", "--version"], environment), { tag: "help" });
  assert.deepEqual(readInvocation(["--version", "--nonsense"], environment), { tag: "version" });
});

for (const path of ["/run", "/run/kept", "/run/kept/", "/run/**", "/run/{a,b}/**/*.cfg", "/"]) {
  Deno.test(`--last-good must not be watched, as by --watch=${path}`, () => {
    const { problems } = read(["--last-good=/run/kept", `--watch=${path}`]);
    assert.deepEqual(problems, [
      `"--last-good" wants a directory outside "--watch", found "${path}"`,
    ]);
  });
}

for (
  const path of ["/run/keptly", "/run/kept-2/x", "/etc/**", "/run/*.cfg", "kept", "/run/kept/below"]
) {
  Deno.test(`--watch=${path} does not cover --last-good`, () => {
    assert.deepEqual(read(["--last-good=/run/kept", `--watch=${path}`]).problems, []);
  });
}

for (const name of ["LD_PRELOAD", "LD_LIBRARY_PATH", "ld_x", "DYLD_X"]) {
  Deno.test(`${name} in the environment is a problem, with what to do, unless it is empty`, () => {
    const { problems } = read([], { [name]: "/x.so" });
    assert.equal(problems.length, 1);
    assert.match(problems[0]!, new RegExp(`^environment: found "${name}".*named "haproxy".*exec`));
    assert.deepEqual(read([], { [name]: "" }).problems, []);
  });
}
