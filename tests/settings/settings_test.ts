import assert from "node:assert/strict";
import { type Option, OPTIONS, RUNTIME_PARENTS, variableOf } from "../../lib/settings/options.ts";
import { type Environment, readInvocation, type Settings } from "../../lib/settings/settings.ts";

/** The settings and problems of what starts or checks something. */
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

Deno.test("without words and variables all settings have their defaults", () => {
  assert.deepEqual(read([]), { tag: "run", settings: DEFAULTS, problems: [] });
});

Deno.test("an empty variable counts as none", () => {
  const variables = Object.values<Option>(OPTIONS).flatMap((option) => variableOf(option) ?? []);
  const empty = Object.fromEntries(variables.map((variable) => [variable, ""]));
  assert.deepEqual(read([], empty), { tag: "run", settings: DEFAULTS, problems: [] });
});

Deno.test("settings are frozen", () => assert.ok(Object.isFrozen(read([]).settings)));

const STATUS = { tag: "tcp", hostname: "127.0.0.1", port: 9101 } as const;

/** For each setting with a variable: a flag, a variable of another value, and what each means. */
const SETTINGS: Readonly<
  Record<
    string,
    {
      words: string[];
      flag: Partial<Settings>;
      text: string;
      variable: Partial<Settings>;
      /** Another variable that it wants, with what that means. */
      besides?: { readonly environment: Environment; readonly settings: Partial<Settings> };
    }
  >
> = {
  HAPROXY_SOCKET: {
    words: ["--socket=/a"],
    flag: { userSocket: "/a" },
    text: "/b",
    variable: { userSocket: "/b" },
  },
  WATCH_PATH: {
    words: ["--watch=/a:b", "--watch=/c"],
    flag: { watchPaths: ["/a:b", "/c"] },
    text: "/b:/d*:",
    variable: { watchPaths: ["/b", "/d*"] },
  },
  ENV_FILE: {
    words: ["--env-file=/a"],
    flag: { envFile: "/a" },
    text: "/b",
    variable: { envFile: "/b" },
  },
  HRW_NO_WATCH_LOADED: {
    words: ["--no-watch-loaded"],
    flag: { watchLoaded: false },
    text: "0",
    variable: { watchLoaded: true },
  },
  HRW_NO_HOT_APPLY: {
    words: ["--no-hot-apply"],
    flag: { hotApply: false },
    text: "true",
    variable: { hotApply: false },
  },
  DISABLE_RELOAD: {
    words: ["--no-reload"],
    flag: { watch: false },
    text: "0",
    variable: { watch: true },
  },
  SHUTDOWN_WAIT: {
    words: ["--shutdown-wait=0"],
    flag: { shutdownWaitMs: null },
    text: "1m",
    variable: { shutdownWaitMs: 60_000 },
  },
  HRW_MAX_DRAINING: {
    words: ["--max-draining=0"],
    flag: { maxDraining: 0 },
    text: "7",
    variable: { maxDraining: 7 },
  },
  HRW_RESPAWN: {
    words: ["--respawn=5"],
    flag: { respawn: 5 },
    text: "7",
    variable: { respawn: 7 },
  },
  HRW_READY_TIMEOUT: {
    words: ["--ready-timeout=1ms"],
    flag: { readyTimeoutMs: 1 },
    text: "2s",
    variable: { readyTimeoutMs: 2_000 },
  },
  HRW_SETTLE_TIME: {
    words: ["--settle-time=0s"],
    flag: { settleMs: 0 },
    text: "2s",
    variable: { settleMs: 2_000 },
  },
  HRW_POLL_INTERVAL: {
    words: ["--poll-interval=0"],
    flag: { pollIntervalMs: 0 },
    text: "2s",
    variable: { pollIntervalMs: 2_000 },
  },
  HRW_MIN_RELOAD_INTERVAL: {
    words: ["--min-reload-interval=1s"],
    flag: { minReloadIntervalMs: 1_000 },
    text: "2s",
    variable: { minReloadIntervalMs: 2_000 },
  },
  RUNTIME_DIRECTORY: {
    words: ["--runtime-dir=/tmp"],
    flag: { runtimeParents: ["/tmp"] },
    text: "/run/one:/run/two",
    variable: { runtimeParents: ["/run/one"] },
  },
  HRW_LAST_GOOD: {
    words: ["--last-good=/tmp"],
    flag: { lastGood: "/tmp" },
    text: "/var/lib/haproxy/kept/",
    variable: { lastGood: "/var/lib/haproxy/kept" },
  },
  HRW_DRAIN_DELAY: {
    words: ["--drain-delay=1s"],
    flag: { drainDelayMs: 1_000 },
    text: "2s",
    variable: { drainDelayMs: 2_000 },
  },
  HRW_GRACEFUL_TERM: {
    words: ["--graceful-term"],
    flag: { gracefulTerm: true },
    text: "true",
    variable: { gracefulTerm: true },
  },
  HRW_PAUSE_ON_BIND_CONFLICT: {
    words: ["--pause-on-bind-conflict"],
    flag: { pauseOnBindConflict: true },
    text: "true",
    variable: { pauseOnBindConflict: true },
  },
  HRW_STATUS_LISTEN: {
    words: ["--status-listen=unix:/run/status.sock"],
    flag: { statusListen: { tag: "unix", path: "/run/status.sock" } },
    text: "127.0.0.1:9101",
    variable: { statusListen: STATUS },
  },
  HRW_STATUS_HOST: {
    words: ["--status-host=lb.example", "--status-host", "LB"],
    flag: { statusHosts: ["lb.example", "LB"] },
    text: "a.example:b_c.:",
    variable: { statusHosts: ["a.example", "b_c."] },
    besides: {
      environment: { HRW_STATUS_LISTEN: "127.0.0.1:9101" },
      settings: { statusListen: STATUS },
    },
  },
  HRW_ENABLE_RELOAD_ENDPOINT: {
    words: ["--enable-reload-endpoint"],
    flag: { reloadEndpoint: true },
    text: "true",
    variable: { reloadEndpoint: true },
    besides: {
      environment: { HRW_STATUS_LISTEN: "127.0.0.1:9101" },
      settings: { statusListen: STATUS },
    },
  },
  HRW_LOG_FORMAT: {
    words: ["--log-format=text"],
    flag: { logFormat: "text" },
    text: "json",
    variable: { logFormat: "json" },
  },
  HRW_LOG_LEVEL: {
    words: ["--log-level=error"],
    flag: { logLevel: "error" },
    text: "debug",
    variable: { logLevel: "debug" },
  },
};

Deno.test("the table of settings names every variable", () => {
  const variables = Object.values<Option>(OPTIONS).flatMap((option) => variableOf(option) ?? []);
  assert.deepEqual(Object.keys(SETTINGS).sort(), variables.sort());
});

for (const [name, { words, flag, text, variable, besides }] of Object.entries(SETTINGS)) {
  Deno.test(`${name} is read, and its flag beats it`, () => {
    const environment = { [name]: text, ...besides?.environment };
    const settings = { ...DEFAULTS, ...variable, ...besides?.settings };
    assert.deepEqual(read([], environment), { tag: "run", settings, problems: [] });
    assert.deepEqual(read(words, environment), {
      tag: "run",
      settings: { ...DEFAULTS, ...flag, ...besides?.settings },
      problems: [],
    });
  });
}

const SWITCHED = {
  on: ["1", "t", "T", "TRUE", "true", "True"],
  off: ["0", "f", "F", "FALSE", "false", "False"],
};

Deno.test("a switch in the environment takes the words of Go's ParseBool", () => {
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
  ["HRW_LAST_GOOD", "/tmp/a b", /wanted a path without blanks, quotes and brackets$/],
  ["HRW_LOG_FORMAT", "xml", /wanted "text" or "json"$/],
  ["HRW_LOG_LEVEL", "INFO", /wanted "debug" or "info" or "warning" or "error"$/],
];

for (const [name, text, wanted] of REFUSED) {
  Deno.test(`${name}=${text} is refused, and the message names where it is from`, () => {
    const { problems } = read([], { [name]: text });
    assert.equal(problems.length, 1);
    assert.ok(problems[0]!.startsWith(`${name}: found "${text}", `), problems[0]);
    assert.match(problems[0]!, wanted);
  });
}

for (
  const name of ["lb:9101", "http://lb", "9101", "10.0.0.7", "*.example", "a b", "[::1]", "a..b"]
) {
  Deno.test(`"${name}" is no name of a host`, () => {
    const { problems } = read(["--status-listen=:1", `--status-host=${name}`]);
    assert.deepEqual(problems, [
      `--status-host: found "${name}", wanted a host's name without a port`,
    ]);
  });
}

for (const flag of ["--enable-reload-endpoint", "--status-host=lb"]) {
  Deno.test(`${flag} is nothing without an address`, () => {
    assert.deepEqual(read([flag]).problems, [
      `"${flag.split("=")[0]}" wants "--status-listen" besides, found none`,
    ]);
  });
}

Deno.test("every problem is named at once, those of flags by the flag", () => {
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
  assert.deepEqual(read(["--check"]), { tag: "check", settings: DEFAULTS, problems: [] });
});

Deno.test("--help and --version come before any problem", () => {
  const environment = { HRW_LOG_FORMAT: "xml" };
  assert.deepEqual(readInvocation(["-D", "--help", "--version"], environment), { tag: "help" });
  assert.deepEqual(readInvocation(["--version", "--nonsense"], environment), { tag: "version" });
});

for (const path of ["/run", "/run/kept", "/run/kept/", "/run/**", "/run/{a,b}/**/*.cfg", "/"]) {
  Deno.test(`what is kept must not be watched, as by --watch=${path}`, () => {
    const { problems } = read(["--last-good=/run/kept", `--watch=${path}`]);
    assert.deepEqual(problems, [
      `"--last-good" wants a directory outside "--watch", found "${path}"`,
    ]);
  });
}

for (
  const path of ["/run/keptly", "/run/kept-2/x", "/etc/**", "/run/*.cfg", "kept", "/run/kept/below"]
) {
  Deno.test(`--watch=${path} is beside what is kept`, () => {
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
