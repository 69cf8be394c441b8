/** Listens for the clients of the status pages: the only user of Deno.listen. */
import type { StatusAddress } from "../settings/status_address.ts";
import { systemReason } from "../system_reason.ts";
import { HTTP_LIMITS, type HttpLimits } from "./http_limits.ts";
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
}

/** Has every request at `address` answered by `respond`. */
export async function listenForStatus(
  address: StatusAddress,
  options: StatusListenerOptions,
): Promise<StatusListening> {
  const opened = await open(address);
  if (opened.tag === "not_listening") return opened;
  const limits = { ...HTTP_LIMITS, ...options.limits };
  const service = new HttpService({ ...options, limits });
  const close = () => {
    // Deno does it as well, but not before the program may have exited.
    if (address.tag === "unix") remove(address.path);
    opened.listener.close();
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

type Opened = { readonly tag: "opened"; readonly listener: Deno.Listener } | NotListening;

async function open(address: StatusAddress): Promise<Opened> {
  const opened = tryToOpen(address);
  if (opened.tag === "opened" || address.tag === "tcp") return opened;
  const occupant = await occupantOf(address.path);
  switch (occupant) {
    case "left_over":
      return remove(address.path) ?? tryToOpen(address);
    case "listener":
      return notListening("another process listens there");
    case "no_socket":
      return notListening("it exists and is not a socket");
    case "unknown":
      return opened;
    default:
      return occupant satisfies never;
  }
}

function tryToOpen(address: StatusAddress): Opened {
  try {
    return { tag: "opened", listener: listen(address) };
  } catch (error) {
    return notListening(systemReason(error));
  }
}

/** @throws where it cannot listen */
function listen(address: StatusAddress): Deno.Listener {
  switch (address.tag) {
    case "tcp":
      return Deno.listen({ hostname: address.hostname, port: address.port });
    case "unix":
      return Deno.listen({ transport: "unix", path: address.path });
    default:
      return address satisfies never;
  }
}

/** The socket of a process that was killed is left over: nobody accepts a connection there. */
async function occupantOf(
  path: string,
): Promise<"left_over" | "listener" | "no_socket" | "unknown"> {
  try {
    if (!(await Deno.lstat(path)).isSocket) return "no_socket";
    (await Deno.connect({ transport: "unix", path })).close();
    return "listener";
  } catch (error) {
    return error instanceof Deno.errors.ConnectionRefused ? "left_over" : "unknown";
  }
}

/** `null`: it is gone. */
function remove(path: string): NotListening | null {
  try {
    Deno.removeSync(path);
    return null;
  } catch (error) {
    return notListening(systemReason(error));
  }
}

const notListening = (reason: string): NotListening => ({ tag: "not_listening", reason });
