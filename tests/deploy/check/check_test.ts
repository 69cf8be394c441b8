/** What a check before a deploy finds, in CI and in the cluster, and what only the pod can know. */
import assert from "node:assert/strict";
import { join } from "@std/path";
import { parse } from "npm:yaml@2.9.1";
import { readInvocation } from "../../../lib/settings/settings.ts";
import { freePort } from "../../support/machine/free_port.ts";
import { testNeeding } from "../../support/needs.ts";
import { ONE_FORM, RUNNABLE } from "../../support/wrapper/program.ts";
import { TempFolder } from "../../support/machine/temp_folder.ts";
import { Workspace } from "../../support/wrapper/workspace.ts";
import { type Manifest, manifestOf } from "../kubernetes/manifests.ts";
import { CONFIGURATION, located, mount } from "../kubernetes/mounted.ts";
import { problemsOf, validation } from "../kubernetes/schemas.ts";

const read = (name: string) =>
  parse(Deno.readTextFileSync(join(import.meta.dirname!, name))) as Manifest;

const JOB = read("job.yaml");
const STEPS = read("workflow.yml").jobs.check.steps;

/** What stands behind the image's name. */
const CI_ARGS: readonly string[] = /haproxy-reload-wrapper:\S+ (.*)$/
  .exec(STEPS.at(-1).run)![1]!.split(" ");
const JOB_ARGS: readonly string[] = JOB.spec.template.spec.containers[0].args;

const UNRESOLVED = `
backend app
    server app app.default.svc.invalid:8080 check
`;

interface Case {
  readonly what: string;
  readonly change?: (configuration: string) => string;
  /** The certificate's key is not mounted. */
  readonly lacksKey?: boolean;
  /** The exit status in CI and in the cluster, and what the one that fails says. */
  readonly statuses: readonly [ci: number, job: number];
  readonly says?: RegExp;
}

const CASES: readonly Case[] = [
  { what: "a good configuration", statuses: [0, 0] },
  {
    what: "an unknown keyword",
    change: (text) => `${text}\nnonsense\n`,
    statuses: [1, 1],
    says: /unknown keyword 'nonsense'/,
  },
  {
    what: "a missing file",
    change: (text) => text.replace("crt /certs/tls.crt", "crt /certs/other.crt"),
    statuses: [1, 1],
    says: /certs\/other\.crt/,
  },
  { what: "a certificate without its key", lacksKey: true, statuses: [1, 1], says: /Private Key/ },
  {
    what: "a backend that is not there",
    change: (text) => text.replace("default_backend demo", "default_backend none"),
    statuses: [1, 1],
    says: /unable to find required default_backend: 'none'/,
  },
  {
    what: "a name that does not resolve, which CI cannot know",
    change: (text) => text + UNRESOLVED,
    statuses: [0, 1],
    says: /could not resolve address 'app\.default\.svc\.invalid'/,
  },
];

for (
  const { what, change = (text: string) => text, lacksKey = false, statuses, says = /^/ } of CASES
) {
  testNeeding(
    [RUNNABLE],
    `${what}: ${statuses[0]} in CI, ${statuses[1]} in the cluster`,
    async () => {
      await using folder = new TempFolder();
      const ports = { http: freePort(), https: freePort() };
      mount(folder, ports);
      if (lacksKey) await Deno.remove(folder.at("certs/tls.key"));
      const configuration = located(change(CONFIGURATION), folder, ports);
      for (const [index, args] of [CI_ARGS, JOB_ARGS].entries()) {
        const { status, output } = await check(configuration, args);
        assert.equal(status, statuses[index], output);
        if (status !== 0) assert.match(output, says);
      }
    },
  );
}

testNeeding([RUNNABLE], "a taken port is known only where it is bound", async () => {
  await using folder = new TempFolder();
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const ports = { http: (listener.addr as Deno.NetAddr).port, https: freePort() };
  mount(folder, ports);
  const configuration = located(CONFIGURATION, folder, ports);
  assert.equal((await check(configuration, JOB_ARGS)).status, 0);
  const { status, output } = await check(configuration, []);
  assert.equal(status, 1, output);
  assert.match(output, /cannot bind socket/);
});

Deno.test("the Job has what the pods have, but for the configuration", () => {
  const [own, pod] = [JOB, manifestOf("Deployment")].map(({ spec }) => spec.template.spec);
  const [container, other] = [own.containers[0], pod.containers[0]];
  for (const name of ["image", "resources", "securityContext", "terminationMessagePolicy"]) {
    assert.deepEqual(container[name], other[name], name);
  }
  for (const name of ["securityContext", "automountServiceAccountToken", "enableServiceLinks"]) {
    assert.deepEqual(own[name], pod[name], name);
  }
  const shared = (all: Manifest[]) => all.filter(({ name }) => name !== "last-good");
  assert.deepEqual(container.volumeMounts, shared(other.volumeMounts));
  const [configuration, ...volumes] = own.volumes;
  assert.equal(configuration.configMap.name, "haproxy-check");
  assert.deepEqual(volumes, shared(pod.volumes).slice(1));
  assert.notEqual(
    JOB.spec.template.metadata.labels["app.kubernetes.io/name"],
    manifestOf("Service").spec.selector["app.kubernetes.io/name"],
  );
});

Deno.test("Kubernetes takes the Job", async () => {
  assert.equal(await problemsOf({ job: validation(JOB) }), "");
});

Deno.test("both only check, and CI mounts what the Job mounts", () => {
  for (const args of [CI_ARGS, JOB_ARGS]) {
    const { tag, problems } = readInvocation(args, {}) as { tag: string; problems?: string[] };
    assert.deepEqual([tag, problems], ["check", []]);
  }
  const { run } = STEPS.at(-1);
  const mounts = [...run.matchAll(/--volume "\$PWD\/\w+:([^:]+):ro"/g)].map(([, path]) => path);
  const paths = JOB.spec.template.spec.containers[0].volumeMounts
    .filter(({ readOnly }: Manifest) => readOnly).map(({ mountPath }: Manifest) => mountPath);
  assert.deepEqual(mounts, paths);
  const [image] = /ghcr\.io\S+/.exec(run)!;
  assert.equal(image, JOB.spec.template.spec.containers[0].image);
});

async function check(configuration: string, args: readonly string[]) {
  await using workspace = new Workspace();
  await workspace.replace(configuration);
  const wrapper = workspace.start({ flags: args, program: ONE_FORM });
  return { status: await wrapper.exitCode, output: wrapper.output };
}
