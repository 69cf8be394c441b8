/** Listens for the clients of the status pages. */
import type { StatusAddress } from "../settings/status_address.ts";
import { systemReason } from "../system_reason.ts";
import { HTTP_LIMITS, type HttpLimits } from "./http_limits.ts";
import { listenAt, type WithUmask } from "./unix_listener.ts";
import { HttpService, type HttpServiceOptions } from "./http_service.ts";

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

export interface StatusListenerOptions extends Omit<HttpServiceOptions, "limits"> {
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
  const limits = { ...HTTP_LIMITS, ...options.limits };
  const service = new HttpService({ ...options, limits });
  const close = () => {
    opened.close();
    service.closeAll();
  };
  acceptAll(opened.listener, service, limits.acceptPauseMs);
  return { tag: "listening", close };
}

/** Until the listener is closed. Without a pause it would run in circles while file descriptors lack. */
async function acceptAll(
  listener: Deno.Listener,
  service: HttpService,
  pauseMs: number,
): Promise<void> {
  for (;;) {
    try {
      service.serve(await listener.accept());
    } catch (error) {
      if (error instanceof Deno.errors.BadResource) return;
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }
}

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

function listenOnPort({ hostname, port }: Extract<StatusAddress, { tag: "tcp" }>): Opened {
  try {
    const listener = Deno.listen({ hostname, port });
    return { tag: "opened", listener, close: () => listener.close() };
  } catch (error) {
    return { tag: "not_listening", reason: systemReason(error) };
  }
}
