/** Finds the HAProxy processes that were started from private folders, by the words that started them. */
import { dirname } from "@std/path";
import type { Libc } from "../../system/libc.ts";
import { generationOf } from "../private_folder/private_folder.ts";

export interface Running {
  readonly pid: number;
  /** Whether its parent is gone: process 1 has got it, which is no wrapper itself. */
  readonly isOrphan: boolean;
  readonly user: number;
  readonly generation: number;
  /** The file of its generation, a name that no other process has among its words. */
  readonly word: string;
}

/** Those that are to be seen, by the folder's path. One that has ended and waits for its parent has no words. */
export function runningProcesses(libc: Libc): ReadonlyMap<string, readonly Running[]> {
  const found = new Map<string, Running[]>();
  const isWrapperFirst = WRAPPER.test(libc.readMemoryFile("/proc/1/status") ?? "");
  for (const pid of pids(libc)) {
    const word = libc.commandLine(pid).find((one) => generationOf(one) !== null);
    const status = word === undefined ? null : libc.readMemoryFile(`/proc/${pid}/status`);
    if (word === undefined || status === null) continue;
    const process = {
      ...{ pid, word, generation: generationOf(word)! },
      isOrphan: !isWrapperFirst && numberOf(status, "PPid") === 1,
      user: numberOf(status, "Uid"),
    };
    const folder = dirname(word);
    const others = found.get(folder);
    if (others === undefined) found.set(folder, [process]);
    else others.push(process);
  }
  return found;
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

/** From source it is Deno; the kernel keeps 15 letters. */
const WRAPPER = /^Name:\s+(haproxy-reload-|deno)/;

/** The first of several: the real user's. */
const numberOf = (status: string, name: string) =>
  Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(status)?.[1] ?? NaN);
