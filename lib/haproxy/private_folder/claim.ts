/**
 * How a wrapper claims a private folder: by a lock, which always ends with its process, and by a record of the service
 * that it runs. The lock comes first, so a record without a lock means that its wrapper is gone. Without the C library,
 * or on a file system without locks, there is neither.
 */
import { join } from "@std/path";
import type { Libc } from "../../system/libc.ts";
import { readOwnFile } from "../../system/files/ownership.ts";
import type { MadeFolder } from "./made_folder.ts";

/** Successive wrappers run the same service if these are equal. */
export interface Service {
  /** HAProxy's arguments. */
  readonly words: readonly string[];
  readonly envFile: string | null;
  readonly directory: string;
}

export type Claim = (folder: MadeFolder) => Promise<void>;

export function createClaim(libc: Libc | null, service: Service): Claim {
  return async (folder) => {
    if (libc === null || libc.lockDirectory(folder.path) === null) return;
    // A full disk must not prevent the start.
    await folder.write(RECORD, recordOf(service)).catch(() => {});
  };
}

/** A folder whose wrapper is gone, locked by us. */
export interface Claimed {
  /** Whether its wrapper ran the same service. */
  readonly isSame: boolean;
  unlock(): void;
}

/** `null` if the folder's wrapper is alive or has left no record. */
export async function claim(
  folder: MadeFolder,
  { libc, service, user }: {
    readonly libc: Libc;
    readonly service: Service;
    readonly user: number;
  },
): Promise<Claimed | null> {
  const record = await readRecord(folder.path, user);
  const unlock = record === null ? null : libc.lockDirectory(folder.path);
  return unlock === null ? null : { isSame: record === recordOf(service), unlock };
}

async function readRecord(path: string, user: number): Promise<string | null> {
  try {
    const bytes = await readOwnFile(join(path, RECORD), user, MOST_RECORD_BYTES);
    return new TextDecoder().decode(bytes);
  } catch {
    return null;
  }
}

const RECORD = "service.json";

/** A command line takes at most 2 MB. */
const MOST_RECORD_BYTES = 4_000_000;

const recordOf = ({ words, envFile, directory }: Service) =>
  `${JSON.stringify({ words, envFile, directory })}\n`;
