/** What tells one state of a file from another, and what a state proves. Pure. */

/** Kept small: there may be 10,000 of them. */
export type FileState = Pick<Deno.FileInfo, "dev" | "ino" | "size" | "mtime" | "ctime" | "nlink">;

/** What `info` tells of a file's state. */
export function stateOf({ dev, ino, size, mtime, ctime, nlink }: FileState): FileState {
  return { dev, ino, size, mtime, ctime, nlink };
}

export const isSameState = (one: FileState | null, other: FileState | null) =>
  one?.ino === other?.ino && one?.size === other?.size && one?.dev === other?.dev &&
  one?.mtime?.getTime() === other?.mtime?.getTime() &&
  one?.ctime?.getTime() === other?.ctime?.getTime();

/** When a file was last written, replaced or renamed, in milliseconds since 1970, rounded down to 1 s. */
export const lastChangeMs = ({ mtime, ctime }: FileState) =>
  Math.max(mtime?.getTime() ?? 0, ctime?.getTime() ?? Infinity);

/**
 * Times are as coarse as 2 s on some file systems, and Deno rounds a change time to 1 s. So what was
 * read less than that after a change may have been changed once more without showing it.
 */
const COARSEST_TIMES_MS = 3_000;

/** Whether a file with this state, read at `nowMs`, has that content as long as it has that state. */
export const provesContent = (info: FileState, nowMs: number) =>
  nowMs - lastChangeMs(info) > COARSEST_TIMES_MS;

/** Differs whenever a file was written or replaced, as far as its times show it. */
export const stampOf = (info: FileState | null) =>
  `${info?.dev} ${info?.ino} ${info?.size} ${info?.mtime?.getTime()} ${info?.ctime?.getTime()}`;
