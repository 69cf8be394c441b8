/** The chart and the kustomize manifests say the same. */
import assert from "node:assert/strict";
import { join } from "@std/path";
import { testNeeding } from "../../support/needs.ts";
import {
  FOLDER as KUSTOMIZE,
  type Manifest,
  manifestOf,
  parseYaml,
} from "../kubernetes/manifests.ts";
import { HELM, KUBECTL, run } from "./helm.ts";
import { renderAsKustomize } from "./as_kustomize.ts";

testNeeding([HELM, KUBECTL], "chart and kustomize render the same", async () => {
  const rendered = (await renderAsKustomize()).map(comparable);
  const folders = [KUSTOMIZE, join(KUSTOMIZE, "monitoring")];
  const built = (await Promise.all(folders.map(kustomize))).flat();
  const wanted = [...built, manifestOf("NetworkPolicy")].filter(({ kind }) => kind !== "Secret");
  assert.deepEqual(byName(rendered), byName(wanted.map(comparable)));
});

testNeeding([HELM], "a difference would be found", async () => {
  const [deployment] = (await renderAsKustomize("replicas=3")).filter(({ kind }) =>
    kind === "Deployment"
  );
  assert.notDeepEqual(comparable(deployment), comparable(manifestOf("Deployment")));
});

async function kustomize(folder: string): Promise<Manifest[]> {
  const { success, stdout, stderr } = await run("kubectl", ["kustomize", folder]);
  assert.ok(success, stderr);
  return parseYaml(stdout);
}

/** What Helm adds to each object, and what Kubernetes adds by itself. */
const ADDED = [
  "app.kubernetes.io/instance",
  "app.kubernetes.io/version",
  "app.kubernetes.io/managed-by",
  "helm.sh/chart",
  "imagePullPolicy",
];

/** Without that, and with lists in one order where the order has no meaning. */
function comparable(value: Manifest): Manifest {
  if (Array.isArray(value)) {
    const all = value.map(comparable);
    const isNamed = all.every((one) => typeof one === "object" && "name" in one);
    const isArguments = all.every((one) => typeof one === "string" && one.startsWith("--"));
    return isNamed ? all.sort((a, b) => a.name < b.name ? -1 : 1) : isArguments ? all.sort() : all;
  }
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).filter(([key, inner]) =>
    !ADDED.includes(key) &&
    !(key === "labels" && Object.keys(comparable(inner as Manifest)).length === 0)
  );
  return Object.fromEntries(entries.map(([key, inner]) => [key, comparable(inner)]));
}

const byName = (manifests: readonly Manifest[]) =>
  Object.fromEntries(manifests.map((one) => [`${one.kind} ${one.metadata.name}`, one]));
