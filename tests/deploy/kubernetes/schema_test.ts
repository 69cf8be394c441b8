/** Kubernetes, the Prometheus operator and Grafana accept the manifests and the dashboard. */
import assert from "node:assert/strict";
import { join } from "@std/path";
import { TempFolder } from "../../support/temp_folder.ts";
import { FOLDER, MANIFESTS } from "./manifests.ts";

const KUBERNETES = "npm:kubernetes-models@5.1.0";
const OPERATOR = "npm:@kubernetes-models/prometheus-operator@6.0.0";
const GRAFANA = "npm:@grafana/grafana-foundation-sdk@0.0.21";

Deno.test("no manifest has an unknown field or a wrong value", async () => {
  const programs = MANIFESTS.map(({ file, manifest }) => [
    `${file} ${manifest.metadata.name}`,
    validation(manifest),
  ]);
  assert.equal(await problemsOf(Object.fromEntries(programs)), "");
});

Deno.test("a field that Kubernetes does not know, and a value that it does not take, are told", async () => {
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

Deno.test("a field that Grafana does not know is told", async () => {
  const panel = { type: "stat", targets: [], options: { graphMood: "none" } };
  const dashboard = typedDashboard(JSON.stringify({ schemaVersion: 42, panels: [panel] }));
  assert.match(await problemsOf({ dashboard }), /graphMood/);
});

interface Typed {
  readonly apiVersion: string;
  readonly kind: string;
  readonly [field: string]: unknown;
}

/** A program that passes the manifest to its model: the types check fields, the schema values. */
function validation({ apiVersion, kind, ...fields }: Typed): string {
  const models = apiVersion.startsWith("monitoring.coreos.com/") ? OPERATOR : KUBERNETES;
  return `import { ${kind} } from "${models}/${apiVersion}/${kind}";
new ${kind}(${JSON.stringify(fields)}).validate();`;
}

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

/** What Deno prints about the programs, whose types it checks first; nothing if all succeed. */
async function problemsOf(programs: Readonly<Record<string, string>>): Promise<string> {
  await using folder = new TempFolder();
  const paths = Object.entries(programs).map(([name, text]) => folder.write(`${name}.ts`, text));
  const all = folder.write(
    "all.ts",
    paths.map((path) => `import ${JSON.stringify(path)};`).join(""),
  );
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--no-config", "--check", "-A", all],
    cwd: folder.path,
    env: { NO_COLOR: "1" },
  }).output();
  return success ? "" : new TextDecoder().decode(stderr);
}
