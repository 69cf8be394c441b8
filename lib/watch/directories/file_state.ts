/** The state of a file, and what it proves about the content. Pure. */

/** Small, because there may be 10,000. */
export type FileState = Pick<Deno.FileInfo, "dev" | "ino" | "size" | "mtime" | "ctime" | "nlink">;

export function stateOf({ dev, ino, size, mtime, ctime, nlink }: FileState): FileState {
  return { dev, ino, size, mtime, ctime, nlink };
}

export const isSameState = (one: FileState | null, other: FileState | null) =>
  one?.ino === other?.ino && one?.size === other?.size && one?.dev === other?.dev &&
  one?.mtime?.getTime() === other?.mtime?.getTime() &&
  one?.ctime?.getTime() === other?.ctime?.getTime();

/** When a file was last written, replaced or renamed, in milliseconds since 1970. Deno rounds it down to a second. */
export const lastChangeMs = ({ mtime, ctime }: FileState) =>
  Math.max(mtime?.getTime() ?? 0, ctime?.getTime() ?? Infinity);

/**
 * Some file systems record times to 2 s, and Deno rounds change times to 1 s. A file that is read this soon after a
 * change may change once more without showing it.
 */
const COARSEST_TIMES_MS = 3_000;

/** Whether what was read at `nowMs` stays the content as long as the file has this state. */
export const provesContent = (info: FileState, nowMs: number) =>
  nowMs - lastChangeMs(info) > COARSEST_TIMES_MS;

/** Differs whenever the file was written or replaced, as far as its times show it. */
export const stampOf = (info: FileState | null) =>
  `${info?.dev} ${info?.ino} ${info?.size} ${info?.mtime?.getTime()} ${info?.ctime?.getTime()}`;
