/** What Kubernetes and the Prometheus operator accept, as published models of their objects say. */
import { TempFolder } from "../../support/machine/temp_folder.ts";

const KUBERNETES = "npm:kubernetes-models@5.1.0";
const OPERATOR = "npm:@kubernetes-models/prometheus-operator@6.0.0";

interface Typed {
  readonly apiVersion: string;
  readonly kind: string;
  readonly [field: string]: unknown;
}

/** A program that passes the manifest to its model: the types check fields, the schema values. */
export function validation({ apiVersion, kind, ...fields }: Typed): string {
  const models = apiVersion.startsWith("monitoring.coreos.com/") ? OPERATOR : KUBERNETES;
  return `import { ${kind} } from "${models}/${apiVersion}/${kind}";
new ${kind}(${JSON.stringify(fields)}).validate();`;
}

/** What Deno prints about the programs, whose types it checks first; nothing if all succeed. */
export async function problemsOf(programs: Readonly<Record<string, string>>): Promise<string> {
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
