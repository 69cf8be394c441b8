/** Listens for clients of the status endpoints, on TCP or a unix socket. */
import { dirname } from "@std/path";
import type { Libc } from "../../system/libc.ts";
import { describeForeign, ownUser } from "../../system/files/ownership.ts";
import type { StatusAddress } from "../../settings/status_address.ts";
import { systemReason } from "../../text/system_reason.ts";
import { HTTP_LIMITS, type HttpLimits, HttpServer, type HttpServerOptions } from "./server.ts";

export type WithUmask = Libc["withUmask"];

export type StatusListening = Listening | NotListening;

export interface Listening {
  readonly tag: "listening";
  /** Closes all connections too, whatever their state. Call it once. */
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

/** Answers every request at `address` with `respond`. */
export async function listenForStatus(
  address: StatusAddress,
  options: StatusListenerOptions,
): Promise<StatusListening> {
  const opened = address.tag === "tcp"
    ? listenOnPort(address)
    : await listenAt(address.path, options.withUmask);
  if (opened.tag === "not_listening") return opened;
  const server = new HttpServer({ ...options, limits: { ...HTTP_LIMITS, ...options.limits } });
  server.acceptAll(opened.listener);
  return {
    tag: "listening",
    close() {
      opened.close();
      server.closeAll();
    },
  };
}

type Opened =
  | { readonly tag: "opened"; readonly listener: Deno.Listener; close(): void }
  | NotListening;

/**
 * How many connections the kernel queues, if net.core.somaxconn allows it. Any more, even a probe's, have to wait
 * for a second. Deno's default is 511.
 */
const BACKLOG = 4_096;

function listenOnPort({ hostname, port }: Extract<StatusAddress, { tag: "tcp" }>): Opened {
  try {
    const listener = Deno.listen({ hostname, port, tcpBacklog: BACKLOG });
    return { tag: "opened", listener, close: () => listener.close() };
  } catch (error) {
    return notListening(systemReason(error));
  }
}

/**
 * Listens for our own user only, and never removes what is not ours. Without the C library (`withUmask` is `null`)
 * other users could not be kept out, so nothing is opened.
 */
export async function listenAt(path: string, withUmask: WithUmask | null): Promise<Opened> {
  if (withUmask === null) return notListening(NO_UMASK);
  const opened = tryToListen(path, withUmask);
  if (opened.tag === "opened") return opened;
  const occupant = await occupantOf(path);
  switch (occupant.tag) {
    case "left_over":
      return remove(path) ?? tryToListen(path, withUmask);
    case "other":
      return notListening(occupant.reason);
    case "unknown":
      return opened;
    default:
      return occupant satisfies never;
  }
}

const NO_UMASK = "other users could not be kept out, because no C library was found where one is " +
  "expected; listen on 127.0.0.1 instead";

/** For sockets the kernel applies it even where a directory's default ACL overrides it for files (Linux 6.18). */
const OURS_ALONE = 0o177;

function tryToListen(path: string, withUmask: WithUmask): Opened {
  try {
    const listener = withUmask(OURS_ALONE, () => Deno.listen({ transport: "unix", path }));
    const info = Deno.lstatSync(path);
    const isOurs = () => isSame(stateAt(path), info);
    const close = () => {
      // Deno's close removes whatever is at the path. If that is not our socket, ours stays open until the exit.
      if (!isOurs()) return;
      remove(path);
      listener.close();
    };
    return { tag: "opened", listener, close };
  } catch (error) {
    return notListening(systemReason(error));
  }
}

type Occupant =
  | { readonly tag: "left_over" | "unknown" }
  | { readonly tag: "other"; readonly reason: string };

/** A killed process leaves its socket behind, but nobody accepts connections there. */
async function occupantOf(path: string): Promise<Occupant> {
  try {
    const info = Deno.lstatSync(path);
    if (!info.isSocket) return { tag: "other", reason: "it exists and is not a socket" };
    const foreign = describeForeign(info, { kind: "socket", user: ownUser([dirname(path)]) });
    if (foreign !== null) return { tag: "other", reason: `the socket that is there ${foreign}` };
    (await Deno.connect({ transport: "unix", path })).close();
    return { tag: "other", reason: "another process listens there" };
  } catch (error) {
    return { tag: error instanceof Deno.errors.ConnectionRefused ? "left_over" : "unknown" };
  }
}

function stateAt(path: string): Deno.FileInfo | null {
  try {
    return Deno.lstatSync(path);
  } catch {
    return null;
  }
}

const isSame = (one: Deno.FileInfo | null, other: Deno.FileInfo) =>
  one?.isSocket === true && one.dev === other.dev && one.ino === other.ino && one.uid === other.uid;

/** `null`: it was removed. */
function remove(path: string): NotListening | null {
  try {
    Deno.removeSync(path);
    return null;
  } catch (error) {
    return notListening(systemReason(error));
  }
}

const notListening = (reason: string): NotListening => ({ tag: "not_listening", reason });
