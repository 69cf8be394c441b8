/** Which user the program runs as, and whether a file, socket or folder belongs to that user alone. */
import { join } from "@std/path";
import { readFile } from "./contents.ts";
import { lstat } from "./files.ts";
import { octal } from "./trusted_directory.ts";

/**
 * The owner of a new file, made in the first of `directories` that takes one: Deno tells the user only with
 * a further permission. Asks the open file, which nobody can exchange.
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

export interface Ownership {
  readonly kind: "directory" | "file" | "socket";
  readonly user: number;
}

/**
 * Why a file is not `user`'s alone, as the rest of a sentence; `null`: it is. The setgid bit, which a volume
 * with an `fsGroup` hands down, lets nobody in; ACL entries show as bits of the group. Others are kept out of a
 * socket by its folder, whatever the socket's mode. Pure.
 */
export function describeForeign(
  info: Pick<Deno.FileInfo, "isDirectory" | "isFile" | "isSocket" | "uid" | "mode">,
  { kind, user }: Ownership,
): string | null {
  const isKind = { directory: info.isDirectory, file: info.isFile, socket: info.isSocket }[kind];
  if (!isKind) return `is not a ${NAMES[kind]}`;
  if (info.uid !== user) return `belongs to user ${info.uid}, wanted ${user}`;
  if (kind === "socket" || (info.mode! & 0o077) === 0) return null;
  return `has mode ${octal(info.mode!)}, wanted none for group and others`;
}

const NAMES = { directory: "directory", file: "regular file", socket: "socket" } as const;

/**
 * Reads a file that is `user`'s alone. Checks it before opening, because opening a FIFO would wait for its
 * writer, and checks the open file once more.
 * @throws the system's error, or why the file is not the user's alone.
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
