/** The wrapper's private folder: the stats socket of each generation, and the files that configure it or that it loads. */
import { join } from "@std/path";
import { mkdir } from "../files.ts";
import { systemReason } from "../system_reason.ts";
import type { InjectedFiles } from "./arguments.ts";
import type { Claim } from "./claim.ts";
import { FOLDER_PREFIX, type MadeFolder, makeFolder } from "./made_folder.ts";
import type { PrivateSocket } from "./runtime_api.ts";

export interface PrivateFolder {
  readonly path: string;
  /**
   * In it nothing happens by itself. What happens beside it at each reload gives a dozen events and more,
   * and Deno 2.6 drops those that come while 16 wait: a change of the configuration could be among them.
   * `null` if the folder is not ours any more.
   */
  probeDirectory(): string | null;
  /** A process that another wrapper has left counts from now on as that generation. */
  adopt(generation: number, socket: PrivateSocket): void;
  /** A generation's private stats socket. */
  socket(generation: number): PrivateSocket;
  /** What a generation loads as the last state of its servers, if it was prepared for that. */
  serverState(generation: number): PrivateFile;
  /**
   * Writes the files of a generation, in a new folder if the one before is not ours any more. If it
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

export interface PrivateFile {
  readonly path: string;
  /** @throws the system's error, or why nothing may be written there any more. */
  write(text: string): Promise<void>;
}

export type PrivateFolderOutcome =
  | { readonly tag: "made"; readonly folder: PrivateFolder }
  | { readonly tag: "not_made"; readonly reason: string };

/**
 * Makes the folder, of mode 0700, in the first of `parents` that can be written and that can be trusted. It is
 * claimed, as is any that has to be made in its place.
 */
export async function makePrivateFolder(
  parents: readonly string[],
  claim: Claim = async () => {},
): Promise<PrivateFolderOutcome> {
  const make = async (parent: string) => {
    const folder = await makeWithProbe(parent);
    await claim(folder);
    return folder;
  };
  const failures: string[] = [];
  for (const parent of parents) {
    try {
      return { tag: "made", folder: createFolder(await make(parent), () => make(parent)) };
    } catch (error) {
      failures.push(`"${parent}": ${systemReason(error)}`);
    }
  }
  return { tag: "not_made", reason: failures.join("; ") };
}

async function makeWithProbe(parent: string): Promise<MadeFolder> {
  const folder = await makeFolder(parent);
  await mkdir(join(folder.path, PROBE), { mode: 0o700 });
  return folder;
}

const PROBE = "probe";

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

/** Which generation a private file configures that HAProxy is started with; `null` if it is none. */
export function generationOf(path: string): number | null {
  const [, generation] = FIRST_FILE.exec(path) ?? [];
  return generation === undefined ? null : Number(generation);
}

const FIRST_FILE = new RegExp(`^/(?:.*/)?${FOLDER_PREFIX}[^/]+/(\\d+)-first\\.cfg$`);

export const socketName = (generation: number) => namesOf(generation).socket;

const namesOf = (generation: number) => ({
  socket: `${generation}.sock`,
  first: `${generation}-first.cfg`,
  last: `${generation}-last.cfg`,
  serverState: `${generation}-servers.state`,
});

function createFolder(made: MadeFolder, makeAgain: () => Promise<MadeFolder>): PrivateFolder {
  const secret = crypto.getRandomValues(new Uint8Array(16)).toHex();
  const all = [made];
  let current = made;
  const adopted = new Map<number, PrivateSocket>();
  /** Where each generation was prepared. */
  const homes = new Map<number, MadeFolder>();
  const homeOf = (generation: number) => homes.get(generation) ?? current;
  // A start that was given up may still be writing when the folder is removed.
  let lastWriting: Promise<unknown> = Promise.resolve();
  let isRemoved = false;
  /** The generations of which something could not be removed, for instance while the disk was read-only. */
  const left = new Set<number>();
  async function removeFilesOf(generation: number): Promise<void> {
    const home = homeOf(generation);
    const names = Object.values(namesOf(generation));
    const removed = await Promise.all(names.map((name) => home.removeFrom(name)));
    if (!removed.every((isGone) => isGone)) return void left.add(generation);
    left.delete(generation);
    homes.delete(generation);
  }
  async function write(
    generation: number,
    { loadsServerState = false, sharesSecret = false }: Parameters<PrivateFolder["prepare"]>[1] =
      {},
  ): Promise<void> {
    if (current.problem() !== null) all.push(current = await makeAgain());
    homes.set(generation, current);
    const { socket, first, last, serverState } = namesOf(generation);
    const text = firstConfiguration(join(current.path, socket));
    const loading = loadingFrom(join(current.path, serverState));
    await current.write(first, loadsServerState ? text + loading : text);
    await current.write(last, LAST_CONFIGURATION + (sharesSecret ? sharing(secret) : ""));
    if (loadsServerState) await current.write(serverState, NO_SERVERS);
  }
  return {
    get path() {
      return current.path;
    },
    probeDirectory: () => current.problem() === null ? join(current.path, PROBE) : null,
    adopt: (generation, socket) => void adopted.set(generation, socket),
    socket: (generation) =>
      adopted.get(generation) ?? homeOf(generation).socket(namesOf(generation).socket),
    serverState(generation) {
      const home = homeOf(generation);
      const { serverState } = namesOf(generation);
      return {
        path: join(home.path, serverState),
        write: (text) => home.write(serverState, text),
      };
    },
    async prepare(generation, options) {
      if (isRemoved) throw new Deno.errors.NotFound("the wrapper ends");
      const writing = write(generation, options);
      lastWriting = writing.catch(() => {});
      await writing;
      const { first, last } = namesOf(generation);
      const { path } = homeOf(generation);
      return { first: join(path, first), last: join(path, last) };
    },
    async forget(generation) {
      // The files of a later one may be about to be written again.
      const earlier = [...left].filter((one) => one < generation);
      await Promise.all([...earlier, generation].map(removeFilesOf));
    },
    async forgetServerState(generation) {
      await homeOf(generation).removeFrom(namesOf(generation).serverState);
    },
    async remove() {
      isRemoved = true;
      await lastWriting;
      await Promise.all(all.map((folder) => folder.remove()));
    },
  };
}

/** Listeners are handed out from `level operator` on; certificates and maps are changed by `admin` alone. */
const firstConfiguration = (socket: string) =>
  `global\n    stats socket ${quoted(socket)} mode 600 level admin expose-fd listeners\n`;

const loadingFrom = (serverState: string) => `    server-state-file ${quoted(serverState)}\n`;

/** Within single quotes HAProxy takes everything but a single quote as it is (configuration manual, section 2.2). */
const quoted = (word: string) => `'${word.replaceAll("'", "'\\''")}'`;
