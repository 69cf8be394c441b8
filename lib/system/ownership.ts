/** As whom the program runs, and whether a file, socket or folder is its own and nobody else's. */
import { join } from "@std/path";
import { readFile } from "./contents.ts";
import { lstat } from "./files.ts";
import { octal } from "./trusted_directory.ts";

/**
 * The user that a new file belongs to, in the first of `directories` in which one can be made: Deno tells as
 * whom it runs only with a further permission. By the open file, in whose place nobody can put another.
 * @throws the system's error where none can be made.
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

export interface Wanted {
  readonly kind: "directory" | "file" | "socket";
  readonly user: number;
}

/**
 * Why what is there is not `user`'s alone, as the rest of a sentence; `null` if it is. The setgid bit, which
 * a volume with an `fsGroup` hands down, lets nobody in; entries of an ACL show as bits of the group. A
 * socket's folder keeps others out, whatever its mode. Pure.
 */
export function describeForeign(
  info: Pick<Deno.FileInfo, "isDirectory" | "isFile" | "isSocket" | "uid" | "mode">,
  { kind, user }: Wanted,
): string | null {
  const isKind = { directory: info.isDirectory, file: info.isFile, socket: info.isSocket }[kind];
  if (!isKind) return `is not a ${NAMES[kind]}`;
  if (info.uid !== user) return `belongs to user ${info.uid}, wanted ${user}`;
  if (kind === "socket" || (info.mode! & 0o077) === 0) return null;
  return `has mode ${octal(info.mode!)}, wanted none for group and others`;
}

const NAMES = { directory: "directory", file: "regular file", socket: "socket" } as const;

/**
 * Reads a file that is `user`'s alone. It is looked at before it is opened, since opening a FIFO would wait
 * for its writer, and once more by the open file.
 * @throws the system's error, or why it is not.
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
