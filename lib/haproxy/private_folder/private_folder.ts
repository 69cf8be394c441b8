/** The wrapper's private folder: the stats socket of each generation, and the files that configure it or that it loads. */
import { join } from "@std/path";
import { mkdir } from "../../system/files.ts";
import type { Needs } from "../../config/needs.ts";
import { systemReason } from "../../text/system_reason.ts";
import type { InjectedFiles } from "../process/arguments.ts";
import type { Claim } from "./claim.ts";
import { FOLDER_PREFIX, type MadeFolder, makeFolder } from "./made_folder.ts";
import type { PrivateSocket } from "../runtime/client.ts";

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
  /** How many connections all its stats sockets may have; `null`: the least, or what the configuration says. */
  connectionsOf(generation: number): number | null;
  /** What a generation loads as the last state of its servers, if it was prepared for that. */
  serverState(generation: number): PrivateFile;
  /**
   * Writes the files of a generation, in a new folder if the one before is not ours any more. If servers
   * load their last state, that holds no server yet. A shared secret is the same for all generations.
   * @throws the system's error, for instance when the disk is full.
   */
  prepare(owner: Owner, needs: Needs): Promise<InjectedFiles>;
  /** Removes the servers' last state, of which nothing is read after the start. */
  forgetServerState(generation: number): Promise<void>;
  /** Removes what belongs to a generation that is gone, and to earlier ones where that failed. */
  forget(owner: Owner): Promise<void>;
  /** Removes the folder for good. */
  remove(): Promise<void>;
}

/** Whose files they are: a generation's, or those of a check, which has no socket: it would count as a listener. */
export type Owner = number | "check";

export interface PrivateFile {
  readonly path: string;
  /** @throws the system's error, or why nothing may be written there any more. */
  write(text: string): Promise<void>;
}

export type PrivateFolderOutcome =
  | { readonly tag: "made"; readonly folder: PrivateFolder }
  | { readonly tag: "not_made"; readonly reason: string };

export const describeNotMade = (reason: string) =>
  `cannot make a private folder: found ${reason}; wanted a directory that can be written and that ` +
  "no other user can replace, for instance a tmpfs that is mounted at /tmp";

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
 * must neither keep the wrapper from asking nor the next generation from taking over. In front of the user's
 * files, where a limit of theirs counts; one that can be told is raised behind them.
 */
export const LEAST_CONNECTIONS = 50;
/** The wrapper asks, follows a drain and changes files at once, while the next process asks for the sockets. */
const OWN_CONNECTIONS = 10;

const raised = (statsMaxconn: number | null) =>
  statsMaxconn === null ? null : Math.max(LEAST_CONNECTIONS, statsMaxconn + OWN_CONNECTIONS);

const raising = (connections: number | null) =>
  connections === null ? "" : `    stats maxconn ${connections}\n`;

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

const namesOf = (owner: Owner) => ({
  socket: `${owner}.sock`,
  first: `${owner}-first.cfg`,
  last: `${owner}-last.cfg`,
  serverState: `${owner}-servers.state`,
});

function createFolder(made: MadeFolder, makeAgain: () => Promise<MadeFolder>): PrivateFolder {
  const secret = crypto.getRandomValues(new Uint8Array(16)).toHex();
  const all = [made];
  let current = made;
  const adopted = new Map<number, PrivateSocket>();
  /** Where each generation was prepared. */
  const homes = new Map<Owner, MadeFolder>();
  /** How many connections the stats sockets of each may have, as far as that is told here. */
  const limits = new Map<Owner, number | null>();
  const homeOf = (owner: Owner) => homes.get(owner) ?? current;
  // A start that was given up may still be writing when the folder is removed.
  let lastWriting: Promise<unknown> = Promise.resolve();
  let isRemoved = false;
  /** The generations of which something could not be removed, for instance while the disk was read-only. */
  const left = new Set<Owner>();
  async function removeFilesOf(owner: Owner): Promise<void> {
    const home = homeOf(owner);
    const names = Object.values(namesOf(owner));
    const removed = await Promise.all(names.map((name) => home.removeFrom(name)));
    if (!removed.every((isGone) => isGone)) return void left.add(owner);
    left.delete(owner);
    homes.delete(owner);
    limits.delete(owner);
  }
  async function write(
    owner: Owner,
    { loadsServerState, sharesSecret, statsMaxconn }: Needs,
  ): Promise<void> {
    if (current.problem() !== null) all.push(current = await makeAgain());
    homes.set(owner, current);
    const { socket, first, last, serverState } = namesOf(owner);
    const text = firstConfiguration(owner === "check" ? null : join(current.path, socket));
    const loading = loadingFrom(join(current.path, serverState));
    await current.write(first, loadsServerState ? text + loading : text);
    const connections = raised(statsMaxconn);
    limits.set(owner, connections);
    const behind = raising(connections) + (sharesSecret ? sharing(secret) : "");
    await current.write(last, `global\n${behind}`);
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
    connectionsOf: (generation) => limits.get(generation) ?? null,
    serverState(generation) {
      const home = homeOf(generation);
      const { serverState } = namesOf(generation);
      return {
        path: join(home.path, serverState),
        write: (text) => home.write(serverState, text),
      };
    },
    async prepare(owner, needs) {
      if (isRemoved) throw new Deno.errors.NotFound("the wrapper ends");
      const writing = write(owner, needs);
      lastWriting = writing.catch(() => {});
      await writing;
      const { first, last } = namesOf(owner);
      const { path } = homeOf(owner);
      return { first: join(path, first), last: join(path, last) };
    },
    async forget(owner) {
      // The files of a later one may be about to be written again.
      const earlier = [...left].filter((one) => one < owner);
      await Promise.all([...earlier, owner].map(removeFilesOf));
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

const firstConfiguration = (socket: string | null) =>
  `global\n    stats maxconn ${LEAST_CONNECTIONS}\n` + (socket === null ? "" : binding(socket));

/** Listeners are handed out from `level operator` on; certificates and maps are changed by `admin` alone. */
const binding = (socket: string) =>
  `    stats socket ${quoted(socket)} mode 600 level admin expose-fd listeners\n`;

const loadingFrom = (serverState: string) => `    server-state-file ${quoted(serverState)}\n`;

/** Within single quotes HAProxy takes everything but a single quote as it is (configuration manual, section 2.2). */
const quoted = (word: string) => `'${word.replaceAll("'", "'\\''")}'`;
