/** Reads the manifests beside it. */
import { basename, join } from "@std/path";
import { parseAllDocuments } from "npm:yaml@2.9.1";

export const FOLDER = import.meta.dirname!;

const NOT_APPLIED = ["kustomization.yaml", "alerts_test.yaml", "kind.yaml"];

// deno-lint-ignore no-explicit-any -- as varied as Kubernetes is; schema_test.ts checks their types.
export type Manifest = any;

export interface InFile {
  readonly file: string;
  readonly manifest: Manifest;
}

/** All that are to be applied. */
export const MANIFESTS: readonly InFile[] = [FOLDER, join(FOLDER, "monitoring")]
  .flatMap(manifestsIn);

export function manifestOf(kind: string, name = "haproxy"): Manifest {
  const found = MANIFESTS.find(({ manifest }) =>
    manifest.kind === kind && manifest.metadata.name === name
  );
  if (found === undefined) throw new Error(`there is no ${kind} "${name}"`);
  return found.manifest;
}

export function parseYaml(text: string): Manifest[] {
  return parseAllDocuments(text).map((document) => {
    if (document.errors.length > 0) throw document.errors[0];
    return document.toJS();
  });
}

function manifestsIn(folder: string): InFile[] {
  return [...Deno.readDirSync(folder)].map(({ name }) => name).sort()
    .filter((name) => name.endsWith(".yaml") && !NOT_APPLIED.includes(name))
    .map((name) => join(folder, name))
    .flatMap((path) =>
      parseYaml(Deno.readTextFileSync(path)).map((manifest) => ({ file: basename(path), manifest }))
    );
}
