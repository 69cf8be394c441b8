/** The metrics as text, and as Prometheus' own parser reads them. */
import assert from "node:assert/strict";
import { TARGET_TAGS } from "../../../lib/hot_apply/kinds/target_kinds.ts";
import { newHistory } from "../../../lib/status/history/history.ts";
import { NO_COUNTS } from "../../../lib/status/history/counters.ts";
import { metricsText } from "../../../lib/status/metrics.ts";
import type { Snapshot } from "../../../lib/status/history/snapshot.ts";
import { STATES } from "../supervisor/samples.ts";
import { METRICS } from "../../support/wrapper/metrics.ts";
import { installed, testNeeding } from "../../support/needs.ts";
import { live, NOW_MS, SAMPLES, snapshot } from "./samples.ts";

const FILES = new Map([["/certs/a.pem", 2_000_000_000_000], ['/certs/"\\\n.pem', 1_000]]);

const linesOf = (one: Snapshot, files: ReadonlyMap<string, number> = new Map()) =>
  metricsText(one, files).trimEnd().split("\n");

/** The value of a sample, named without the prefix, as it is written. */
function valueOf(sample: string, one: Snapshot, files?: ReadonlyMap<string, number>) {
  const start = `haproxy_reload_wrapper_${sample} `;
  return linesOf(one, files).find((line) => line.startsWith(start))?.slice(start.length);
}

const FRESH = snapshot({ history: newHistory(NOW_MS), state: STATES.starting });
const BUSY = snapshot({
  history: {
    counts: {
      ...NO_COUNTS,
      reloads: new Map([["success", 3], ["failure", 1]]),
      hotApplies: new Map([["map refused", 2]]),
      drainsEnded: new Map([["killed", 4]]),
      respawns: new Map([["", 2]]),
      drainsCut: new Map([["memory", 3]]),
      processExits: new Map([["serving 139", 1]]),
    },
    reloadSeconds: { sum: 1.5, count: 3, buckets: [0, 1, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3] },
    lastSuccessMs: 1_500,
    failure: null,
    processes: new Map([live(5, 9_000, 7_000), live(6, 8_000, 500), live(7, 1_000)]),
    haproxyVersion: "2.6.12",
  },
});

const VALUES = {
  config_last_reload_successful: "1",
  config_last_reload_success_timestamp_seconds: "1.5",
  'reloads_total{result="success"}': "3",
  'reloads_total{result="failure"}': "1",
  'hot_applies_total{kind="map",result="refused"}': "2",
  'hot_applies_total{kind="map",result="success"}': "0",
  'reload_duration_seconds_bucket{le="0.01"}': "0",
  'reload_duration_seconds_bucket{le="0.05"}': "2",
  'reload_duration_seconds_bucket{le="60"}': "3",
  'reload_duration_seconds_bucket{le="+Inf"}': "3",
  reload_duration_seconds_sum: "1.5",
  reload_duration_seconds_count: "3",
  generation: "7",
  draining_processes: "2",
  drain_oldest_seconds: "7",
  'drains_ended_total{how="killed"}': "4",
  respawns_total: "2",
  'drains_cut_total{reason="memory"}': "3",
  'drains_cut_total{reason="max-draining"}': "0",
  'process_exits_total{role="serving",status="139"}': "1",
  removed_servers: "2",
  watched_files: "18",
  watch_events_total: "240",
  poll_found_changes_total: "0",
  'certificate_expiry_seconds{file="/certs/a.pem"}': "2000000000",
  'certificate_expiry_seconds{file="/certs/\\"\\\\\\n.pem"}': "1",
  'build_info{version="0.1.0",deno_version="2.9.6",haproxy_version="2.6.12"}': "1",
};

for (const [sample, value] of Object.entries(VALUES)) {
  Deno.test(`the metric ${sample}`, () => assert.equal(valueOf(sample, BUSY, FILES), value));
}

Deno.test("before anything serves, all counters are 0 and nothing is successful", () => {
  for (const sample of ['reloads_total{result="success"}', "generation", "drain_oldest_seconds"]) {
    assert.equal(valueOf(sample, FRESH), "0");
  }
  assert.equal(valueOf("config_last_reload_successful", FRESH), "0");
  assert.equal(
    linesOf(FRESH).filter((line) => /^\w+hot_applies_total\{/.test(line)).length,
    3 * TARGET_TAGS.length,
  );
  assert.equal(linesOf(FRESH).filter((line) => /^\w+drains_ended_total\{/.test(line)).length, 4);
});

Deno.test("a refused change is not a success, until it is over", () => {
  const failure = { generation: 8, reason: "x", alerts: [], sinceMs: 0, lastTriedMs: 0 };
  const degraded = snapshot({ history: { failure } });
  assert.equal(valueOf("config_last_reload_successful", degraded), "0");
});

Deno.test("each metric has one help and one type, and is known to the alerts and the README", async () => {
  const lines = linesOf(BUSY, FILES);
  const named = (word: string) =>
    lines.filter((line) => line.startsWith(`# ${word} `)).map((line) => line.split(" ")[2]!);
  const names = named("HELP").map((name) => name.replace("haproxy_reload_wrapper_", ""));
  assert.deepEqual(named("HELP"), named("TYPE"));
  assert.equal(new Set(names).size, names.length);
  const asked = Object.keys(METRICS).map((name) => name.replace(/_(?:bucket|sum|count)$/, ""));
  assert.deepEqual([...new Set(asked)].sort(), names.toSorted());
  const page = await Deno.readTextFile(new URL("../../../lib/status/README.md", import.meta.url));
  for (const name of names) assert.match(page, new RegExp(`\\| .*\`${name}(?:\\{|\`)`));
});

Deno.test("each sample has exactly the labels that alerts may use", () => {
  for (const line of linesOf(BUSY, FILES).filter((line) => !line.startsWith("#"))) {
    const [, name, labels = ""] = /^haproxy_reload_wrapper_(\w+)(?:\{(.*)\})? \S+$/.exec(line)!;
    const found = [...labels.matchAll(/(?:^|,)(\w+)="/g)].map(([, label]) => label!);
    assert.deepEqual(found, METRICS[name!], line);
  }
});

testNeeding([installed("promtool")], "Prometheus' own parser takes the text", async () => {
  for (const [one, files] of [[FRESH, new Map()], [BUSY, FILES]] as const) {
    const { success, report } = await checkMetrics(metricsText(one, files));
    assert.ok(success, report);
    assert.doesNotMatch(report, /error/i);
  }
  assert.equal((await checkMetrics("a{b} 1\n")).success, false);
});

async function checkMetrics(text: string): Promise<{ success: boolean; report: string }> {
  const command = new Deno.Command("promtool", {
    args: ["check", "metrics"],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  });
  const child = command.spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(text));
  await writer.close();
  const { code, stdout, stderr } = await child.output();
  const report = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes)).join("");
  // 3: only what its linter would name otherwise.
  return { success: code === 0 || code === 3, report };
}

Deno.test("the metrics show that last good files are served, and those on disk are not", () => {
  assert.equal(valueOf("serving_last_good", SAMPLES.lastGood), "1");
  assert.equal(valueOf("config_last_reload_successful", SAMPLES.lastGood), "0");
  assert.equal(valueOf("config_last_reload_success_timestamp_seconds", SAMPLES.lastGood), "0");
  for (const one of [SAMPLES.serving, SAMPLES.degraded, SAMPLES.starting]) {
    assert.equal(valueOf("serving_last_good", one), "0");
  }
});
