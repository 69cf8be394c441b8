/** The servers behind HAProxy, in a thread of their own. */
import { once } from "node:events";
import { Worker } from "node:worker_threads";

export interface UpstreamPorts {
  /** Answers HTTP requests after a while, in two parts. */
  readonly slow: number;
  /** Sends back all that it gets. */
  readonly echo: number;
}

export class Upstream implements AsyncDisposable {
  readonly #worker = new Worker(new URL("./upstream_thread.ts", import.meta.url));

  /** Starts them, on ports of their own choice. */
  async start(): Promise<UpstreamPorts> {
    const listening = once(this.#worker, "message");
    this.#worker.postMessage("start");
    const [ports] = await listening as [UpstreamPorts];
    return ports;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#worker.terminate();
  }
}
