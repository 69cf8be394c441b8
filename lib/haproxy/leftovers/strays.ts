/** Finds HAProxy processes that have lost their wrapper and cannot be taken over from, to report them. */
import { dirname } from "@std/path";
import type { Libc } from "../../system/libc.ts";
import type { LeftoversOptions, Untouched } from "./leftovers.ts";
import { type Running, runningProcesses } from "./processes.ts";

/** This must not slow the start. If that fails, perhaps for just what is found here, the look is made at its end. */
const DELAY_MS = 1_000;

/** Looks once, a moment later or when the result is called, and tells what was found. */
export function lookForStrays(
  { parents, folder, libc }: Pick<LeftoversOptions, "parents" | "folder" | "libc">,
  tell: (found: readonly Untouched[]) => void,
): () => void {
  if (libc === null) return () => {};
  const user = ownerOf(folder);
  let isDone = false;
  const look = () => {
    clearTimeout(timer);
    if (!isDone) tell(findStrays(parents, libc, user));
    isDone = true;
  };
  const timer = setTimeout(look, DELAY_MS);
  return look;
}

/** Those of other users, and those whose folder is gone: systemd removes that of a service that ends. */
function findStrays(
  parents: readonly string[],
  libc: Libc,
  user: number | null,
): readonly Untouched[] {
  const folders = [...runningProcesses(libc)].filter(([path]) => parents.includes(dirname(path)));
  return folders.flatMap(([folder, running]) => {
    const owner = ownerOf(folder);
    if (owner === user) return [];
    const strays = running.filter((one) => one.isOrphan && isOf(owner, one));
    return strays.map(({ pid, user }): Untouched =>
      owner === null
        ? { folder, pid, owner: user, why: "folder is gone" }
        : { folder, pid, owner, why: "other user" }
    );
  });
}

/** A process that names another user's folder is not believed; root's HAProxy may have changed to any user. */
const isOf = (owner: number | null, { user }: Running) =>
  owner === null || owner === 0 || owner === user;

/** `null` if it is gone. */
function ownerOf(path: string): number | null {
  try {
    return Deno.lstatSync(path).uid;
  } catch {
    return null;
  }
}
