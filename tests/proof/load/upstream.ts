/** The servers behind HAProxy, in a thread of their own. */
import { Thread } from "../../support/machine/thread.ts";

export interface UpstreamPorts {
  /** Answers HTTP requests late and in two parts. */
  readonly slow: number;
  /** Sends back what it gets. */
  readonly echo: number;
}

export class Upstream extends Thread {
  constructor() {
    super(new URL("./upstream_thread.ts", import.meta.url));
  }

  /** Starts them on free ports. */
  async start(): Promise<UpstreamPorts> {
    return await this.ask<"start", UpstreamPorts>("start");
  }
}
