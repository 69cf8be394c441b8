/** Reports HAProxy processes that have lost their wrapper and cannot be taken over from. */
import { dirname } from "@std/path";
import type { Libc } from "../../system/libc.ts";
import type { LeftoversOptions, Untouched } from "./leftovers.ts";
import { type Running, runningProcesses } from "./processes.ts";

/** The search must not slow the start. If the start fails, perhaps because of a stray, it runs at the end instead. */
const DELAY_MS = 1_000;

/** Searches once, a second later or when the result is called, and reports what it finds. */
export function reportStrays(
  { parents, folder, libc }: Pick<LeftoversOptions, "parents" | "folder" | "libc">,
  report: (found: readonly Untouched[]) => void,
): () => void {
  if (libc === null) return () => {};
  const user = ownerOf(folder);
  let isDone = false;
  const search = () => {
    clearTimeout(timer);
    if (!isDone) report(findStrays(parents, libc, user));
    isDone = true;
  };
  const timer = setTimeout(search, DELAY_MS);
  return search;
}

/** Those of other users, and those whose folder is gone: systemd removes the folder of a service that ends. */
function findStrays(
  parents: readonly string[],
  libc: Libc,
  user: number | null,
): readonly Untouched[] {
  const folders = [...runningProcesses(libc)].filter(([path]) => parents.includes(dirname(path)));
  const isLocked = lockedBy(libc.readKernelFile("/proc/locks"));
  return folders.flatMap(([folder, running]) => {
    const owner = ownerOf(folder);
    if (owner === user || isLocked(folder)) return [];
    const strays = running.filter((process) => process.isOrphan && isOf(owner, process));
    return strays.map(({ pid, user }): Untouched =>
      owner === null
        ? { folder, pid, owner: user, why: "folder is gone" }
        : { folder, pid, owner, why: "other user" }
    );
  });
}

/**
 * Whether a wrapper has claimed the folder, under whatever name it runs. Inodes suffice: the kernel and `stat` call the
 * device of some file systems differently.
 */
function lockedBy(locks: string | null): (path: string) => boolean {
  if (locks === null) return () => true;
  const inodes = new Set(
    [...locks.matchAll(/ FLOCK .* \w+:\w+:(\d+) /g)].map(([, inode]) => inode),
  );
  return (path) => {
    try {
      return inodes.has(`${Deno.lstatSync(path).ino}`);
    } catch {
      return false;
    }
  };
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
