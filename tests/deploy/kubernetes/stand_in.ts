/** A stand-in for a cluster: one real wrapper that plays two pods. It knows just the commands of the scenario. */
import { freePort } from "../../support/machine/free_port.ts";
import { TempFolder } from "../../support/machine/temp_folder.ts";
import { Workspace } from "../../support/wrapper/workspace.ts";
import type { Wrapper } from "../../support/wrapper/wrapper.ts";
import type { Kubectl, Said } from "./cluster.ts";
import type { Manifest } from "./manifests.ts";
import { located, mount, type Ports } from "./mounted.ts";
import { runScenario, type ScenarioOptions } from "./scenario.ts";

export interface Fault {
  readonly alwaysSucceeds: boolean;
  readonly alwaysReady: boolean;
  readonly cuts: boolean;
  readonly message: string;
}

/** Anything else is an error. */
export class StandIn implements AsyncDisposable {
  readonly asked: string[] = [];
  readonly #folder = new TempFolder();
  readonly #workspace = new Workspace();
  readonly #ports: Ports = { http: this.#workspace.port, https: freePort() };
  readonly #fault: Fault;
  #wrapper: Wrapper | null = null;
  #pods = ["haproxy-1", "haproxy-2"];
  #started = 2;
  #leaving: string | null = null;

  constructor(fault: Partial<Fault> = {}) {
    const message = "[ALERT] unknown keyword 'nonsense' out of section";
    this.#fault = { alwaysSucceeds: false, alwaysReady: false, cuts: false, message, ...fault };
  }

  async run(options: Pick<ScenarioOptions, "find"> = {}) {
    const [namespace, image, log] = ["test", "image:test", () => {}];
    const ports = this.#ports;
    return await runScenario({
      kubectl: this.#kubectl,
      namespace,
      image,
      ports,
      log,
      publishedWithinMs: 5_000,
      ...options,
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#workspace[Symbol.asyncDispose]();
    await this.#folder[Symbol.asyncDispose]();
  }

  #kubectl: Kubectl = async (words, input) => {
    const text = words.join(" ").replace("--namespace test ", "");
    this.asked.push(text);
    const answer = await this.#answer(text, input);
    if (typeof answer === "object") return answer;
    return { success: true, stdout: answer, stderr: "" };
  };

  async #answer(words: string, input = ""): Promise<string | Said> {
    const [, pod, path] = /^get --raw .*\/pods\/(.*):9101\/proxy\/(.*)$/.exec(words) ?? [];
    if (pod !== undefined) return this.#status(pod, path!);
    const [, deleted] = /^delete pod (\S+) --wait=false$/.exec(words) ?? [];
    if (deleted !== undefined) return this.#leave(deleted);
    if (words === "apply --filename -") return await this.#apply(JSON.parse(input).items);
    if (words.startsWith("get pods ")) return JSON.stringify({ items: this.#pods.map(named) });
    if (words.startsWith("get pod refused ")) {
      return JSON.stringify(terminated(this.#fault.message));
    }
    if (words.startsWith("wait --for=delete ")) return await this.#replace([this.#leaving!]);
    if (words.startsWith("rollout status ")) return "successfully rolled out";
    if (words.startsWith("rollout restart ")) return await this.#replace(this.#pods);
    return { success: false, stdout: "", stderr: `unknown: ${words}` };
  }

  async #apply(items: readonly Manifest[]): Promise<string> {
    for (const { kind, metadata: { name }, data } of items) {
      if (kind === "ConfigMap" && name === "haproxy") await this.#configure(data["haproxy.cfg"]);
    }
    return "applied";
  }

  async #configure(text: string): Promise<void> {
    mount(this.#folder, this.#ports);
    await this.#workspace.replace(located(text, this.#folder, this.#ports));
    this.#wrapper ??= await this.#workspace.serve();
  }

  #status(pod: string, path: string): string | Said {
    const unavailable = {
      success: false,
      stdout: "",
      stderr: "Error from server (ServiceUnavailable)",
    };
    if (path === "readyz") {
      return pod === this.#leaving && !this.#fault.alwaysReady ? unavailable : "ready";
    }
    const ends = [
      ...this.#wrapper!.output.matchAll(/generation (\d+) (serves|rejected)|loads what.*/g),
    ];
    const succeeded = this.#fault.alwaysSucceeds || ends.at(-1)![2] !== "rejected" ||
      this.#isGood();
    const generation = ends.filter(([, , how]) => how === "serves").at(-1)![1];
    return `haproxy_reload_wrapper_config_last_reload_successful ${Number(succeeded)}
haproxy_reload_wrapper_generation ${generation}
`;
  }

  #isGood(): boolean {
    return !Deno.readTextFileSync(this.#workspace.configuration).includes("nonsense");
  }

  #leave(pod: string): string {
    this.#leaving = pod;
    return "deleted";
  }

  async #replace(pods: readonly string[]): Promise<string> {
    const count = this.#wrapper!.lastGeneration + 1;
    if (this.#fault.cuts) this.#workspace.haproxyPids().forEach(killIfThere);
    else {
      this.#wrapper!.signal("SIGHUP");
      await this.#wrapper!.says(new RegExp(`generation ${count} serves`));
    }
    this.#pods = this.#pods.map((pod) => pods.includes(pod) ? `haproxy-${++this.#started}` : pod);
    this.#leaving = null;
    return "done";
  }
}

const named = (name: string) => ({ metadata: { name } });

const terminated = (message: string) => ({
  status: { containerStatuses: [{ state: { terminated: { message } } }] },
});

/** A draining process may have ended since it was listed. */
function killIfThere(pid: number): void {
  try {
    Deno.kill(pid, "SIGKILL");
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
