/**
 * Finds what killed wrappers have left below the runtime directories. The wrapper takes over from HAProxy processes of
 * the same service, reports others, and removes folders that nobody needs.
 */
import { list } from "../../system/files/files.ts";
import type { Libc } from "../../system/libc.ts";
import { claim, type Claimed, type Service } from "../private_folder/claim.ts";
import { MadeFolder } from "../private_folder/made_folder.ts";
import { forgetPause, readPause } from "../private_folder/pause_note.ts";
import { socketName } from "../private_folder/private_folder.ts";
import type { HaproxyProcess } from "../process/process.ts";
import { isListening, type PrivateSocket } from "../runtime/client.ts";
import { askInstance } from "../runtime/instance.ts";
import { switchFrontends } from "../runtime/listeners.ts";
import { findFolders } from "./folders.ts";
import { leftProcess, type Running, runningProcesses } from "./processes.ts";

/** A process of the same service that the wrapper may signal. */
export interface Leftover {
  /** Numbered from 0 down, newest first; the wrapper's own start at 1. */
  readonly generation: number;
  readonly process: HaproxyProcess;
  readonly socket: PrivateSocket;
  /** Whether it can hand its listeners over. Others are draining, starting or hanging. */
  readonly serves: boolean;
  readonly folder: string;
}

/** A process that is left alone although it may serve. */
export interface Untouched {
  readonly folder: string;
  /** Of the folder, or of the process if the folder is gone. */
  readonly owner: number;
  /** `null` if it cannot be seen from here. */
  readonly pid: number | null;
  readonly why:
    | "other user"
    | "folder is gone"
    | "other service"
    | "may not be signalled"
    | "not seen";
}

export interface Leftovers {
  /** The newest first. */
  readonly processes: readonly Leftover[];
  readonly untouched: readonly Untouched[];
  /** Frontends of the newest process, in a pause when the wrapper was killed, that listen again. */
  readonly resumed: readonly string[];
  /** Resolves when the folders of ended processes are gone. */
  removed(): Promise<void>;
}

export interface LeftoversOptions {
  readonly parents: readonly string[];
  /** Our own private folder. */
  readonly folder: string;
  readonly service: Service;
  /** `null` if no process can be found or signalled. */
  readonly libc: Libc | null;
}

export async function findLeftovers(
  { parents, folder, service, libc }: LeftoversOptions,
): Promise<Leftovers> {
  if (libc === null) return NOTHING;
  const finder: Finder = { libc, service, user: Deno.lstatSync(folder).uid! };
  const all = await findFolders(parents, finder);
  const dead = await claimAll(all.filter((path) => path !== folder), finder);
  if (dead.length === 0) return NOTHING;
  const running = runningProcesses(libc);
  const found = await Promise.all(
    dead.map((folder) => examine(folder, running.get(folder.made.path) ?? [], finder)),
  );
  const processes = found.flatMap(({ processes }) => processes)
    .map((process, index) => ({ ...process, generation: -index }));
  const serving = processes.find(({ serves }) => serves);
  return {
    processes,
    resumed: serving === undefined ? [] : await resume(serving, finder),
    untouched: found.flatMap(({ untouched }) => untouched),
    removed: async () => void await Promise.all(found.map(({ removed }) => removed())),
  };
}

const NOTHING: Leftovers = {
  processes: [],
  untouched: [],
  resumed: [],
  removed: async () => {},
};

/** At once, because the first start may fail: then nobody else would listen there. */
async function resume({ socket }: Leftover, { user }: Finder): Promise<readonly string[]> {
  const paused = await readPause(socket, user);
  if (paused.length === 0 || !await switchFrontends(socket, "enable", paused)) return [];
  await forgetPause(socket);
  return paused;
}

interface Finder {
  readonly libc: Libc;
  readonly service: Service;
  readonly user: number;
}

/** A folder whose wrapper is gone. */
interface Dead extends Claimed {
  readonly made: MadeFolder;
}

async function claimAll(paths: readonly string[], finder: Finder): Promise<readonly Dead[]> {
  const dead: Dead[] = [];
  for (const path of paths) {
    const made = openFolder(path, finder.user);
    const claimed = made && await claim(made, finder);
    if (made !== null && claimed !== null) dead.push({ ...claimed, made });
  }
  return dead;
}

/** `null` if it is gone by now because its wrapper was just ending. */
function openFolder(path: string, user: number): MadeFolder | null {
  try {
    return new MadeFolder(path, user);
  } catch {
    return null;
  }
}

type Found = Omit<Leftovers, "processes" | "resumed"> & {
  readonly processes: readonly Omit<Leftover, "generation">[];
};

async function examine(dead: Dead, running: readonly Running[], finder: Finder): Promise<Found> {
  const { libc, user: owner } = finder;
  const { path: folder } = dead.made;
  const proven = await prove(dead.made, running, owner);
  const why = await reasonToLeave(dead, proven, libc);
  if (why !== null) {
    dead.unlock();
    const pids = proven.length === 0 ? [null] : proven.map(({ pid }) => pid);
    return { ...NOTHING, untouched: pids.map((pid) => ({ folder, owner, pid, why })) };
  }
  const processes = proven.map(({ pid, word, socket, serves }) => ({
    process: leftProcess({ pid, word, libc }),
    socket,
    serves,
    folder,
  }));
  return { processes, untouched: [], removed: removeAfter(processes, dead) };
}

/** `null` if the processes can be taken over from, or there are none. */
async function reasonToLeave(
  { made, isSame }: Dead,
  proven: readonly Proven[],
  libc: Libc,
): Promise<Untouched["why"] | null> {
  if (proven.length === 0) return await isAnswered(made) ? "not seen" : null;
  if (!isSame) return "other service";
  const isRefused = proven.some(({ pid, word }) => libc.signalNamed(pid, word, 0) === "refused");
  return isRefused ? "may not be signalled" : null;
}

/** Removes the folder once all its processes have ended; the result waits for a removal that has begun. */
function removeAfter(processes: readonly Pick<Leftover, "process">[], { made, unlock }: Dead) {
  let removal: Promise<void> = Promise.resolve();
  Promise.all(processes.map(({ process }) => process.ended))
    .then(() => removal = made.remove().then(unlock));
  return () => removal;
}

interface Proven extends Running {
  readonly socket: PrivateSocket;
  readonly serves: boolean;
}

/**
 * The processes, newest first, that the folder's wrapper certainly started: they answer on a socket that only our user
 * could make, or run as our user or as the user of one that answers.
 */
async function prove(
  made: MadeFolder,
  running: readonly Running[],
  user: number,
): Promise<readonly Proven[]> {
  const isOurs = (process: Running) => Number(process.user === user);
  const likely = running.toSorted((a, b) => isOurs(b) - isOurs(a));
  const asked = await Promise.all(
    likely.slice(0, MOST_ASKED).map(async (process) => {
      const socket = made.socket(socketName(process.generation));
      const instance = await askInstance(socket, AbortSignal.timeout(ANSWER_LIMIT_MS));
      return { ...process, socket, serves: instance?.pid === process.pid };
    }),
  );
  const users = new Set([
    user,
    ...asked.filter(({ serves }) => serves).map((process) => process.user),
  ]);
  return asked.filter((process) => users.has(process.user))
    .toSorted((a, b) => b.generation - a.generation);
}

/** Anybody may start processes with such arguments. */
const MOST_ASKED = 50;
/** HAProxy answers within milliseconds, and one that hangs must not delay the start. */
const ANSWER_LIMIT_MS = 500;

/** Whether a process answers that cannot be seen from here, as in another container with the same volume. */
async function isAnswered(made: MadeFolder): Promise<boolean> {
  const names = (await list(made.path).catch(() => [])).filter((name) => name.endsWith(".sock"));
  const answers = await Promise.all(names.map((name) => isListening(made.socket(name))));
  return answers.includes(true);
}
