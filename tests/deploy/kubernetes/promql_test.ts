/** The alerts fire when they should and only then, and alerts and dashboard use existing metrics. */
import assert from "node:assert/strict";
import { join } from "@std/path";
import { stringify } from "npm:yaml@2.9.1";
import { installed, testNeeding } from "../../support/needs.ts";
import { TempFolder } from "../../support/machine/temp_folder.ts";
import { FOLDER, type Manifest, manifestOf, parseYaml } from "./manifests.ts";
import { unknownIn } from "../../support/wrapper/metrics.ts";

const RULES: Manifest = manifestOf("PrometheusRule").spec;
const ALERTS: Manifest[] = RULES.groups.flatMap(({ rules }: Manifest) => rules);
const TESTS = Deno.readTextFileSync(join(FOLDER, "alerts_test.yaml"));
const DASHBOARD: Manifest = JSON.parse(
  Deno.readTextFileSync(join(FOLDER, "monitoring/dashboard.json")),
);

/** Debian's package prometheus has it. */
const PROMTOOL = installed("promtool");

testNeeding(
  [PROMTOOL],
  "promtool accepts the alerts, and each fires when its tests say so",
  async () => {
    await using folder = new TempFolder();
    const rules = folder.write("rules.yaml", stringify(RULES));
    await promtool("check", "rules", rules);
    await promtool("test", "rules", folder.write("tests.yaml", TESTS));
  },
);

testNeeding([PROMTOOL], "promtool accepts every expression of the dashboard", async () => {
  await using folder = new TempFolder();
  const rules = dashboardExpressions().map((expression, index) => ({
    record: `panel_${index}`,
    expr: expression.replaceAll(/\$__(?:rate_interval|range)/g, "5m"),
  }));
  const text = stringify({ groups: [{ name: "dashboard", rules }] });
  await promtool("check", "rules", folder.write("rules.yaml", text));
});

Deno.test("each alert is tested both firing and silent", () => {
  for (const { alert } of ALERTS) {
    const tests = parseYaml(TESTS)[0].tests.map((test: Manifest) => firing(test));
    const both = tests.some((times: string[][]) =>
      times.some((names) => names.includes(alert)) && times.some((names) => !names.includes(alert))
    );
    assert.ok(both, alert);
  }
});

Deno.test("each alert says how bad it is, what has happened and what to do", () => {
  for (const { alert, labels, annotations } of ALERTS) {
    assert.match(alert, /^HAProxy[A-Z]/);
    assert.ok(["critical", "warning", "info"].includes(labels.severity), alert);
    assert.match(annotations.summary, /\.$/, alert);
    assert.match(annotations.description, /\. .*\.$/, alert);
    assert.match(annotations.runbook_url, /^https:\/\/github\.com\/OWNER\/.*\/README\.md#alerts$/);
  }
});

Deno.test("alerts and dashboard ask only for metrics and labels that exist", () => {
  const expressions = [...ALERTS.map(({ expr }) => expr), ...dashboardExpressions()];
  for (const expression of expressions) assert.deepEqual(unknownIn(expression), [], expression);
});

Deno.test("an unknown metric or label is reported", () => {
  assert.deepEqual(unknownIn("haproxy_reload_wrapper_reload_total"), ["reload_total"]);
  assert.deepEqual(unknownIn('haproxy_reload_wrapper_generation{how="x"}'), ["how"]);
  assert.deepEqual(unknownIn("sum by (pod, kind) (up)"), ["kind"]);
});

Deno.test("each panel has its own place and number, and uses the chosen data source", () => {
  const { panels, templating, uid, tags, refresh } = DASHBOARD;
  assert.equal(new Set(panels.map(({ id }: Manifest) => id)).size, panels.length);
  const cells = panels.flatMap(({ gridPos: { x, y, w, h } }: Manifest) => {
    assert.ok(x + w <= 24);
    return Array.from(
      { length: w * h },
      (_, cell) => `${x + cell % w} ${y + Math.floor(cell / w)}`,
    );
  });
  assert.equal(new Set(cells).size, cells.length, "two panels overlap");
  for (const { datasource, description, title } of panels) {
    assert.equal(datasource.uid, "${datasource}", title);
    assert.notEqual(description, "", title);
  }
  const variables = templating.list.map(({ name }: Manifest) => name);
  assert.deepEqual(variables, ["datasource", "namespace", "pod"]);
  assert.ok(uid && tags.length > 0 && refresh);
});

/** Those of panels and annotations; what variables ask is a metric and a label, and no PromQL. */
function dashboardExpressions(): string[] {
  const targets = DASHBOARD.panels.flatMap(({ targets }: Manifest) => targets);
  return [...targets, ...DASHBOARD.annotations.list].map(({ expr }: Manifest) => expr);
}

/** The alerts that a test expects, of each time at which it looks. */
function firing({ promql_expr_test: looks = [] }: Manifest): string[][] {
  return looks.map(({ exp_samples: samples }: Manifest) =>
    samples.map(({ labels }: Manifest) => /alertname="(\w+)"/.exec(labels)?.[1])
  );
}

async function promtool(...args: readonly string[]): Promise<void> {
  const { success, stdout, stderr } = await new Deno.Command("promtool", { args: [...args] })
    .output();
  const said = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes)).join("");
  assert.ok(success, said);
}
