/** The manifests agree with each other and with the program. */
import assert from "node:assert/strict";
import { join } from "@std/path";
import { readInvocation } from "../../../lib/settings/settings.ts";
import { FOLDER, type Manifest, manifestOf, MANIFESTS, parseYaml } from "./manifests.ts";

const DEPLOYMENT = manifestOf("Deployment").spec;
const POD = DEPLOYMENT.template.spec;
const [CONTAINER] = POD.containers;

/** From SIGTERM, at the end of --shutdown-wait, to SIGKILL. */
const KILL_MS = 5_000;

Deno.test("the program accepts the arguments", () => {
  const { tag, problems } = settings();
  assert.deepEqual([tag, problems], ["run", []]);
});

Deno.test("the grace period is longer than anything that the program does in it", () => {
  const { drainDelayMs, shutdownWaitMs } = settings().settings;
  assert.ok(shutdownWaitMs !== null, "there is no --shutdown-wait");
  const needMs = drainDelayMs + shutdownWaitMs + KILL_MS;
  const spareMs = POD.terminationGracePeriodSeconds * 1_000 - needMs;
  assert.ok(spareMs >= 10_000, `${spareMs} ms to spare`);
  assert.equal(CONTAINER.lifecycle, undefined, "--drain-delay takes the place of preStop");
});

Deno.test("a start may take as long as --ready-timeout", () => {
  const { periodSeconds, failureThreshold } = CONTAINER.startupProbe;
  assert.ok(periodSeconds * failureThreshold * 1_000 > settings().settings.readyTimeoutMs);
});

Deno.test("probes, container, Services and ServiceMonitor name the same ports", () => {
  const ports = Object.fromEntries(
    CONTAINER.ports.map(({ name, containerPort }: Manifest) => [name, containerPort]),
  );
  assert.deepEqual(ports, { http: 8080, https: 8443, status: 9101 });
  const { statusListen } = settings().settings;
  assert.equal(statusListen?.tag === "tcp" && statusListen.port, ports.status);
  for (const probe of ["startupProbe", "livenessProbe", "readinessProbe"]) {
    assert.equal(CONTAINER[probe].httpGet.port, "status", probe);
  }
  assert.equal(CONTAINER.livenessProbe.httpGet.path, "/healthz");
  assert.equal(CONTAINER.readinessProbe.httpGet.path, "/readyz");
  assert.deepEqual(portsOf("haproxy"), [["http", 80, "http"], ["https", 443, "https"]]);
  assert.deepEqual(portsOf("haproxy-metrics"), [["status", 9101, "status"]]);
  const [endpoint] = manifestOf("ServiceMonitor").spec.endpoints;
  assert.deepEqual([endpoint.port, endpoint.path], ["status", "/metrics"]);
  const binds = [...configuration().matchAll(/^ *bind :(\d+)/gm)].map(([, port]) => Number(port));
  assert.deepEqual(binds, [ports.http, ports.https]);
});

Deno.test("every selector finds what it is meant to", () => {
  const { labels } = DEPLOYMENT.template.metadata;
  const selectors = [
    DEPLOYMENT.selector.matchLabels,
    manifestOf("Service").spec.selector,
    manifestOf("Service", "haproxy-metrics").spec.selector,
    manifestOf("PodDisruptionBudget").spec.selector.matchLabels,
    manifestOf("NetworkPolicy").spec.podSelector.matchLabels,
    ...POD.topologySpreadConstraints.map(({ labelSelector }: Manifest) =>
      labelSelector.matchLabels
    ),
  ];
  for (const selector of selectors) assert.deepEqual(selector, labels);
  const { selector, jobLabel } = manifestOf("ServiceMonitor").spec;
  const metrics = manifestOf("Service", "haproxy-metrics").metadata.labels;
  assert.deepEqual(selector.matchLabels, metrics);
  assert.equal(metrics[jobLabel], "haproxy", "the alerts' job");
});

Deno.test("configuration and certificate are mounted as directories, and their volumes exist", () => {
  const mounts = CONTAINER.volumeMounts;
  for (const mount of mounts) {
    assert.ok(!("subPath" in mount) && !("subPathExpr" in mount), mount.name);
    assert.ok(POD.volumes.some(({ name }: Manifest) => name === mount.name), mount.name);
  }
  const paths = Object.fromEntries(
    mounts.map(({ name, mountPath }: Manifest) => [name, mountPath]),
  );
  assert.deepEqual(paths, {
    configuration: "/usr/local/etc/haproxy",
    certificates: "/certs",
    tmp: "/tmp",
    "last-good": settings().settings.lastGood,
  });
  const [configMap, secret, tmp, lastGood] = POD.volumes;
  assert.equal(configMap.configMap.name, manifestOf("ConfigMap").metadata.name);
  assert.equal(secret.secret.secretName, manifestOf("Secret").metadata.name);
  assert.equal(tmp.emptyDir.medium, "Memory");
  assert.equal(lastGood.emptyDir.medium, "Memory", "private keys on a disk");
});

Deno.test('the pod has only the rights of Pod Security\'s level "restricted", and a root to read', () => {
  const { runAsNonRoot, runAsUser, seccompProfile } = POD.securityContext;
  assert.deepEqual([runAsNonRoot, runAsUser, seccompProfile.type], [true, 99, "RuntimeDefault"]);
  assert.deepEqual(CONTAINER.securityContext, {
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ["ALL"] },
  });
  assert.equal(POD.automountServiceAccountToken, false);
});

Deno.test("a rollout takes no pod away before the next one serves", () => {
  assert.deepEqual(DEPLOYMENT.strategy.rollingUpdate, { maxUnavailable: 0, maxSurge: 1 });
  assert.equal(DEPLOYMENT.replicas, 2);
});

Deno.test("every manifest is in a kustomization, or named there as optional", () => {
  const texts = ["", "monitoring"].map((folder) =>
    Deno.readTextFileSync(join(FOLDER, folder, "kustomization.yaml"))
  );
  for (const { file } of MANIFESTS) assert.ok(texts.join("").includes(`- ${file}`), file);
  for (const [index, text] of texts.entries()) {
    const [{ resources }] = parseYaml(text);
    for (const name of resources) Deno.statSync(join(FOLDER, ["", "monitoring"][index]!, name));
  }
});

const configuration = () => manifestOf("ConfigMap").data["haproxy.cfg"] as string;

function settings() {
  const invocation = readInvocation(CONTAINER.args, {});
  assert.ok("settings" in invocation);
  return invocation;
}

const portsOf = (service: string) =>
  manifestOf("Service", service).spec.ports.map(({ name, port, targetPort }: Manifest) => [
    name,
    port,
    targetPort,
  ]);
