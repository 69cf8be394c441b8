/**
 * The values for haproxytech's chart, rendered with the real chart, which HAPROXYTECH_CHART names: a directory or an
 * archive. It is no part of this project.
 */
import assert from "node:assert/strict";
import { join } from "@std/path";
import { readInvocation } from "../../../lib/settings/settings.ts";
import { type Need, testNeeding } from "../../support/needs.ts";
import { type Manifest, manifestOf } from "../kubernetes/manifests.ts";
import { problemsOf, validation } from "../kubernetes/schemas.ts";
import { StandIn } from "../kubernetes/stand_in.ts";
import { HELM, objectOf, render } from "./helm.ts";

const CHART = Deno.env.get("HAPROXYTECH_CHART") ?? "";
const NEEDED: Need = {
  missing: CHART === "" ? "needs HAPROXYTECH_CHART" : null,
  isOptional: true,
};
const NEEDS = [HELM, NEEDED];

const [VALUES, OPERATOR] = ["haproxytech.yaml", "haproxytech-operator.yaml"].map((name) =>
  join(import.meta.dirname!, name)
);

const CONFIGURATION: string = manifestOf("ConfigMap").data["haproxy.cfg"];

async function rendered(files = [VALUES!], config = CONFIGURATION): Promise<Manifest[]> {
  const options = [
    "--set-literal",
    `config=${config}`,
    "--api-versions",
    "monitoring.coreos.com/v1",
  ];
  return await render(files, { chart: CHART, options });
}

testNeeding(NEEDS, "Kubernetes and the operator take what is rendered", async () => {
  const manifests = await rendered([VALUES!, OPERATOR!]);
  const kinds = manifests.map(({ kind }) => kind);
  for (const kind of ["Deployment", "Service", "ServiceMonitor"]) assert.ok(kinds.includes(kind));
  const programs = manifests.map((manifest) => [
    `${manifest.kind} ${manifest.metadata.name}`,
    validation(withoutNull(manifest)),
  ]);
  assert.equal(await problemsOf(Object.fromEntries(programs)), "");
});

testNeeding(
  NEEDS,
  "a changed configuration restarts no pod; with the chart's own values it would",
  async () => {
    const deployments = async (files: string[]) =>
      await Promise.all(
        ["one", "two"].map(async (config) => objectOf(await rendered(files, config), "Deployment")),
      );
    const [before, after] = await deployments([VALUES!]);
    assert.deepEqual(before, after);
    const [own, changed] = await deployments([]);
    assert.notDeepEqual(own, changed);
  },
);

testNeeding(NEEDS, "it says what our Deployment says, as far as the chart can", async () => {
  const theirs = objectOf(await rendered(), "Deployment").spec.template.spec;
  const ours = manifestOf("Deployment").spec.template.spec;
  const [container, own] = [theirs.containers[0], ours.containers[0]];
  for (const name of ["image", "startupProbe", "readinessProbe", "securityContext"]) {
    assert.deepEqual(container[name], own[name], name);
  }
  const { sysctls, ...rights } = theirs.securityContext;
  assert.deepEqual(rights, ours.securityContext);
  assert.deepEqual(sysctls, [{ name: "net.ipv4.ip_unprivileged_port_start", value: "0" }]);
  assert.equal(theirs.terminationGracePeriodSeconds, ours.terminationGracePeriodSeconds);
  assert.equal(theirs.automountServiceAccountToken, ours.automountServiceAccountToken);
  const read = (args: string[]) => readInvocation([...ENTRYPOINT, ...args], {});
  assert.deepEqual(read(container.args), read(own.args));
  const mounted = (all: Manifest[], paths: string[]) =>
    all.filter(({ mountPath }) => paths.includes(mountPath));
  const paths = ["/tmp", "/var/lib/haproxy/last-good"];
  assert.deepEqual(
    mounted(container.volumeMounts, paths),
    mounted(own.volumeMounts, paths),
  );
  const names = ["tmp", "last-good"];
  const volumes = (all: Manifest[]) => all.filter(({ name }) => names.includes(name));
  assert.deepEqual(volumes(theirs.volumes), volumes(ours.volumes));
  const configuration = container.volumeMounts.find(({ mountPath }: Manifest) =>
    mountPath === "/usr/local/etc/haproxy"
  );
  assert.ok(configuration !== undefined && !("subPath" in configuration));
});

/** To Kubernetes the chart's `annotations:` without any is none. */
const withoutNull = (manifest: Manifest): Manifest =>
  JSON.parse(JSON.stringify(manifest, (_, value) => value ?? undefined));

/** The image's. */
const ENTRYPOINT = ["-f", "/usr/local/etc/haproxy/haproxy.cfg"];

testNeeding(NEEDS, "Prometheus finds the metrics, by the operator or by annotations", async () => {
  const manifests = await rendered([VALUES!, OPERATOR!]);
  const { template } = objectOf(manifests, "Deployment").spec;
  const ports = template.spec.containers[0].ports;
  const status = ports.find(({ name }: Manifest) => name === "status");
  assert.equal(template.metadata.annotations["prometheus.io/port"], String(status.containerPort));
  const [{ port, path, relabelings }] = objectOf(manifests, "ServiceMonitor").spec.endpoints;
  assert.deepEqual(
    relabelings,
    [{ targetLabel: "job", replacement: "haproxy" }],
    "the alerts' job",
  );
  const service = objectOf(manifests, "Service").spec;
  const served = service.ports.find(({ name }: Manifest) => name === port);
  assert.deepEqual([path, served.targetPort], ["/metrics", "status"]);
  const plain = objectOf(await rendered(), "Service").spec.ports.map(({ name }: Manifest) => name);
  assert.ok(!plain.includes("status"), "the status page is not public by default");
});

testNeeding(NEEDS, "the scenario goes through with what it renders", async () => {
  const manifests = await rendered();
  const theirs = ["Deployment", "Service haproxy", "ConfigMap"];
  await using cluster = new StandIn();
  const answers = await cluster.run({
    find: (kind, name = "haproxy") =>
      [kind, `${kind} ${name}`].some((one) => theirs.includes(one))
        ? objectOf(manifests, kind, name)
        : manifestOf(kind, name),
  });
  assert.ok(answers > 100);
});
