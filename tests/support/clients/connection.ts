/** What all clients have in common: connections on which one request follows another. */
import { failureOf } from "./failures.ts";

export interface Answer {
  readonly text: string;
  /** Whether HAProxy has announced that it closes the connection. */
  readonly isLast: boolean;
}

export interface Connection {
  /**
   * Whether it takes no more requests, which is known before one is sent: HAProxy has announced it, or closed
   * the idle connection.
   */
  readonly isOver: boolean;
  /**
   * `null`: HAProxy has announced that this request was not looked at.
   * @throws {Failure} where it was not answered by a whole message with the status 200.
   */
  request(path?: string): Promise<Answer | null>;
  /** Ends it as a client does that has what it wanted. @throws {Failure} where it was cut. */
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
  /** Whose certificate it is to be. */
  readonly site?: string;
}

export async function connectPlain({ hostname = "127.0.0.1", port }: Address): Promise<Deno.Conn> {
  return await connecting(() => Deno.connect({ hostname, port }));
}

/** What most certificates of tests are for. */
export const SITE = "site.test";

/** By a full handshake, in which the certificate is checked. */
export async function connectTls(
  { hostname = "127.0.0.1", port, authority, site = SITE }: SecureAddress,
  alpnProtocols = ["http/1.1"],
): Promise<Deno.Conn> {
  return await connecting(async () => {
    const plain = await Deno.connect({ hostname, port });
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
