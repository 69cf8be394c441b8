/** What the manifests promise, tested on a cluster under load. */
import assert from "node:assert/strict";
import { waitFor } from "../../support/wait.ts";
import { Cluster, type Kubectl } from "./cluster.ts";
import type { Load } from "../../support/clients/load.ts";
import { isServed, loadOn } from "./load.ts";
import { type Manifest, manifestOf } from "./manifests.ts";

export interface ScenarioOptions {
  readonly kubectl: Kubectl;
  readonly image: string;
  readonly namespace: string;
  /** The Service's node ports on 127.0.0.1. */
  readonly ports: { readonly http: number; readonly https: number };
  /** How long the cluster may take to publish a change: the kubelet usually about a minute. */
  readonly publishedWithinMs?: number;
  readonly log?: (line: string) => void;
  /** Finds what to apply; by default the manifests beside this file. */
  readonly find?: (kind: string, name?: string) => Manifest;
}

/** @returns how many requests were answered. */
export async function runScenario(options: ScenarioOptions): Promise<number> {
  const scenario = new Scenario(options);
  await scenario.deploy();
  const answers = await scenario.underLoad(async (load) => {
    await scenario.loadsWhatIsGood(load);
    await scenario.keepsWhatWasGood(load);
    await scenario.isPutRight(load);
    await scenario.losesPods();
    await scenario.isRolledOut();
  });
  await scenario.saysWhyItDoesNotStart();
  return answers;
}

const HELLO = "Hello from HAProxy";
const GOOD = "Hello again";
const NONSENSE = "nonsense";

class Scenario {
  readonly #cluster: Cluster;
  readonly #options: Required<ScenarioOptions>;

  constructor(options: ScenarioOptions) {
    this.#options = { publishedWithinMs: 180_000, log: console.log, find: manifestOf, ...options };
    this.#cluster = new Cluster(options.kubectl, options.namespace);
  }

  async deploy(): Promise<void> {
    this.#say("all pods come up");
    const { namespace, image, ports } = this.#options;
    await this.#cluster.apply({
      apiVersion: "v1",
      kind: "Namespace",
      metadata: { name: namespace },
    });
    const [deployment, service] = [this.#options.find("Deployment"), this.#options.find("Service")]
      .map(copy);
    deployment.spec.template.spec.containers[0].image = image;
    for (const port of service.spec.ports) port.nodePort = ports[port.name as keyof typeof ports];
    await this.#cluster.apply(
      ...[
        this.#options.find("ConfigMap"),
        this.#options.find("Secret"),
        this.#options.find("PodDisruptionBudget"),
      ],
      ...[this.#options.find("Service", "haproxy-metrics"), service, deployment],
    );
    await this.#rollout();
  }

  async underLoad(work: (load: Load) => Promise<void>): Promise<number> {
    const { ports } = this.#options;
    const reached = { ...ports, certificate: this.#options.find("Secret").stringData["tls.crt"] };
    await waitFor("the Service", () => isServed(reached), { deadlineMs: 60_000 });
    await using load = loadOn(reached);
    await work(load);
    await load.stop();
    const { answers, connections, failures } = load;
    this.#say(`${answers} requests, ${connections} connections, ${failures.length} failures`);
    assert.deepEqual(failures, [], `${failures.length} requests failed`);
    return answers;
  }

  async loadsWhatIsGood(load: Load): Promise<void> {
    this.#say("a good change is loaded by every pod");
    const before = await this.#generations();
    await this.#configure((text) => text.replace(HELLO, GOOD));
    await this.#everyPod(
      "loads it",
      async (pod) => (await this.#generation(pod)) > before.get(pod)!,
    );
    await this.#everyPod("says so", async (pod) => await this.#succeeded(pod) === 1);
    await this.#serves(load, GOOD);
  }

  async keepsWhatWasGood(load: Load): Promise<void> {
    this.#say("a bad change is refused by every pod, and every pod stays ready");
    await this.#configure((text) => text.replace(HELLO, GOOD) + `\n${NONSENSE}\n`);
    await this.#everyPod(
      "says that it is refused",
      async (pod) => await this.#succeeded(pod) === 0,
    );
    await this.#everyPod("is ready", async (pod) => await this.#cluster.isReady(pod));
    await this.#serves(load, GOOD);
  }

  async isPutRight(load: Load): Promise<void> {
    this.#say("the change is taken back");
    await this.#configure((text) => text.replace(HELLO, GOOD));
    await this.#everyPod("says that all is well", async (pod) => await this.#succeeded(pod) === 1);
    await this.#everyPod("is ready", async (pod) => await this.#cluster.isReady(pod));
    await this.#serves(load, GOOD);
  }

  /** One after another, as when nodes are drained. */
  async losesPods(): Promise<void> {
    for (const pod of await this.#cluster.pods()) {
      this.#say(
        `pod ${pod} is deleted: it is not ready any more, and serves until its work is done`,
      );
      await this.#cluster.run("delete", "pod", pod, "--wait=false");
      await waitFor(
        `${pod} to be not ready, but there`,
        async () => !await this.#cluster.isReady(pod) && await this.#generation(pod) > 0,
        { deadlineMs: this.#options.publishedWithinMs },
      );
      await this.#cluster.run("wait", "--for=delete", `pod/${pod}`, "--timeout=340s");
      await this.#rollout();
    }
  }

  async isRolledOut(): Promise<void> {
    this.#say("all pods are replaced");
    const before = await this.#cluster.pods();
    await this.#cluster.run("rollout", "restart", "deployment/haproxy");
    await this.#rollout();
    const left = await this.#cluster.pods();
    assert.deepEqual(left.filter((pod) => before.includes(pod)), []);
  }

  async saysWhyItDoesNotStart(): Promise<void> {
    this.#say("a first start that fails leaves its reason in the termination message");
    const metadata = { name: "refused" };
    const data = { "haproxy.cfg": `${NONSENSE}\n` };
    await this.#cluster.apply({ apiVersion: "v1", kind: "ConfigMap", metadata, data });
    await this.#cluster.apply({
      apiVersion: "v1",
      kind: "Pod",
      metadata,
      spec: this.#refusedSpec(),
    });
    const message = await waitFor("the pod to end", async () => {
      const { status } = await this.#cluster.get("pod", "refused");
      return status.containerStatuses?.[0]?.state?.terminated?.message as string | undefined;
    }, { deadlineMs: 120_000 });
    assert.match(message, new RegExp(NONSENSE));
  }

  #refusedSpec(): Manifest {
    const spec = copy(this.#options.find("Deployment").spec.template.spec);
    spec.containers[0].image = this.#options.image;
    spec.volumes[0].configMap.name = "refused";
    return { ...spec, restartPolicy: "Never" };
  }

  async #configure(change: (text: string) => string): Promise<void> {
    const configMap = copy(this.#options.find("ConfigMap"));
    configMap.data["haproxy.cfg"] = change(configMap.data["haproxy.cfg"]);
    await this.#cluster.apply(configMap);
  }

  async #everyPod(what: string, holds: (pod: string) => Promise<boolean>): Promise<void> {
    const deadlineMs = this.#options.publishedWithinMs;
    for (const pod of await this.#cluster.pods()) {
      await waitFor(`pod ${pod}: ${what}`, async () => await holds(pod), { deadlineMs });
    }
  }

  /** Waits until old processes have drained and nothing else is served. */
  async #serves(load: Load, text: string): Promise<void> {
    await waitFor(`only "${text}" to be served`, async () => {
      load.texts.clear();
      await new Promise((resolve) => setTimeout(resolve, 500));
      return load.texts.size === 1 && load.texts.has(`${text}\n`);
    }, { deadlineMs: 60_000 });
  }

  async #rollout(): Promise<void> {
    await this.#cluster.run("rollout", "status", "deployment/haproxy", "--timeout=300s");
  }

  async #generations(): Promise<Map<string, number>> {
    const pods = await this.#cluster.pods();
    return new Map(
      await Promise.all(pods.map(async (pod) => [pod, await this.#generation(pod)] as const)),
    );
  }

  async #generation(pod: string): Promise<number> {
    return await this.#cluster.metric(pod, "generation") ?? 0;
  }

  async #succeeded(pod: string): Promise<number | null> {
    return await this.#cluster.metric(pod, "config_last_reload_successful");
  }

  #say(line: string): void {
    this.#options.log(`${new Date().toISOString()} ${line}`);
  }
}

const copy = (manifest: Manifest): Manifest => structuredClone(manifest);
