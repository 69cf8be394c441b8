/** The metrics that Prometheus scrapes, in its text format (version 0.0.4): the gauges are here, the counters in `history/`. Pure. */
import { servingIn } from "../supervisor/state/state.ts";
import { COUNTER_NAMES, type CounterName, COUNTERS, type Counts } from "./history/counters.ts";
import { drainingOf, type Histogram, RELOAD_BUCKETS } from "./history/history.ts";
import { lastGoodOf, type Snapshot } from "./history/snapshot.ts";

const PREFIX = "haproxy_reload_wrapper_";

/** `certificates`: when the first certificate in each file expires, in milliseconds since 1970. */
export function metricsText(
  snapshot: Snapshot,
  certificates: ReadonlyMap<string, number>,
): string {
  const { state, history, versions, nowMs, watching, removedServers } = snapshot;
  const drains = drainingOf(history).map(({ drainingSinceMs }) => nowMs - drainingSinceMs);
  const build = {
    version: versions.wrapper,
    deno_version: versions.deno,
    haproxy_version: history.haproxyVersion ?? "",
  };
  return [
    gauge(
      "config_last_reload_successful",
      "1 if what is on disk is served; 0 after a rejected change, until it is reverted or one succeeds.",
      "service" in state && history.failure === null ? 1 : 0,
    ),
    gauge(
      "config_last_reload_success_timestamp_seconds",
      "Unix time at which a change last went live; 0 if none has.",
      (history.lastSuccessMs ?? 0) / 1_000,
    ),
    metric("reload_duration_seconds", {
      type: "histogram",
      help: "Time from the start of a new process until it serves, in successful reloads.",
      samples: histogramSamples(history.reloadSeconds),
    }),
    gauge(
      "serving_last_good",
      "1 while the last good files are served (--last-good), because those on disk did not start.",
      lastGoodOf(state) === null ? 0 : 1,
    ),
    gauge(
      "generation",
      "The serving generation; 0 if there is none.",
      servingIn(state)?.number ?? 0,
    ),
    gauge("draining_processes", "Old processes finishing their connections.", drains.length),
    gauge(
      "drain_oldest_seconds",
      "How long the oldest of them has been draining; 0 if there is none.",
      Math.max(0, ...drains) / 1_000,
    ),
    gauge(
      "removed_servers",
      "Servers that the configuration no longer has, in maintenance until HAProxy deletes them or the next reload.",
      removedServers.length,
    ),
    gauge("watched_files", "Files that are watched.", watching.files),
    counter("watch_events_total", "File system events about watched files.", [
      { value: watching.events },
    ]),
    counter("poll_found_changes_total", "Changes that the poll found without an event.", [
      { value: watching.pollFinds },
    ]),
    ...COUNTER_NAMES.map((name) => countedMetric(name, history.counts)),
    metric("certificate_expiry_seconds", {
      type: "gauge",
      help: "Unix time at which the first certificate in the file expires.",
      samples: Array.from(certificates, ([file, expiresMs]) => (
        { labels: { file }, value: expiresMs / 1_000 }
      )),
    }),
    metric("build_info", {
      type: "gauge",
      help: "The versions of the wrapper, Deno and HAProxy.",
      samples: [{ labels: build, value: 1 }],
    }),
  ].join("");
}

function countedMetric(name: CounterName, counts: Counts): string {
  const { metric, help, labels, always } = COUNTERS[name];
  const counted: ReadonlyMap<string, number> = counts[name];
  const samples = [...new Set([...always, ...counted.keys()])].map((key) => {
    const values = key.split(" ");
    return {
      labels: Object.fromEntries(labels.map((label, index) => [label, values[index]!])),
      value: counted.get(key) ?? 0,
    };
  });
  return counter(metric, help, samples);
}

function histogramSamples({ sum, count, buckets }: Histogram): readonly Sample[] {
  const limits = [...RELOAD_BUCKETS.map(String), "+Inf"];
  return [
    ...limits.map((le, index) => (
      { suffix: "_bucket", labels: { le }, value: buckets[index] ?? count }
    )),
    { suffix: "_sum", value: sum },
    { suffix: "_count", value: count },
  ];
}

interface Sample {
  /** Appended to the metric's name, such as `_bucket` of a histogram. */
  readonly suffix?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly value: number;
}

const gauge = (name: string, help: string, value: number) =>
  metric(name, { type: "gauge", help, samples: [{ value }] });

const counter = (name: string, help: string, samples: readonly Sample[]) =>
  metric(name, { type: "counter", help, samples });

function metric(
  name: string,
  { type, help, samples }: {
    readonly type: "counter" | "gauge" | "histogram";
    readonly help: string;
    readonly samples: readonly Sample[];
  },
): string {
  const full = `${PREFIX}${name}`;
  return [
    `# HELP ${full} ${help}\n`,
    `# TYPE ${full} ${type}\n`,
    ...samples.map(({ suffix = "", labels = {}, value }) =>
      `${full}${suffix}${formatLabels(labels)} ${value}\n`
    ),
  ].join("");
}

function formatLabels(labels: Readonly<Record<string, string>>): string {
  const all = Object.entries(labels).map(([name, value]) => `${name}="${escape(value)}"`);
  return all.length === 0 ? "" : `{${all.join(",")}}`;
}

const escape = (value: string) =>
  value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
