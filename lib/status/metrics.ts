/** The metrics that Prometheus scrapes. Pure. */
import { COUNTER_NAMES, type CounterName, COUNTERS, type Counts } from "./history/counters.ts";
import {
  type Histogram,
  type History,
  type LiveProcess,
  RELOAD_BUCKETS,
} from "./history/history.ts";
import { formatMetrics, type Metric, type Sample } from "./metrics_format.ts";
import { lastGoodOf, type Snapshot } from "./history/snapshot.ts";

const PREFIX = "haproxy_reload_wrapper_";

/** `certificates`: the first expiry in each certificate file, in milliseconds since 1970. */
export function metricsText(
  snapshot: Snapshot,
  certificates: ReadonlyMap<string, number>,
): string {
  return formatMetrics(PREFIX, [
    ...reloadMetrics(snapshot),
    ...processMetrics(snapshot),
    ...watchMetrics(snapshot),
    ...COUNTER_NAMES.map((name) => counterMetric(name, snapshot.history.counts)),
    certificateMetric(certificates),
    buildMetric(snapshot),
  ]);
}

function reloadMetrics({ state, history }: Snapshot): Metric[] {
  const isSuccessful = "serving" in state && history.failure === null;
  return [
    gauge("config_last_reload_successful", {
      help: "Whether what is on disk is served: 0 from a refused change on, until one succeeds " +
        "or the change is reverted.",
      value: isSuccessful ? 1 : 0,
    }),
    gauge("config_last_reload_success_timestamp_seconds", {
      help: "Unix time at which something that was wanted was last served, 0 if nothing was yet.",
      value: (history.lastSuccessMs ?? 0) / 1_000,
    }),
    {
      name: "reload_duration_seconds",
      type: "histogram",
      help: "From the start of a new process until it serves, in successful reloads.",
      samples: histogramSamples(history.reloadSeconds),
    },
    gauge("serving_last_good", {
      help: "Whether files serve that were kept (--last-good), since those on disk did not start.",
      value: lastGoodOf(state) === null ? 0 : 1,
    }),
    gauge("generation", {
      help: "The generation that serves, 0 if none does.",
      value: "serving" in state ? state.serving.number : 0,
    }),
  ];
}

function processMetrics({ history, nowMs }: Snapshot): Metric[] {
  const drains = drainingOf(history).map(({ drainingSinceMs }) => nowMs - drainingSinceMs);
  return [
    gauge("draining_processes", {
      help: "Processes that finish what they have.",
      value: drains.length,
    }),
    gauge("drain_oldest_seconds", {
      help: "How long the oldest of them has been draining, 0 if none does.",
      value: Math.max(0, ...drains) / 1_000,
    }),
  ];
}

function watchMetrics({ watching: { files, events, pollFinds } }: Snapshot): Metric[] {
  return [
    gauge("watched_files", { help: "Files that are watched.", value: files }),
    {
      name: "watch_events_total",
      type: "counter",
      help: "Events of the file system about watched files.",
      samples: [{ value: events }],
    },
    {
      name: "poll_found_changes_total",
      type: "counter",
      help: "Changes that no event told.",
      samples: [{ value: pollFinds }],
    },
  ];
}

const certificateMetric = (certificates: ReadonlyMap<string, number>): Metric => ({
  name: "certificate_expiry_seconds",
  type: "gauge",
  help: "Unix time at which the first certificate in the file expires.",
  samples: Array.from(certificates, ([file, expiresMs]) => ({
    labels: { file },
    value: expiresMs / 1_000,
  })),
});

function buildMetric({ versions, history }: Snapshot): Metric {
  const labels = {
    version: versions.wrapper,
    deno_version: versions.deno,
    haproxy_version: history.haproxyVersion ?? "",
  };
  return {
    name: "build_info",
    type: "gauge",
    help: "The versions of the wrapper, Deno and HAProxy.",
    samples: [{ labels, value: 1 }],
  };
}

const gauge = (
  name: string,
  { help, value }: { readonly help: string; readonly value: number },
): Metric => ({ name, type: "gauge", help, samples: [{ value }] });

function counterMetric(name: CounterName, counts: Counts): Metric {
  const { metric, help, labels, always } = COUNTERS[name];
  const counted: ReadonlyMap<string, number> = counts[name];
  const samples = [...new Set([...always, ...counted.keys()])].map((key) => {
    const values = key.split(" ");
    return {
      labels: Object.fromEntries(labels.map((label, index) => [label, values[index]!])),
      value: counted.get(key) ?? 0,
    };
  });
  return { name: metric, type: "counter", help, samples };
}

function histogramSamples({ sum, count, buckets }: Histogram): readonly Sample[] {
  const finite = RELOAD_BUCKETS.map((limit, index) => ({
    suffix: "_bucket",
    labels: { le: String(limit) },
    value: buckets[index]!,
  }));
  return [
    ...finite,
    { suffix: "_bucket", labels: { le: "+Inf" }, value: count },
    { suffix: "_sum", value: sum },
    { suffix: "_count", value: count },
  ];
}

type Drainer = LiveProcess & { readonly drainingSinceMs: number };

const drainingOf = ({ processes }: History): Drainer[] =>
  [...processes.values()].filter((one): one is Drainer => one.drainingSinceMs !== null);
