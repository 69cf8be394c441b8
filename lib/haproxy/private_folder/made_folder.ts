/**
 * A folder that this process has made for itself. Cleaners of `/tmp` may remove it, and another user may then make one
 * of the same name: the wrapper neither writes to that one nor connects to a socket in it.
 */
import { join } from "@std/path";
import { remove, rename, writePrivateFile } from "../../system/files/files.ts";
import { describeForeign, ownUser } from "../../system/files/ownership.ts";
import { trustIn } from "../../system/files/trusted_directory.ts";
import type { PrivateSocket } from "../runtime/client.ts";

/** Makes a folder of mode 0700 in `parent`. @throws why it cannot be made, or how another user could replace it. */
export async function makeFolder(parent: string): Promise<MadeFolder> {
  const user = ownUser([parent]);
  const trust = await trustIn(parent, user);
  if (trust.tag !== "trusted") throw new Error(trust.reason);
  // Synchronously, because no thread may be available when it is made again.
  const path = Deno.makeTempDirSync({ dir: parent, prefix: FOLDER_PREFIX });
  const folder = new MadeFolder(path, user);
  const problem = folder.problem() ?? (isTooLong(path) ? TOO_LONG : null);
  if (problem === null) return folder;
  await folder.remove();
  throw new Error(problem);
}

export const FOLDER_PREFIX = "haproxy-reload-wrapper-";

export class MadeFolder {
  readonly path: string;
  readonly #user: number;
  readonly #identity: string;

  /** Assumes that `path` belongs to `user` now. */
  constructor(path: string, user: number) {
    this.path = path;
    this.#user = user;
    this.#identity = identityOf(Deno.lstatSync(path));
  }

  /** Why it must not be used, as the end of a sentence; `null` if it may be. */
  problem(): string | null {
    const info = lstatOrNull(this.path);
    if (info === null) return GONE;
    const foreign = describeForeign(info, { kind: "directory", user: this.#user });
    return foreign ??
      (identityOf(info) === this.#identity ? null : "is not the one that the wrapper made");
  }

  socket(name: string): PrivateSocket {
    const path = join(this.path, name);
    return { path, problem: () => this.#problemOf(path) };
  }

  /**
   * Replaces a file in one step: an HAProxy on standby may be checking whether it exists.
   * @throws why it must not be written to, or the system's error.
   */
  async write(name: string, text: string): Promise<void> {
    const problem = this.problem();
    if (problem !== null) throw new Error(`it ${problem}`);
    const path = join(this.path, name);
    const part = `${path}.part`;
    try {
      await writePrivateFile(part, new TextEncoder().encode(text));
      await rename(part, path);
    } catch (error) {
      await remove(part).catch(() => {});
      throw error;
    }
  }

  /** Whether the file is gone. A folder that somebody else has put in this one's place is left alone. */
  async removeFile(name: string): Promise<boolean> {
    return await this.#removeOwn(join(this.path, name));
  }

  async remove(): Promise<void> {
    await this.#removeOwn(this.path);
  }

  /** For a removal only the identity counts, not the mode. */
  async #removeOwn(path: string): Promise<boolean> {
    const info = lstatOrNull(this.path);
    if (info === null) return true;
    if (identityOf(info) !== this.#identity) return false;
    return await remove(path, { recursive: true }).then(
      () => true,
      (error) => error instanceof Deno.errors.NotFound,
    );
  }

  #problemOf(socket: string): string | null {
    const info = lstatOrNull(socket);
    const ofFolder = this.problem();
    if (ofFolder === GONE || (ofFolder === null && info === null)) return GONE;
    if (ofFolder !== null) return `cannot be trusted any more, because its folder ${ofFolder}`;
    const foreign = describeForeign(info!, { kind: "socket", user: this.#user });
    return foreign === null ? null : `cannot be trusted any more, because it ${foreign}`;
  }
}

const GONE = "is gone";

/** HAProxy 2.4 to 3.4 refuse longer paths, because they add a suffix while they bind. */
const LONGEST_SOCKET_BYTES = 97;
const TOO_LONG = "the name is too long for a socket's address";
const isTooLong = (path: string) =>
  new TextEncoder().encode(join(path, "999999999.sock")).length > LONGEST_SOCKET_BYTES;

/** The kernel soon reuses inode numbers. */
const identityOf = ({ dev, ino, uid, isDirectory }: Deno.FileInfo) =>
  `${dev} ${ino} ${uid} ${isDirectory}`;

/** Synchronous: it takes microseconds and precedes each connection. */
function lstatOrNull(path: string): Deno.FileInfo | null {
  try {
    return Deno.lstatSync(path);
  } catch {
    return null;
  }
}
