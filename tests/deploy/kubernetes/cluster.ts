/** A namespace of a cluster, through `kubectl`. */
import type { Manifest } from "./manifests.ts";

export interface Said {
  readonly success: boolean;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `kubectl` with those words, and that text on its standard input. */
export type Kubectl = (words: readonly string[], input?: string) => Promise<Said>;

export const kubectl: Kubectl = async (words, input = "") => {
  const child = new Deno.Command("kubectl", {
    args: [...words],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writing = new Blob([input]).stream().pipeTo(child.stdin);
  const [{ success, stdout, stderr }] = await Promise.all([child.output(), writing]);
  const decoder = new TextDecoder();
  return { success, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
};

export class Cluster {
  readonly #kubectl: Kubectl;
  readonly #namespace: string;

  constructor(kubectl: Kubectl, namespace: string) {
    this.#kubectl = kubectl;
    this.#namespace = namespace;
  }

  /** @throws what `kubectl` says if it fails. */
  async run(...words: readonly string[]): Promise<string> {
    return await this.#succeed(["--namespace", this.#namespace, ...words]);
  }

  async apply(...items: readonly Manifest[]): Promise<void> {
    const list = JSON.stringify({ apiVersion: "v1", kind: "List", items });
    await this.#succeed(["--namespace", this.#namespace, "apply", "--filename", "-"], list);
  }

  async get(...words: readonly string[]): Promise<Manifest> {
    return JSON.parse(await this.run("get", ...words, "--output", "json"));
  }

  /** The pods that are not terminating. */
  async pods(): Promise<string[]> {
    const { items } = await this.get("pods", "--selector", "app.kubernetes.io/name=haproxy");
    return items.filter(({ metadata }: Manifest) => metadata.deletionTimestamp === undefined)
      .map(({ metadata }: Manifest) => metadata.name);
  }

  /** The value of one of the wrapper's metrics without labels; `null` if it has none, or does not answer. */
  async metric(pod: string, name: string): Promise<number | null> {
    const { success, stdout } = await this.#ask(pod, "metrics");
    const line = success && new RegExp(`^haproxy_reload_wrapper_${name} (\\S+)$`, "m").exec(stdout);
    return line ? Number(line[1]) : null;
  }

  async isReady(pod: string): Promise<boolean> {
    return (await this.#ask(pod, "readyz")).success;
  }

  /** Through the API server, which needs neither a port nor a program in the pod. */
  async #ask(pod: string, path: string): Promise<Said> {
    const base = `/api/v1/namespaces/${this.#namespace}/pods/${pod}:9101/proxy`;
    return await this.#kubectl(["get", "--raw", `${base}/${path}`]);
  }

  async #succeed(words: readonly string[], input?: string): Promise<string> {
    const { success, stdout, stderr } = await this.#kubectl(words, input);
    if (!success) throw new Error(`kubectl ${words.join(" ")}: ${stderr}`);
    return stdout;
  }
}
