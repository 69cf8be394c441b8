/** Listens at a unix socket for our own user alone, and removes what is ours there, and nothing else. */
import { dirname } from "@std/path";
import type { Libc } from "../../libc.ts";
import { describeForeign, ownUser } from "../../ownership.ts";
import { systemReason } from "../../system_reason.ts";

export type WithUmask = Libc["withUmask"];

export type UnixListening =
  | { readonly tag: "opened"; readonly listener: Deno.Listener; close(): void }
  | { readonly tag: "not_listening"; readonly reason: string };

/** `withUmask` is `null` where the C library cannot be had: then nobody keeps others out, and nothing is opened. */
export async function listenAt(path: string, withUmask: WithUmask | null): Promise<UnixListening> {
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

const NO_UMASK =
  "it could not be kept from other users, since there is no C library where one is " +
  "wanted; listen on 127.0.0.1 instead";

/** The kernel applies it to a socket even where a directory's default ACL takes its place for files (Linux 6.18). */
const OURS_ALONE = 0o177;

function tryToListen(path: string, withUmask: WithUmask): UnixListening {
  try {
    const listener = withUmask(OURS_ALONE, () => Deno.listen({ transport: "unix", path }));
    const info = Deno.lstatSync(path);
    const isOurs = () => isSame(lookAt(path), info);
    const close = () => {
      // Deno removes whatever is there when it closes, so another's is left by leaving ours to the program's end.
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

/** The socket of a process that was killed is left over: nobody accepts a connection there. */
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

function lookAt(path: string): Deno.FileInfo | null {
  try {
    return Deno.lstatSync(path);
  } catch {
    return null;
  }
}

const isSame = (one: Deno.FileInfo | null, other: Deno.FileInfo) =>
  one?.isSocket === true && one.dev === other.dev && one.ino === other.ino && one.uid === other.uid;

/** `null`: it is gone. */
function remove(path: string): UnixListening | null {
  try {
    Deno.removeSync(path);
    return null;
  } catch (error) {
    return notListening(systemReason(error));
  }
}

const notListening = (reason: string): UnixListening => ({ tag: "not_listening", reason });
