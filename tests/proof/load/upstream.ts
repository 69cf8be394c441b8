/** The servers behind HAProxy, in a thread of their own. */
import { Thread } from "../../support/thread.ts";

export interface UpstreamPorts {
  /** Answers HTTP requests after a while, in two parts. */
  readonly slow: number;
  /** Sends back all that it gets. */
  readonly echo: number;
}

export class Upstream extends Thread {
  constructor() {
    super(new URL("./upstream_thread.ts", import.meta.url));
  }

  /** Starts them, on ports of their own choice. */
  async start(): Promise<UpstreamPorts> {
    return await this.ask<"start", UpstreamPorts>("start");
  }
}
