/** Runs the real helm on the chart. */
import { join } from "@std/path";
import { installed, type Need } from "../../support/needs.ts";
import { type Manifest, parseYaml } from "../kubernetes/manifests.ts";

const FOLDER = import.meta.dirname!;
export const CHART = join(FOLDER, "haproxy-reload-wrapper");
const VALUES = join(FOLDER, "values");

/** Not every runner for arm64 has it. */
export const HELM: Need = { ...installed("helm"), isOptional: Deno.build.arch !== "x86_64" };
export const KUBECTL: Need = { ...installed("kubectl"), isOptional: HELM.isOptional! };

/** The paths of the values that the tests render, by name; `defaults` are the chart's own. */
export const VALUE_FILES: ReadonlyMap<string, readonly string[]> = new Map<
  string,
  readonly string[]
>([
  ["defaults", []],
  ...[...Deno.readDirSync(VALUES)].map(({ name }) =>
    [name.replace(".yaml", ""), [join(VALUES, name)]] as const
  ).sort(),
]);

export interface Said {
  readonly success: boolean;
  readonly stdout: string;
  readonly stderr: string;
}

export async function helm(...args: readonly string[]): Promise<Said> {
  return await run("helm", args);
}

export async function run(program: string, args: readonly string[]): Promise<Said> {
  const { success, stdout, stderr } = await new Deno.Command(program, { args: [...args] }).output();
  const decoder = new TextDecoder();
  const lines = decoder.decode(stderr).split("\n");
  // Helm names each link that it follows.
  const told = lines.filter((line) => !line.includes("found symbolic link in path"));
  return { success, stdout: decoder.decode(stdout), stderr: told.join("\n") };
}

/** The objects that `helm template` renders; throws what it says if it fails. */
export async function render(
  files: readonly string[] = [],
  { release = "haproxy", chart = CHART, options = [] as readonly string[] } = {},
): Promise<Manifest[]> {
  const values = files.flatMap((file) => ["--values", file]);
  const { success, stdout, stderr } = await helm("template", release, chart, ...values, ...options);
  if (!success) throw new Error(stderr);
  return parseYaml(stdout).filter((manifest) => manifest !== null);
}

export function objectOf(manifests: readonly Manifest[], kind: string, name?: string): Manifest {
  const found = manifests.find((manifest) =>
    manifest.kind === kind && (name === undefined || manifest.metadata.name === name)
  );
  if (found === undefined) throw new Error(`there is no ${kind} "${name ?? ""}"`);
  return found;
}
