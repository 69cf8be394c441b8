/**
 * Tests the manifests, or with the word `helm` what the chart renders, on the cluster that `kubectl` reaches:
 * .github/workflows/kubernetes.yml says how to make one.
 */
import { kubectl } from "./cluster.ts";
import { runScenario } from "./scenario.ts";

const isHelm = Deno.args.includes("helm");
const namespace = isHelm ? "haproxy-by-helm" : "haproxy-end-to-end";

try {
  await runScenario({
    kubectl,
    namespace,
    ports: { http: 30_080, https: 30_443 },
    ...isHelm ? { find: await (await import("../helm/as_kustomize.ts")).asKustomize() } : {},
    image: Deno.env.get("IMAGE") ?? "localhost/haproxy-reload-wrapper:test",
  });
} catch (error) {
  await showWhatThereIs();
  throw error;
}

async function showWhatThereIs(): Promise<void> {
  const own = ["--namespace", namespace];
  for (
    const words of [
      ["get", "pods,services,endpointslices,events", "--output", "wide"],
      ["describe", "pods"],
      ["logs", "--selector", "app.kubernetes.io/name=haproxy", "--prefix", "--tail", "200"],
    ]
  ) {
    const { stdout, stderr } = await kubectl([...own, ...words]);
    console.error(`--- kubectl ${words.join(" ")}\n${stdout}${stderr}`);
  }
}
