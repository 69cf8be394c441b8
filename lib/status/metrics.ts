/** The metrics that Prometheus scrapes. Pure. */
import { servingIn } from "../supervisor/state/state.ts";
import type { EndReason } from "../haproxy/drain/limits.ts";
import {
  type Change,
  type Counts,
  type DrainHow,
  type Histogram,
  type History,
  type HotApplyResult,
  type LiveProcess,
  RELOAD_BUCKETS,
} from "./model/history.ts";
import { TARGET_TAGS } from "../hot_apply/target_kinds.ts";
import { formatMetrics, type Metric, type Sample } from "./metrics_format.ts";
import { lastGoodOf, type Snapshot } from "./model/snapshot.ts";

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
    certificateMetric(certificates),
    buildMetric(snapshot),
  ]);
}

function reloadMetrics({ state, history }: Snapshot): Metric[] {
  const isSuccessful = "service" in state && history.failure === null;
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
      name: "reloads_total",
      type: "counter",
      help: "Reloads by their result, without the first start.",
      samples: samplesOf(history.reloads, ["result"], RELOAD_RESULTS),
    },
    {
      name: "hot_applies_total",
      type: "counter",
      help: "Files that changed without a reload, or were to, by their kind and the result.",
      samples: samplesOf(history.hotApplies, ["kind", "result"], HOT_APPLIES),
    },
    {
      name: "reload_duration_seconds",
      type: "histogram",
      help: "From the start of a new process until it serves, in successful reloads.",
      samples: histogramSamples(history.reloadSeconds),
    },
    gauge("serving_last_good", {
      help: "Whether recorded files serve (--last-good), since those on disk did not start.",
      value: lastGoodOf(state) === null ? 0 : 1,
    }),
    gauge("generation", {
      help: "The generation that serves, 0 if none does.",
      value: servingIn(state)?.number ?? 0,
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
    {
      name: "drains_ended_total",
      type: "counter",
      help: "Drains by their end: by itself, at the limit by SIGTERM or SIGKILL, by a crash.",
      samples: samplesOf(history.drainsEnded, ["how"], DRAIN_ENDS),
    },
    {
      name: "respawns_total",
      type: "counter",
      help: "Starts in the place of a serving process that ended by itself.",
      samples: [{ value: history.respawns }],
    },
    {
      name: "bugs_total",
      type: "counter",
      help: "Bugs in the wrapper that were caught; the log and /status tell what they are.",
      samples: [{ value: history.bugs }],
    },
    {
      name: "drains_cut_total",
      type: "counter",
      help: "Drains that were ended before they were done, by the limit that they met.",
      samples: samplesOf(history.drainsCut, ["reason"], CUT_REASONS),
    },
    {
      name: "process_exits_total",
      type: "counter",
      help: "HAProxy processes that ended, by what they were and their status as a shell has it.",
      samples: samplesOf(history.processExits, ["role", "status"], []),
    },
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

/** The keys that are `true` have a sample from the start. A key that is forgotten here does not compile. */
const shown = <Key extends string>(keys: Readonly<Record<Key, boolean>>): readonly string[] =>
  Object.entries(keys).filter(([, isShown]) => isShown).map(([key]) => key);

const RELOAD_RESULTS = shown<Change["result"]>({ success: true, failure: true });
const DRAIN_ENDS = shown<DrainHow>({
  drained: true,
  terminated: true,
  killed: true,
  crashed: true,
});
/** Drain limits from the start, the other reasons once they occur. */
const CUT_REASONS = shown<EndReason>({
  "shutdown-wait": true,
  "max-draining": true,
  memory: true,
  rejected: false,
  SIGTERM: false,
  SIGINT: false,
});
const HOT_APPLY_RESULTS = shown<HotApplyResult>({
  success: true,
  refused: true,
  unconfirmed: true,
});
const HOT_APPLIES = TARGET_TAGS.flatMap((kind) =>
  HOT_APPLY_RESULTS.map((result) => `${kind} ${result}`)
);

/** A sample for each of `always`, so that the first event is an increase, and for all else that was counted. */
function samplesOf(
  counts: Counts,
  names: readonly string[],
  always: readonly string[],
): readonly Sample[] {
  return [...new Set([...always, ...counts.keys()])].map((key) => {
    const values = key.split(" ");
    const labels = Object.fromEntries(names.map((name, index) => [name, values[index]!]));
    return { labels, value: counts.get(key) ?? 0 };
  });
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
