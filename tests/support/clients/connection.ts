/** What all clients have in common: connections that carry one request after another. */
import { failureOf } from "./failures.ts";

export interface Answer {
  readonly text: string;
  /** Whether HAProxy has announced that it closes the connection. */
  readonly isLast: boolean;
}

export interface Connection {
  /**
   * Whether it is known to take no more requests: HAProxy has announced it, or closed the idle connection.
   */
  readonly isOver: boolean;
  /**
   * `null`: HAProxy has said that it did not process this request.
   * @throws {Failure} unless the answer is complete and its status 200.
   */
  request(path?: string): Promise<Answer | null>;
  /** Ends it as a client that is done. @throws {Failure} if it was cut. */
  finish(): Promise<void>;
  close(): void;
}

export interface Address {
  readonly port: number;
  readonly hostname?: string;
}

export interface SecureAddress extends Address {
  /** The PEM of the authority whose certificate is to be served. */
  readonly authority: string;
  /** The name on the certificate. */
  readonly site?: string;
}

export async function connectPlain({ hostname = "127.0.0.1", port }: Address): Promise<Deno.Conn> {
  return await connecting(() => Deno.connect({ hostname, port }));
}

/** The name on most certificates of the tests. */
export const SITE = "site.test";

/** With a full handshake that verifies the certificate. */
export async function connectTls(
  { hostname = "127.0.0.1", port, authority, site = SITE }: SecureAddress,
  alpnProtocols = ["http/1.1"],
): Promise<Deno.Conn> {
  return await connecting(async () => {
    const plain = await Deno.connect({ hostname, port });
    // Otherwise each handshake may wait 40 ms for a delayed acknowledgement.
    plain.setNoDelay();
    const connection = await Deno.startTls(plain, {
      hostname: site,
      caCerts: [authority],
      alpnProtocols,
    });
    try {
      await connection.handshake();
      return connection;
    } catch (error) {
      connection.close();
      throw error;
    }
  });
}

async function connecting(connect: () => Promise<Deno.Conn>): Promise<Deno.Conn> {
  try {
    return await connect();
  } catch (error) {
    throw failureOf({ tag: "failed", error: error as Error }, {
      phase: "connecting",
      wasIdle: false,
    });
  }
}
