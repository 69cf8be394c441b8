/** The chart renders what Kubernetes takes, and refuses wrong values by name. */
import assert from "node:assert/strict";
import { join } from "@std/path";
import denoJson from "../../../deno.json" with { type: "json" };
import { ACTIONS, OPTIONS } from "../../../lib/settings/options.ts";
import { readInvocation } from "../../../lib/settings/settings.ts";
import { testNeeding } from "../../support/needs.ts";
import { TempFolder } from "../../support/machine/temp_folder.ts";
import { type Manifest, parseYaml } from "../kubernetes/manifests.ts";
import { problemsOf, validation } from "../kubernetes/schemas.ts";
import { packageChart } from "./package.ts";
import { CHART, HELM, helm, objectOf, render, VALUE_FILES } from "./helm.ts";

const SCHEMA = JSON.parse(Deno.readTextFileSync(join(CHART, "values.schema.json")));

testNeeding([HELM], "helm lint finds nothing, whatever the values", async () => {
  for (const [name, files] of VALUE_FILES) {
    const values = files.flatMap((file) => ["--values", file]);
    const { success, stdout, stderr } = await helm("lint", "--strict", CHART, ...values);
    assert.ok(success, `${name}: ${stdout}${stderr}`);
  }
});

testNeeding([HELM], "no rendered object has an unknown field or a wrong value", async () => {
  assert.ok(VALUE_FILES.size > 6);
  const programs: Record<string, string> = {};
  for (const [name, files] of VALUE_FILES) {
    for (const manifest of await render(files)) {
      programs[`${name} ${manifest.kind} ${manifest.metadata.name}`] = validation(manifest);
    }
  }
  assert.equal(await problemsOf(programs), "");
});

testNeeding([HELM], "the program takes the arguments of every Deployment and Job", async () => {
  for (const [name, files] of VALUE_FILES) {
    const manifests = await render(files);
    for (const { kind, spec } of manifests.filter(({ spec }) => spec?.template)) {
      const [{ args }] = spec.template.spec.containers;
      const { tag, problems } = read(args);
      assert.deepEqual([tag, problems], [kind === "Job" ? "check" : "run", []], name);
    }
  }
});

testNeeding(
  [HELM],
  "every selector finds the pods, every mount its volume, every probe its port",
  async () => {
    for (const [name, files] of VALUE_FILES) {
      const manifests = await render(files);
      const { spec } = objectOf(manifests, "Deployment");
      const { labels } = spec.template.metadata;
      const pod = spec.template.spec;
      const [container] = pod.containers;
      const selectors = manifests.flatMap(({ kind, spec }) => selectorsOf(kind, spec));
      assert.ok(selectors.length >= 2, name);
      for (const selector of selectors) {
        for (const [key, value] of Object.entries(selector)) assert.equal(labels[key], value, name);
      }
      const volumes = pod.volumes.map(({ name }: Manifest) => name);
      assert.equal(new Set(volumes).size, volumes.length, name);
      for (const mount of container.volumeMounts) {
        assert.ok(volumes.includes(mount.name), `${name}: ${mount.name}`);
        assert.ok(!("subPath" in mount), `${name}: ${mount.name}`);
      }
      const { statusListen } = read(container.args).settings;
      const status = container.ports.find((port: Manifest) => port.name === "status");
      assert.equal(statusListen?.tag === "tcp" && statusListen.port, status.containerPort, name);
      for (const probe of ["startupProbe", "livenessProbe", "readinessProbe"]) {
        assert.equal(container[probe].httpGet.port, "status", name);
      }
    }
  },
);

testNeeding([HELM], "a changed configuration changes the ConfigMap and no pod", async () => {
  const [before, after] = await Promise.all(
    ["one", "two"].map((text) => render([], { options: ["--set", `configuration.text=${text}`] })),
  );
  const deployments = [before!, after!].map((manifests) => objectOf(manifests, "Deployment"));
  assert.deepEqual(deployments[0], deployments[1]);
  assert.equal(objectOf(after!, "ConfigMap").data["haproxy.cfg"], "two");
});

testNeeding([HELM], "the check has the new configuration before the release has", async () => {
  const manifests = await render(VALUE_FILES.get("tls"));
  const job = objectOf(manifests, "Job");
  const hook = objectOf(manifests, "ConfigMap", "haproxy-check");
  const own = objectOf(manifests, "ConfigMap", "haproxy");
  assert.deepEqual(hook.data, own.data);
  assert.deepEqual(Object.keys(own.data).sort(), ["errors.http", "haproxy.cfg"]);
  for (const { metadata } of [job, hook]) {
    assert.equal(metadata.annotations["helm.sh/hook"], "pre-install,pre-upgrade");
  }
  const weights = [hook, job].map(({ metadata }) => +metadata.annotations["helm.sh/hook-weight"]);
  assert.ok(weights[0]! < weights[1]!);
  const { volumes, containers: [{ volumeMounts }] } = job.spec.template.spec;
  const deployment = objectOf(manifests, "Deployment").spec.template.spec;
  assert.equal(volumes[0].configMap.name, "haproxy-check");
  const rest = (all: Manifest[]) =>
    all.filter(({ name }) => name !== "configuration" && name !== "last-good");
  assert.deepEqual(rest(volumes), rest(deployment.volumes));
  assert.deepEqual(rest(volumeMounts), rest(deployment.containers[0].volumeMounts));
});

testNeeding([HELM], "alerts go by the name that the pods have", async () => {
  const rule = objectOf(await render(VALUE_FILES.get("monitoring")), "PrometheusRule");
  const expressions = rule.spec.groups.flatMap(({ rules }: Manifest) => rules)
    .map(({ expr }: Manifest) => expr).join("\n");
  assert.match(expressions, /job="edge-proxy"/);
  assert.doesNotMatch(expressions, /job="haproxy"/);
});

testNeeding([HELM], "a release packages it with what it links to, for its own images", async () => {
  await using folder = new TempFolder();
  const chart = await packageChart("Example/Proxy", folder.path);
  const values = VALUE_FILES.get("monitoring")!;
  const released = JSON.stringify(await render(values, { chart }));
  const image = `ghcr.io/example/proxy:${denoJson.version}-3.4`;
  const wanted = JSON.stringify(await render(values))
    .replaceAll("ghcr.io/OWNER/haproxy-reload-wrapper:3.4", image)
    .replaceAll("github.com/OWNER/haproxy-reload-wrapper", "github.com/Example/Proxy");
  assert.deepEqual(JSON.parse(released), JSON.parse(wanted));
  assert.ok(released.includes(image));
  assert.doesNotMatch(released, /OWNER/);
});

Deno.test("the chart has the program's version", () => {
  const [{ version, appVersion }] = parseYaml(Deno.readTextFileSync(join(CHART, "Chart.yaml")));
  assert.deepEqual([version, appVersion], [denoJson.version, denoJson.version]);
});

/** What the chart itself sets. */
const OWN_FLAGS = ["status-listen", "last-good"];

Deno.test("settings are the program's flags, a flag without a value is true or false", () => {
  const { properties } = SCHEMA.properties.settings;
  const options = Object.values(OPTIONS).filter(({ flag }) => !OWN_FLAGS.includes(flag));
  assert.deepEqual(Object.keys(properties).sort(), options.map(({ flag }) => flag).sort());
  for (const { flag, type } of options) {
    const { type: kind } = properties[flag];
    assert.equal(kind === "boolean", type.placeholder === null, flag);
    assert.equal(kind === "array", type.isRepeatable === true, flag);
  }
  for (const action of Object.keys(ACTIONS)) assert.ok(!(action in properties), action);
});

testNeeding([HELM], "the README's values are taken", async () => {
  await using folder = new TempFolder();
  const readme = Deno.readTextFileSync(join(CHART, "../../README.md"));
  const [, values] = /^```yaml\n(configuration: .*?)^```/ms.exec(readme)!;
  const manifests = await render([folder.write("values.yaml", values)]);
  const [{ args }] = objectOf(manifests, "Deployment").spec.template.spec.containers;
  assert.equal(read(args).settings.shutdownWaitMs, 600_000);
  objectOf(manifests, "Job", "haproxy-check");
});

/** By what `--set` sets: what is then said. Branches of helm name a place as `a.b` or as `/a/b`. */
const REFUSED: Readonly<Record<string, RegExp>> = {
  "replica=3": /additional propert\w+ '?replica'? (?:is )?not allowed/i,
  "replicas=two": /\breplicas\b.*string/,
  "settings.shutdownwait=5m": /settings\b.*\bshutdownwait\b.*not allowed/,
  "settings.shutdown-wait=soon": /settings.shutdown-wait\b.*pattern/,
  "settings.drain-delay=1.5h": /settings.drain-delay\b.*pattern/,
  "settings.no-reload=yes": /settings.no-reload\b.*string/,
  "settings.log-level=loud": /settings.log-level\b.*one of.*debug/,
  "settings.drain-delay=10m": /terminationGracePeriodSeconds: found 330, wanted more than 905/,
  "terminationGracePeriodSeconds=310":
    /found 310, wanted more than 310: drain-delay, shutdown-wait/,
  "image.tag=": /\bimage\b/,
  "image.digest=abc": /image.digest\b.*pattern/,
  "ports.http.containerPort=70000": /ports.http.containerPort\b.*65.?535/,
  "ports.http.containerPort=9101": /ports.http.containerPort: found statusPort \(9101\)/,
  "ports.status.containerPort=1": /status\b/,
  "secrets.certs.name=tls": /secrets.certs\b.*mountPath/,
  "secrets.tmp.name=x,secrets.tmp.mountPath=/x": /found the volume "tmp" in configMaps or secrets/,
  "podAnnotations.checksum/config=x": /checksum\/config/,
  "extraVolumeMounts[0].name=x,extraVolumeMounts[0].mountPath=/x,extraVolumeMounts[0].subPath=y":
    /extraVolumeMounts.0\b/,
  "service.type=ExternalName": /service.type\b.*one of.*ClusterIP/,
  "service.spec.selector.x=y": /selector/,
  "lastGood.existingClaim=claim": /lastGood.existingClaim: found more than one replica/,
  "configuration.files.haproxy\\.cfg=x": /haproxy\.cfg/,
};

testNeeding([HELM], "wrong values are refused by name", async () => {
  for (const [set, said] of Object.entries(REFUSED)) {
    const { success, stderr } = await helm("template", "haproxy", CHART, "--set", set);
    assert.ok(!success, set);
    assert.match(stderr, said, set);
  }
});

function read(args: readonly string[]) {
  const invocation = readInvocation(args, {});
  assert.ok("settings" in invocation);
  return invocation;
}

function selectorsOf(kind: string, spec: Manifest): Record<string, string>[] {
  switch (kind) {
    case "Service":
      return [spec.selector];
    case "Deployment":
    case "PodDisruptionBudget":
      return [spec.selector.matchLabels];
    case "NetworkPolicy":
      return [spec.podSelector.matchLabels];
    default:
      return [];
  }
}
