/** The text format of Prometheus, version 0.0.4. Pure. */

export interface Metric {
  /** Without the prefix. */
  readonly name: string;
  readonly type: "counter" | "gauge" | "histogram";
  readonly help: string;
  readonly samples: readonly Sample[];
}

export interface Sample {
  /** What is added to the metric's name, as `_bucket` of a histogram. */
  readonly suffix?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly value: number;
}

/** All metrics with their help and type, each named with `prefix`. */
export function formatMetrics(prefix: string, metrics: readonly Metric[]): string {
  return metrics.map((metric) => formatMetric(prefix, metric)).join("");
}

function formatMetric(prefix: string, { name, type, help, samples }: Metric): string {
  const full = `${prefix}${name}`;
  const lines = samples.map(({ suffix = "", labels = {}, value }) =>
    `${full}${suffix}${formatLabels(labels)} ${value}\n`
  );
  return [
    `# HELP ${full} ${help.replaceAll("\\", "\\\\").replaceAll("\n", "\\n")}\n`,
    `# TYPE ${full} ${type}\n`,
    ...lines,
  ].join("");
}

function formatLabels(labels: Readonly<Record<string, string>>): string {
  const all = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`);
  return all.length === 0 ? "" : `{${all.join(",")}}`;
}

const escaped = (value: string) =>
  value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
