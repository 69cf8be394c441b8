/** The wrapper's private folder: the stats socket of each generation, and the files that configure it or that it loads. */
import { join } from "@std/path";
import { mkdir, remove, writePrivateFile } from "../files.ts";
import { systemReason } from "../system_reason.ts";
import type { InjectedFiles } from "./arguments.ts";

export interface PrivateFolder {
  readonly path: string;
  /**
   * In it nothing happens by itself. What happens beside it at each reload gives a dozen events and more,
   * and Deno 2.6 drops those that come while 16 wait: a change of the configuration could be among them.
   */
  readonly probeDirectory: string;
  /** Where a generation's private stats socket is. */
  socket(generation: number): string;
  /** What a generation loads as the last state of its servers, if it was prepared for that. */
  serverState(generation: number): string;
  /**
   * Writes the files of a generation, in a folder that is made again if somebody removed it. If it
   * `loadsServerState`, that holds no server yet. If it `sharesSecret`, that is the same for all of them.
   * @throws the system's error, for instance when the disk is full.
   */
  prepare(
    generation: number,
    options?: { readonly loadsServerState?: boolean; readonly sharesSecret?: boolean },
  ): Promise<InjectedFiles>;
  /** Removes the servers' last state, of which nothing is read after the start. */
  forgetServerState(generation: number): Promise<void>;
  /** Removes what belongs to a generation that is gone, and to earlier ones where that failed. */
  forget(generation: number): Promise<void>;
  /** Removes the folder for good. */
  remove(): Promise<void>;
}

export type PrivateFolderOutcome =
  | { readonly tag: "made"; readonly folder: PrivateFolder }
  | { readonly tag: "not_made"; readonly reason: string };

/** Makes the folder, of mode 0700, in the first of `parents` that can be written. */
export async function makePrivateFolder(parents: readonly string[]): Promise<PrivateFolderOutcome> {
  const failures: string[] = [];
  for (const dir of parents) {
    try {
      const path = await Deno.makeTempDir({ dir, prefix: "haproxy-reload-wrapper-" });
      if (socketBytes(path) <= LONGEST_SOCKET_BYTES) {
        const folder = createFolder(path);
        await mkdir(folder.probeDirectory, { mode: 0o700 });
        return { tag: "made", folder };
      }
      await remove(path);
      failures.push(`"${dir}": the name is too long for a socket's address`);
    } catch (error) {
      failures.push(`"${dir}": ${systemReason(error)}`);
    }
  }
  return { tag: "not_made", reason: failures.join("; ") };
}

/** Longer paths are refused by HAProxy 2.4 to 3.4, which adds a suffix while it binds. */
const LONGEST_SOCKET_BYTES = 97;
const socketBytes = (path: string) => new TextEncoder().encode(join(path, "999999999.sock")).length;

/**
 * All stats sockets share one limit, 10 by default. A dozen idle connections to a socket of the user's
 * must neither keep the wrapper from asking nor the next generation from taking over.
 */
const LAST_CONFIGURATION = "global\n    stats maxconn 50\n";

/**
 * HAProxy makes the tokens that it gives to QUIC clients with it (Retry, NEW_TOKEN, stateless reset). Each
 * process chooses its own, so that clients wait in vain for an answer to what the process before gave them. Behind
 * the user's files, where a `cluster-secret` of theirs stays the one that counts. HAProxy 2.6 without one makes
 * none of these tokens, and is left at that.
 */
const sharing = (secret: string) =>
  `.if version_atleast(2.8)\n    cluster-secret ${secret}\n.endif\n`;

/** The state of no server. HAProxy 2.6 and 3.0 warn of a file that is missing or empty, or of none being named. */
export const NO_SERVERS = "1\n";

function createFolder(path: string): PrivateFolder {
  const secret = crypto.getRandomValues(new Uint8Array(16)).toHex();
  const socket = (generation: number) => join(path, `${generation}.sock`);
  const serverState = (generation: number) => join(path, `${generation}-servers.state`);
  const filesOf = (generation: number) => ({
    first: join(path, `${generation}-first.cfg`),
    last: join(path, `${generation}-last.cfg`),
  });
  // A start that was given up may still be writing when the folder is removed.
  let lastWriting: Promise<void> = Promise.resolve();
  let isRemoved = false;
  /** The generations of which something could not be removed, for instance while the disk was read-only. */
  const left = new Set<number>();
  async function removeFilesOf(generation: number): Promise<void> {
    const { first, last } = filesOf(generation);
    const files = [socket(generation), first, last, serverState(generation)];
    const removed = await Promise.all(files.map(removeIfThere));
    if (removed.every((isGone) => isGone)) left.delete(generation);
    else left.add(generation);
  }
  return {
    path,
    probeDirectory: join(path, "probe"),
    socket,
    serverState,
    async prepare(generation, { loadsServerState = false, sharesSecret = false } = {}) {
      if (isRemoved) throw new Deno.errors.NotFound("the wrapper ends");
      const files = filesOf(generation);
      const state = serverState(generation);
      const first = firstConfiguration(socket(generation));
      const writing = write(path, {
        [files.first]: loadsServerState ? first + loading(state) : first,
        [files.last]: sharesSecret ? LAST_CONFIGURATION + sharing(secret) : LAST_CONFIGURATION,
        ...loadsServerState ? { [state]: NO_SERVERS } : {},
      });
      lastWriting = writing.catch(() => {});
      await writing;
      return files;
    },
    async forget(generation) {
      // The files of a later one may be about to be written again.
      const earlier = [...left].filter((one) => one < generation);
      await Promise.all([...earlier, generation].map(removeFilesOf));
    },
    async forgetServerState(generation) {
      await removeIfThere(serverState(generation));
    },
    async remove() {
      isRemoved = true;
      await lastWriting;
      await removeIfThere(path);
    },
  };
}

async function write(folder: string, files: Readonly<Record<string, string>>): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  for (const [path, text] of Object.entries(files)) {
    await writePrivateFile(path, new TextEncoder().encode(text));
  }
}

/** Listeners are handed out from `level operator` on; certificates and maps are changed by `admin` alone. */
const firstConfiguration = (socket: string) =>
  `global\n    stats socket ${quoted(socket)} mode 600 level admin expose-fd listeners\n`;

const loading = (serverState: string) => `    server-state-file ${quoted(serverState)}\n`;

/** Within single quotes HAProxy takes everything but a single quote as it is (configuration manual, section 2.2). */
const quoted = (word: string) => `'${word.replaceAll("'", "'\\''")}'`;

/** Whether it is gone. */
async function removeIfThere(path: string): Promise<boolean> {
  return await remove(path, { recursive: true }).then(
    () => true,
    (error) => error instanceof Deno.errors.NotFound,
  );
}
