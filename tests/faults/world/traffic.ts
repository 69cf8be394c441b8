/** Clients that send requests all through a fault: over new, kept and long-lived connections. */
import { type Address, connectPlain } from "../../support/clients/connection.ts";
import { Http1Connection } from "../../support/clients/http1.ts";
import { type Client, Load } from "../../support/clients/load.ts";
import { TcpConnection } from "../../support/clients/tcp.ts";

export interface TrafficOptions {
  /** Of the page. */
  readonly port: number;
  /** Of the TCP proxy in front of an echo server. */
  readonly tcpPort: number;
  readonly bystander: Address;
}

/** Longer than any fault makes clients wait. */
const timeoutMs = 15_000;

const LONG_LIVED = "long-lived";

export class Traffic extends Load {
  constructor({ port, tcpPort, bystander }: TrafficOptions) {
    const http = (name: string, isOnlyOne: boolean, to: Address = { port }): Client => ({
      name,
      open: async () => new Http1Connection(await connectPlain(to), { isOnlyOne, timeoutMs }),
    });
    const echo = async () => new TcpConnection(await connectPlain({ port: tcpPort }), timeoutMs);
    super([
      ...[1, 2].flatMap(() => [http("per request", true), http("keep-alive", false)]),
      { name: LONG_LIVED, open: echo },
    ], { wanted: /^v?\d+$/, bystander: http("bystander", true, bystander) });
  }

  /** Replaces the long-lived connection between two requests. */
  async renewLongLived(): Promise<void> {
    await this.renew(LONG_LIVED);
  }

  /**
   * Forgets one cut connection of each client: it has at most one open when a process dies. A refused
   * connection is never forgotten.
   */
  forgiveCuts(): void {
    const forgiven = new Set<number>();
    this.failures = this.failures.filter(({ client, kind }) => {
      if (!["reset", "empty", "cut", "idle_closing"].includes(kind)) return true;
      if (forgiven.has(client)) return true;
      forgiven.add(client);
      return false;
    });
  }
}
