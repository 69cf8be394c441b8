/** Listens for the clients of the status pages. */
import type { StatusAddress } from "../../settings/status_address.ts";
import { systemReason } from "../../system_reason.ts";
import { listenAt, type WithUmask } from "./unix_listener.ts";
import { write } from "./connection.ts";
import { HTTP_LIMITS, type HttpLimits, HttpServer, type HttpServerOptions } from "./server.ts";

export type StatusListening = Listening | NotListening;

export interface Listening {
  readonly tag: "listening";
  /** Closes all connections as well, whatever goes on in them. To be called once. */
  close(): void;
}

export interface NotListening {
  readonly tag: "not_listening";
  readonly reason: string;
}

export interface StatusListenerOptions extends Omit<HttpServerOptions, "limits"> {
  readonly limits?: Partial<HttpLimits>;
  readonly withUmask: WithUmask | null;
}

/** Has every request at `address` answered by `respond`. */
export async function listenForStatus(
  address: StatusAddress,
  options: StatusListenerOptions,
): Promise<StatusListening> {
  const opened = await open(address, options.withUmask);
  if (opened.tag === "not_listening") return opened;
  const server = new HttpServer({ ...options, limits: { ...HTTP_LIMITS, ...options.limits } });
  const close = () => {
    opened.close();
    server.closeAll();
  };
  acceptAll(opened.listener, server);
  return { tag: "listening", close };
}

/** Until the listener is closed. */
async function acceptAll(listener: Deno.Listener, server: HttpServer): Promise<void> {
  for (let count = 1;; count++) {
    try {
      const connection = await listener.accept();
      server.serve(connection);
      if (count % ACCEPTED_AT_ONCE === 0) await untilPolled(connection);
    } catch (error) {
      if (error instanceof Deno.errors.BadResource) return;
      if (!isOfClient(error)) await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }
}

/**
 * While connections can be accepted Deno hardly asks the kernel what can be read (seen on 2.6 and 2.9: four
 * times in 2 s of a flood), so a request that has long come would not be read before its connection has to
 * make room. That this one can be written to it learns only by asking; an empty write sends nothing.
 */
const ACCEPTED_AT_ONCE = 16;
const untilPolled = (connection: Deno.Conn) => write(connection, new Uint8Array());

/** It was gone before it was accepted, which Deno notices when it asks for its address. */
const isOfClient = (error: unknown) =>
  error instanceof Deno.errors.NotConnected || error instanceof Deno.errors.ConnectionReset ||
  error instanceof Deno.errors.ConnectionAborted;

/** Without a pause it would run in circles while file descriptors lack. */
const PAUSE_MS = 100;

type Opened =
  | { readonly tag: "opened"; readonly listener: Deno.Listener; close(): void }
  | NotListening;

async function open(address: StatusAddress, withUmask: WithUmask | null): Promise<Opened> {
  switch (address.tag) {
    case "tcp":
      return listenOnPort(address);
    case "unix":
      return await listenAt(address.path, withUmask);
    default:
      return address satisfies never;
  }
}

/**
 * How many connections the kernel keeps until they are accepted, if net.core.somaxconn allows it. It drops
 * those above, also a probe, for a second. Deno's default is 511.
 */
const BACKLOG = 4_096;

function listenOnPort({ hostname, port }: Extract<StatusAddress, { tag: "tcp" }>): Opened {
  try {
    const listener = Deno.listen({ hostname, port, tcpBacklog: BACKLOG });
    return { tag: "opened", listener, close: () => listener.close() };
  } catch (error) {
    return { tag: "not_listening", reason: systemReason(error) };
  }
}
