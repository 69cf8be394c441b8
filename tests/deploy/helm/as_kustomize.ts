/** The chart with the values that make it what the kustomize manifests are. */
import { stringify } from "npm:yaml@2.9.1";
import { TempFolder } from "../../support/machine/temp_folder.ts";
import { type Manifest, manifestOf } from "../kubernetes/manifests.ts";
import { objectOf, render } from "./helm.ts";

/** `set`: as for helm's `--set`. */
export async function renderAsKustomize(...set: readonly string[]): Promise<Manifest[]> {
  await using folder = new TempFolder();
  const values = folder.write("values.yaml", stringify(VALUES));
  return await render([values], { options: set.flatMap((one) => ["--set", one]) });
}

/** Finds what the chart renders; the Secret is not the chart's. */
export async function asKustomize(): Promise<(kind: string, name?: string) => Manifest> {
  const rendered = await renderAsKustomize();
  return (kind, name = "haproxy") =>
    kind === "Secret" ? manifestOf(kind, name) : objectOf(rendered, kind, name);
}

const VALUES = {
  configuration: { text: manifestOf("ConfigMap").data["haproxy.cfg"] },
  secrets: { certificates: { name: manifestOf("Secret").metadata.name, mountPath: "/certs" } },
  ports: { https: { containerPort: 8443, servicePort: 443 } },
  networkPolicy: { enabled: true },
  serviceMonitor: { enabled: true },
  prometheusRule: { enabled: true },
  dashboard: { enabled: true },
};
