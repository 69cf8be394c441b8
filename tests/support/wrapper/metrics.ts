/** The metrics of the wrapper with their labels: what alerts and dashboards may ask for. */

const PREFIX = "haproxy_reload_wrapper_";

/** Those of histograms are followed by `_bucket`, `_sum` or `_count`, and `_bucket` has the label `le`. */
export const METRICS: Readonly<Record<string, readonly string[]>> = {
  config_last_reload_successful: [],
  config_last_reload_success_timestamp_seconds: [],
  reloads_total: ["result"],
  hot_applies_total: ["kind", "result"],
  reload_duration_seconds_bucket: ["le"],
  reload_duration_seconds_sum: [],
  reload_duration_seconds_count: [],
  serving_last_good: [],
  generation: [],
  draining_processes: [],
  drains_ended_total: ["how"],
  drains_cut_total: ["reason"],
  drain_oldest_seconds: [],
  removed_servers: [],
  watched_files: [],
  watch_events_total: [],
  poll_found_changes_total: [],
  respawns_total: [],
  bugs_total: [],
  process_exits_total: ["role", "status"],
  certificate_expiry_seconds: ["file"],
  build_info: ["version", "deno_version", "haproxy_version"],
};

/** The labels that Prometheus adds. */
const LABELS_OF_ALL = ["job", "namespace", "pod"];

/** The metrics and labels in an expression that do not exist. */
export function unknownIn(expression: string): string[] {
  const names = [...expression.matchAll(/\b(haproxy_reload\w+|up)\b/g)].map(([name]) => name!);
  const metrics = names.filter((name) => name !== "up").map((name) => name.replace(PREFIX, ""));
  const labels = metrics.flatMap((metric) => METRICS[metric] ?? []).concat(LABELS_OF_ALL);
  return [
    ...names.length === 0 ? [`no metric: ${expression}`] : [],
    ...metrics.filter((metric) => METRICS[metric] === undefined),
    ...labelsIn(expression).filter((label) => !labels.includes(label)),
  ];
}

function labelsIn(expression: string): string[] {
  const compared = [...expression.matchAll(/(\w+) *(?:=~|!~|!=|=) *"/g)].map(([, label]) => label!);
  const grouped = [...expression.matchAll(/\bby *\(([^)]*)\)/g)].map(([, list]) => list!);
  return [...compared, ...grouped.flatMap((list) => list.split(/ *, */))];
}
