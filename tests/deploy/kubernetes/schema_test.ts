/** Kubernetes, the Prometheus operator and Grafana accept the manifests and the dashboard. */
import assert from "node:assert/strict";
import { join } from "@std/path";
import { FOLDER, MANIFESTS } from "./manifests.ts";
import { problemsOf, validation } from "./schemas.ts";

const GRAFANA = "npm:@grafana/grafana-foundation-sdk@0.0.21";

Deno.test("no manifest has an unknown field or a wrong value", async () => {
  const programs = MANIFESTS.map(({ file, manifest }) => [
    `${file} ${manifest.metadata.name}`,
    validation(manifest),
  ]);
  assert.equal(await problemsOf(Object.fromEntries(programs)), "");
});

Deno.test("an unknown field and a value that Kubernetes does not accept are reported", async () => {
  const budget = { apiVersion: "policy/v1", kind: "PodDisruptionBudget" };
  const unknown = validation({ ...budget, spec: { maxUnavailabel: 1 } });
  assert.match(await problemsOf({ unknown }), /maxUnavailabel/);
  const service = { apiVersion: "v1", kind: "Service" };
  const wrong = validation({ ...service, metadata: { creationTimestamp: "now" } });
  assert.match(await problemsOf({ wrong }), /creationTimestamp must match/);
});

Deno.test("dashboard.json has no unknown field and no wrong value", async () => {
  const dashboard = await Deno.readTextFile(join(FOLDER, "monitoring/dashboard.json"));
  assert.equal(await problemsOf({ dashboard: typedDashboard(dashboard) }), "");
});

Deno.test("a field that Grafana does not know is reported", async () => {
  const panel = { type: "stat", targets: [], options: { graphMood: "none" } };
  const dashboard = typedDashboard(JSON.stringify({ schemaVersion: 42, panels: [panel] }));
  assert.match(await problemsOf({ dashboard }), /graphMood/);
});

/** A program of types only. Enumerations are strings, as in JSON. */
function typedDashboard(json: string): string {
  const kinds = ["stat", "statetimeline", "table", "timeseries"];
  return `import type * as dashboard from "${GRAFANA}/dashboard";
import type { Dataquery } from "${GRAFANA}/prometheus";
${kinds.map((kind) => `import type * as ${kind} from "${GRAFANA}/${kind}";`).join("\n")}
type Texts<T> = T extends string ? \`\${T}\` : T extends object ? { [K in keyof T]: Texts<T[K]> } : T;
type Defaults = Omit<dashboard.FieldConfig, "custom">;
interface Panel<Type, Options, Custom> extends Omit<dashboard.Panel, "type" | "fieldConfig" | "targets"> {
  type: Type;
  options: Options;
  fieldConfig: { defaults: Defaults & { custom?: Partial<Custom> }; overrides: dashboard.FieldConfigSource["overrides"] };
  targets: Omit<Dataquery, "_implementsDataqueryVariant">[];
}
type Panels =
  | Panel<"stat", stat.Options, never>
  | Panel<"state-timeline", statetimeline.Options, statetimeline.FieldConfig>
  | Panel<"table", Partial<table.Options>, Record<string, unknown>>
  | Panel<"timeseries", timeseries.Options, timeseries.FieldConfig>;
export const checked: Texts<Omit<dashboard.Dashboard, "panels"> & { panels: Panels[] }> = ${json};`;
}
