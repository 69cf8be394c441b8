/** Made-up snapshots for the tests of the status page: one of each state at least, and some extremes. */
import { readInvocation, type Settings } from "../../../lib/settings/settings.ts";
import {
  type Change,
  type History,
  type LiveProcess,
  newHistory,
} from "../../../lib/status/history/history.ts";
import { NO_COUNTS } from "../../../lib/status/history/counters.ts";
import type { Snapshot } from "../../../lib/status/history/snapshot.ts";
import { NO_TARGETS } from "../../../lib/loaded/targets.ts";
import type { Rejected, Service, State } from "../../../lib/supervisor/state/state.ts";
import type { Fingerprint } from "../../../lib/watch/scan/fingerprint.ts";

export const NOW_MS = Date.UTC(2026, 10, 22, 14, 3, 20);
const SECOND_MS = 1_000;
export const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;

const CONFIGURATION = "/usr/local/etc/haproxy/haproxy.cfg";

/** By default generation 7 serves, and all is well. */
export function snapshot(
  { history = {}, settings = {}, ...others }: SnapshotOptions = {},
): Snapshot {
  return {
    nowMs: NOW_MS,
    state: { name: "serving", service: SERVICE },
    removedServers: ["app/s1", "app/s2"],
    watching: { files: 18, events: 240, pollFinds: 0 },
    connections: new Map(),
    memory: null,
    excerpts: [],
    versions: { wrapper: "0.1.0", deno: "2.9.6" },
    ...others,
    history: { ...HISTORY, ...history },
    settings: { ...settingsOf("--status-listen", ":9101"), ...settings },
  };
}

export interface SnapshotOptions extends Partial<Omit<Snapshot, "history" | "settings">> {
  readonly history?: Partial<History>;
  readonly settings?: Partial<Settings>;
}

export function content(text: string, paths: readonly string[] = [CONFIGURATION]): Fingerprint {
  const mark = { content: digest(text), modifiedMs: NOW_MS - HOUR_MS, stamp: text };
  return { digest: digest(`all of ${text}`), files: new Map(paths.map((path) => [path, mark])) };
}

/** As long as a hexadecimal SHA-256. */
const digest = (text: string) =>
  [...text].reverse().map((one) => one.charCodeAt(0).toString(16)).join("").padEnd(64, "c0ffee");

export function change(options: Partial<Change> = {}): Change {
  return {
    kind: "reload",
    generation: 7,
    result: "success",
    reason: "reloaded after a change",
    endedMs: NOW_MS - 3 * HOUR_MS,
    durationMs: 47,
    changed: [CONFIGURATION],
    failure: null,
    ...options,
  };
}

export function live(
  generation: number,
  sinceMs: number,
  drainingMs?: number,
): [number, LiveProcess] {
  const drainingSinceMs = drainingMs === undefined ? null : NOW_MS - drainingMs;
  const servingSinceMs = NOW_MS - sinceMs;
  return [generation, { generation, pid: 1_000 + generation, servingSinceMs, drainingSinceMs }];
}

const settingsOf = (...words: string[]): Settings => {
  const invocation = readInvocation([...words, "-f", CONFIGURATION], {});
  if (!("settings" in invocation)) throw new Error(`found "${invocation.tag}", wanted settings`);
  return invocation.settings;
};

export const SERVICE: Service = {
  serving: {
    number: 7,
    version: "3.4.5",
    changedDuringRead: false,
    targets: NO_TARGETS,
    fingerprint: content("seven", [
      CONFIGURATION,
      "/certs/shop.example.com/tls.crt",
      "/certs/shop.example.com/tls.key",
      "/usr/local/etc/haproxy/maps/hosts.map",
    ]),
  },
  lastGeneration: 7,
  rejected: null,
  past: { old: { draining: [], ending: [] }, lastStartMs: 0, respawnedMs: [] },
};

const START = change({
  kind: "start",
  generation: 1,
  reason: "start",
  changed: [],
  durationMs: 61,
  endedMs: NOW_MS - 76 * HOUR_MS,
});

const HISTORY: History = {
  ...newHistory(NOW_MS - 76 * HOUR_MS),
  processes: new Map([live(7, 3 * HOUR_MS + 12 * MINUTE_MS)]),
  changes: [change({ endedMs: NOW_MS - 3 * HOUR_MS - 12 * MINUTE_MS }), START],
  lastSuccessMs: NOW_MS - 3 * HOUR_MS - 12 * MINUTE_MS,
  desired: { digest: SERVICE.serving.fingerprint!.digest, sinceMs: NOW_MS - 3 * HOUR_MS },
  haproxyVersion: "3.4.1-7f3a9c2",
};

const REJECTED: Rejected = {
  generation: 8,
  fingerprint: content("eight"),
  changedDuringRead: false,
  failures: 1,
};

const DEGRADED: Service = { ...SERVICE, rejected: REJECTED };

const REJECTION = "haproxy exited with 1 before it was ready";

export const ALERTS = [
  `[ALERT]    (1008) : config : parsing [${CONFIGURATION}:14] : unknown keyword 'bnd' in 'frontend' section; did you mean 'bind' maybe ?`,
  `[ALERT]    (1008) : config : parsing [${CONFIGURATION}:23] : 'server web2' : could not resolve address 'web2.internal.example.com'.`,
];

const EXCERPTS = [{
  path: CONFIGURATION,
  line: 14,
  lines: [
    "",
    "frontend shop",
    "    mode http",
    "    bnd :443 ssl crt /certs/shop.example.com/tls.crt crt /certs/other.example.com/tls.crt alpn h2,http/1.1",
    "    http-request redirect scheme https unless { ssl_fc }",
    "    default_backend web",
    "",
  ].map((text, index) => ({ number: 11 + index, text })),
}, {
  path: CONFIGURATION,
  line: 23,
  lines: [
    "    balance leastconn",
    "    server web1 10.0.3.11:8080 check",
    "    server web2 web2.internal.example.com:8080 check",
    "    server web3 10.0.3.13:8080 check",
  ].map((text, index) => ({ number: 21 + index, text })),
}];

const FAILED: Partial<History> = {
  failure: {
    generation: 8,
    reason: REJECTION,
    alerts: ALERTS,
    sinceMs: NOW_MS - 8 * SECOND_MS,
    lastTriedMs: NOW_MS - 8 * SECOND_MS,
  },
  changes: [
    change({
      generation: 8,
      result: "failure",
      failure: REJECTION,
      durationMs: 31,
      endedMs: NOW_MS - 8 * SECOND_MS,
    }),
    ...HISTORY.changes,
  ],
  desired: { digest: content("eight").digest, sinceMs: NOW_MS - 9 * SECOND_MS },
};

const NOTHING_PENDING = { order: null, changedDuringRead: false } as const;

const ATTEMPT = {
  number: 8,
  fingerprint: content("eight"),
  cause: { tag: "change" },
} as const;

const RESPAWN = {
  tag: "respawn",
  lost: 7,
  ending: { tag: "signaled", code: 139, signal: "SIGSEGV" },
} as const;

const DELAYING = { name: "delaying", service: SERVICE, isRetried: false } as const;

export const SAMPLES = {
  starting: snapshot({
    state: {
      name: "starting",
      pending: NOTHING_PENDING,
      attempt: { number: 1, fingerprint: content("one"), cause: { tag: "start" } },
      lost: null,
      past: SERVICE.past,
    },
    history: newHistory(NOW_MS - 400),
  }),
  respawning: snapshot({
    state: {
      name: "starting",
      pending: NOTHING_PENDING,
      attempt: { ...ATTEMPT, cause: RESPAWN },
      lost: { generation: SERVICE.serving, ending: RESPAWN.ending, failures: 0 },
      past: { old: { draining: [6], ending: [] }, lastStartMs: 0, respawnedMs: [1_000] },
    },
    history: {
      processes: new Map([live(6, 6 * HOUR_MS, 3 * HOUR_MS + 12 * MINUTE_MS)]),
      changes: [
        change({
          kind: "start",
          generation: 7,
          changed: [],
          endedMs: NOW_MS - 12 * MINUTE_MS,
          reason: "respawned because generation 6 exited with 1",
        }),
        ...HISTORY.changes,
      ],
      counts: { ...NO_COUNTS, respawns: new Map([["", 2]]) },
    },
  }),
  fresh: snapshot({
    state: {
      name: "serving",
      service: { ...SERVICE, lastGeneration: 1, serving: { ...SERVICE.serving, number: 1 } },
    },
    history: {
      ...newHistory(NOW_MS - 41 * SECOND_MS),
      haproxyVersion: HISTORY.haproxyVersion,
      processes: new Map([live(1, 40 * SECOND_MS)]),
      changes: [{ ...START, endedMs: NOW_MS - 40 * SECOND_MS }],
    },
  }),
  serving: snapshot(),
  degraded: snapshot({
    state: { name: "serving", service: DEGRADED },
    history: FAILED,
    excerpts: EXCERPTS,
  }),
  retrying: snapshot({
    state: { name: "retrying", service: DEGRADED, isDue: false },
    history: {
      ...FAILED,
      failure: {
        generation: 12,
        reason: REJECTION,
        alerts: ALERTS.slice(1),
        sinceMs: NOW_MS - 5 * MINUTE_MS,
        lastTriedMs: NOW_MS - 8 * SECOND_MS,
      },
      timerDueMs: NOW_MS + 8 * SECOND_MS,
    },
    excerpts: EXCERPTS.slice(1),
  }),
  lastGood: snapshot({
    state: {
      name: "serving",
      service: {
        ...SERVICE,
        lastGeneration: 2,
        serving: {
          ...SERVICE.serving,
          number: 2,
          version: "3.4.0",
          fingerprint: null,
          lastGood: { directory: "/var/lib/haproxy/last-good", recordedMs: NOW_MS - 26 * HOUR_MS },
        },
        rejected: { ...REJECTED, generation: 1 },
      },
    },
    history: {
      ...newHistory(NOW_MS - 9 * SECOND_MS),
      failure: { ...FAILED.failure!, generation: 1 },
      desired: FAILED.desired!,
      processes: new Map([live(2, 7 * SECOND_MS)]),
      haproxyVersion: HISTORY.haproxyVersion,
      changes: [
        change({
          kind: "start",
          generation: 2,
          reason: "started from what served last",
          changed: null,
          durationMs: 44,
          endedMs: NOW_MS - 7 * SECOND_MS,
        }),
        change({
          kind: "start",
          generation: 1,
          result: "failure",
          failure: REJECTION,
          reason: "start",
          changed: [],
          endedMs: FAILED.failure!.lastTriedMs,
        }),
      ],
    },
    excerpts: EXCERPTS.slice(0, 1),
  }),
  delaying: snapshot({
    state: { ...DELAYING, awaits: "interval", order: null },
    history: { timerDueMs: NOW_MS + 3 * SECOND_MS },
  }),
  delayingForTables: snapshot({
    state: { ...DELAYING, awaits: "tables", order: "SIGHUP" },
    history: { timerDueMs: NOW_MS + 3 * SECOND_MS },
  }),
  delayingForRenewal: snapshot({
    state: { ...DELAYING, awaits: "renewal", order: null },
    history: { timerDueMs: NOW_MS + 20 * SECOND_MS },
  }),
  reloading: snapshot({
    state: { name: "reloading", service: SERVICE, attempt: ATTEMPT, pending: NOTHING_PENDING },
  }),
  hot_applying: snapshot({
    state: {
      name: "hot_applying",
      service: SERVICE,
      attempt: ATTEMPT,
      pending: NOTHING_PENDING,
      rejection: null,
    },
  }),
  leaving: snapshot({
    state: { name: "leaving", service: SERVICE },
    history: { timerDueMs: NOW_MS + 4 * SECOND_MS },
  }),
  draining: snapshot({
    state: { name: "draining", lastServing: 7, exitCode: 0 },
    settings: { shutdownWaitMs: 30 * MINUTE_MS },
    history: {
      processes: new Map([
        live(5, 9 * HOUR_MS, 6 * HOUR_MS),
        live(6, 6 * HOUR_MS, 3 * HOUR_MS + 12 * MINUTE_MS),
        live(7, 3 * HOUR_MS + 12 * MINUTE_MS, 12 * SECOND_MS),
      ]),
    },
    connections: new Map([[5, 2], [7, 1_840]]),
  }),
  stopping: snapshot({
    state: { name: "stopping", exitCode: 143 },
    history: { processes: new Map([live(7, 3 * HOUR_MS, SECOND_MS)]) },
  }),
  notStarted: snapshot({
    state: { name: "stopping", exitCode: 1 },
    history: {
      ...newHistory(NOW_MS - SECOND_MS),
      failure: { ...FAILED.failure!, generation: 1 },
      changes: [
        change({
          kind: "start",
          generation: 1,
          result: "failure",
          failure: REJECTION,
          endedMs: FAILED.failure!.lastTriedMs,
        }),
      ],
    },
    excerpts: EXCERPTS.slice(0, 1),
  }),
  ended: snapshot({
    state: { name: "ended", exitCode: 0 },
    history: { processes: new Map() },
  }),
  eventful: snapshot({
    history: {
      changes: Array.from({ length: 50 }, (_, index) => eventfulChange(index)),
      processes: new Map([
        live(6, 6 * HOUR_MS, 3 * HOUR_MS + 12 * MINUTE_MS),
        live(7, 3 * HOUR_MS + 12 * MINUTE_MS),
      ]),
    },
    watching: { files: 412, events: 9_120, pollFinds: 3 },
    connections: new Map([[6, 3]]),
  }),
  longPaths: snapshot({
    state: {
      name: "serving",
      service: {
        ...DEGRADED,
        serving: { ...SERVICE.serving, fingerprint: content("long", longPaths()) },
      },
    },
    history: {
      ...FAILED,
      failure: {
        ...FAILED.failure!,
        alerts: [`[ALERT] parsing [${longPaths()[0]}:3] : ${"x".repeat(400)}`],
      },
      changes: [
        change({
          changed: longPaths(),
          result: "failure",
          failure: longPaths().join(" "),
          generation: 8,
          endedMs: FAILED.failure!.lastTriedMs,
        }),
      ],
    },
    excerpts: [{ path: longPaths()[0]!, line: 3, lines: [{ number: 3, text: "y".repeat(400) }] }],
    watching: { files: 600, events: 9_120, pollFinds: 3 },
  }),
} as const satisfies Readonly<Record<string, Snapshot> & Record<State["name"], Snapshot>>;

export type SampleName = keyof typeof SAMPLES;

/** Every kind of change with every result, over several days. */
function eventfulChange(index: number): Change {
  const generation = 50 - index;
  const endedMs = NOW_MS - 12 * MINUTE_MS - index * index * 3 * MINUTE_MS;
  if (index % 7 === 3) {
    const reason = index % 2 === 0 ? "reloaded by a retry" : "reloaded by SIGHUP";
    return change({
      generation,
      endedMs,
      reason,
      result: "failure",
      failure: REJECTION,
      durationMs: 31,
    });
  }
  if (index % 3 === 0) {
    return change({
      kind: "hot_apply",
      generation,
      endedMs,
      durationMs: 6,
      changed: ["/certs/shop.example.com/tls.crt"],
    });
  }
  if (index % 11 === 4) {
    return change({
      kind: "hot_apply",
      generation,
      endedMs,
      durationMs: 0,
      result: "failure",
      changed: ["/certs/old.example.com/tls.crt"],
      failure: "expired 2026-11-20, awaiting a valid one",
    });
  }
  const changed = index === 8
    ? null
    : index === 10
    ? []
    : index === 7
    ? longPaths()
    : [CONFIGURATION];
  return change({ generation, endedMs, durationMs: 30 + (index * 37) % 90, changed });
}

/** 240 characters each, without and with places for line breaks. */
function longPaths(): string[] {
  return Array.from(
    { length: 9 },
    (_, index) =>
      `/etc/haproxy/${
        (index % 2 === 0 ? "a" : "long-name/").repeat(240).slice(0, 220)
      }-${index}.cfg`,
  );
}
