/** Finds HAProxy processes that were started from private folders, by their command lines. */
import { dirname } from "@std/path";
import type { Libc } from "../../system/libc.ts";
import { SIGNAL_NUMBERS } from "../../system/signals.ts";
import { generationOf } from "../private_folder/private_folder.ts";
import type { Ending, HaproxyProcess } from "../process/process.ts";

export interface Running {
  readonly pid: number;
  /** Whether its parent is no wrapper by its name, but process 1 or a subreaper, as systemd is for users' services. */
  readonly isOrphan: boolean;
  readonly user: number;
  readonly generation: number;
  /** The path of its generation's file, an argument that no other process has. */
  readonly word: string;
}

/** By the folder's path. A zombie has no command line. */
export function runningProcesses(libc: Libc): ReadonlyMap<string, readonly Running[]> {
  const found = [...pids(libc)].flatMap((pid): Running[] => {
    const word = libc.commandLine(pid).find((word) => generationOf(word) !== null);
    const status = word === undefined ? null : libc.readKernelFile(`/proc/${pid}/status`);
    if (word === undefined || status === null) return [];
    const parent = libc.readKernelFile(`/proc/${numberOf(status, "PPid")}/status`);
    const isOrphan = parent !== null && !WRAPPER.test(parent);
    const user = numberOf(status, "Uid");
    return [{ pid, isOrphan, user, generation: generationOf(word)!, word }];
  });
  return Map.groupBy(found, ({ word }) => dirname(word));
}

function* pids(libc: Libc): Iterable<number> {
  const reader = libc.openDirectory("/proc");
  if (reader === null) return;
  try {
    for (let entries = reader.next(); entries.length > 0; entries = reader.next()) {
      yield* entries.map(({ name }) => Number(name)).filter((pid) => pid > 0);
    }
  } finally {
    reader.close();
  }
}

/** Run from source, it is Deno. The kernel cuts names after 15 characters. */
const WRAPPER = /^Name:\s+(haproxy-reload-|deno)/;

/** The first of several numbers: the real user's. */
const numberOf = (status: string, name: string) =>
  Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(status)?.[1] ?? NaN);

/** A leftover process is not our child, so the wrapper polls for its end. */
export function leftProcess(
  { libc, pid, word }: Pick<Running, "pid" | "word"> & {
    readonly libc: Pick<Libc, "commandLine" | "signalNamed">;
  },
): HaproxyProcess {
  const ended = Promise.withResolvers<Ending>();
  let sinceMs = performance.now();
  const poll = () => {
    // A later process with the same pid has other arguments. Only the parent learns how a process ended.
    if (!libc.commandLine(pid).includes(word)) return ended.resolve({ tag: "exited", code: 0 });
    setTimeout(poll, pauseMs(performance.now() - sinceMs));
  };
  setTimeout(poll, pauseMs(0));
  return {
    pid,
    ended: ended.promise,
    output: Promise.resolve(""),
    release: () => Promise.resolve(),
    signal(signal) {
      sinceMs = performance.now();
      libc.signalNamed(pid, word, NUMBERS[signal]!);
    },
  };
}

/** On Linux; the wrapper sends no others. */
const NUMBERS: Readonly<Partial<Record<Deno.Signal, number>>> = {
  ...SIGNAL_NUMBERS,
  SIGQUIT: 3,
  SIGKILL: 9,
  SIGUSR1: 10,
};

/** A tenth of the time since the last signal. */
const pauseMs = (elapsedMs: number) => Math.min(1_000, Math.max(20, elapsedMs / 10));
