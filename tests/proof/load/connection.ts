/** What all kinds of clients have in common: connections on which one request follows another. */
import { failureOf } from "../failures.ts";

export interface Answer {
  /** The number of the content; `null` where the answer holds none. */
  readonly content: number | null;
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
   * @throws {Failure} where it was not answered, or not rightly.
   */
  request(isSlow: boolean): Promise<Answer | null>;
  /** Ends it as a client does that has what it wanted. @throws {Failure} where it was cut. */
  finish(): Promise<void>;
  close(): void;
}

export interface Address {
  readonly port: number;
  /** The PEM of the authority whose certificate is to be served. */
  readonly authority: string;
}

export async function connectPlain({ port }: Address): Promise<Deno.Conn> {
  return await connecting(() => Deno.connect({ hostname: "127.0.0.1", port }));
}

/** What HAProxy's certificate is for. */
export const SITE = "site.test";

/** By a full handshake, in which the certificate is checked. */
export async function connectTls(
  { port, authority }: Address,
  alpnProtocols: string[],
): Promise<Deno.Conn> {
  return await connecting(async () => {
    const plain = await Deno.connect({ hostname: "127.0.0.1", port });
    const connection = await Deno.startTls(plain, {
      hostname: SITE,
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
