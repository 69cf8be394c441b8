/** Which user the program runs as, and whether a file, socket or folder belongs to that user alone. */
import { join } from "@std/path";
import { readFile } from "./contents.ts";
import { lstat } from "./files.ts";
import { octal } from "./trusted_directory.ts";

/**
 * The owner of a new file, made in the first possible one of `directories`: Deno reports the user only with another
 * permission. Examines the open file, which nobody can swap.
 * @throws the system's error if no file can be made.
 */
export function ownUser(directories: readonly string[]): number {
  let failure: unknown = new Deno.errors.NotFound("there is no directory to make a file in");
  for (const directory of directories) {
    try {
      return ownerOfNew(join(directory, `haproxy-reload-wrapper-${crypto.randomUUID()}`));
    } catch (error) {
      failure = error;
    }
  }
  throw failure;
}

function ownerOfNew(path: string): number {
  using file = Deno.openSync(path, { createNew: true, write: true, mode: 0o600 });
  Deno.removeSync(path);
  return file.statSync().uid!;
}

/**
 * Why a file does not belong to `user` alone, as the rest of a sentence; `null` if it does. The setgid bit, inherited
 * on a volume with an `fsGroup`, gives nobody access; ACL entries show as bits of the group. A socket is protected by
 * its folder, whatever its own mode. Pure.
 */
export function describeForeign(
  info: Pick<Deno.FileInfo, "isDirectory" | "isFile" | "isSocket" | "uid" | "mode">,
  { kind, user }: { readonly kind: keyof typeof NAMES; readonly user: number },
): string | null {
  const isKind = { directory: info.isDirectory, file: info.isFile, socket: info.isSocket }[kind];
  if (!isKind) return `is not a ${NAMES[kind]}`;
  if (info.uid !== user) return `belongs to user ${info.uid}, wanted ${user}`;
  if (kind === "socket" || (info.mode! & 0o077) === 0) return null;
  return `has mode ${octal(info.mode!)}, wanted none for group and others`;
}

const NAMES = { directory: "directory", file: "regular file", socket: "socket" } as const;

/**
 * Reads a file that belongs to `user` alone. Checks it before opening, because opening a FIFO would wait for its
 * writer, and checks the open file again.
 * @throws the system's error, or why the file does not belong to the user alone.
 */
export async function readOwnFile(
  path: string,
  user: number,
  mostBytes: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const check = (info: Deno.FileInfo) => {
    const foreign = describeForeign(info, { kind: "file", user });
    if (foreign !== null) throw new Error(`it ${foreign}`);
  };
  check(await lstat(path));
  return await readFile(path, mostBytes, check);
}
