/** The file system, except for the contents of files (see contents.ts): everything that Deno does on other threads. */
import { expandGlob, expandGlobSync } from "@std/fs/expand-glob";
import { hasJustWorked, work } from "../threads.ts";
import { kernelPath, kernelPathAtOnce } from "./kernel_path.ts";
import { open } from "./open.ts";

// Each function does what Deno's function of that name does, and throws the same errors.

export const lstat = (path: string) =>
  work(
    async () => await Deno.lstat(await kernelPath(path)),
    () => Deno.lstatSync(kernelPathAtOnce(path)),
  );

/**
 * The states of many files, `null` for missing ones. Works in portions: the first file of each on a thread, the others
 * on the main thread, which is four times faster. A network mount that hangs blocks a thread, and the main thread only
 * if it begins to hang within such a millisecond.
 */
export async function lstatAll(paths: readonly string[]): Promise<(Entry | null)[]> {
  const entries: (Entry | null)[] = [];
  for (let from = 0; from < paths.length; from += PORTION) {
    entries.push(await lstat(paths[from]!).then(entryOf, () => null));
    for (const path of paths.slice(from + 1, from + PORTION)) {
      entries.push(orNull(() => entryOf(Deno.lstatSync(path))));
    }
  }
  return entries;
}

/** Only the fields that are used: Deno's answer takes three times the memory. */
export type Entry = ReturnType<typeof entryOf>;

function entryOf(info: Deno.FileInfo) {
  const { isFile, isDirectory, isSymlink, isSocket, dev, ino, size, nlink } = info;
  const { mtime, ctime, uid, mode } = info;
  return {
    isFile,
    isDirectory,
    isSymlink,
    isSocket,
    dev,
    ino,
    size,
    nlink,
    mtime,
    ctime,
    uid,
    mode,
  };
}

// On the main thread, if a call on another thread has just reached as far.

export const lstatAtOnce = (path: string): Deno.FileInfo => Deno.lstatSync(path);
export const readLinkAtOnce = (path: string): string => Deno.readLinkSync(path);

/** `null` if the file is missing. */
export const statAtOnce = (path: string): Deno.FileInfo | null => orNull(() => Deno.statSync(path));

function orNull<Result>(read: () => Result): Result | null {
  try {
    return read();
  } catch {
    return null;
  }
}

/** Like `stat`, for a path that was reached a moment ago; `null` if the file is missing. */
export const statAgain = async (path: string): Promise<Deno.FileInfo | null> =>
  hasJustWorked() ? statAtOnce(path) : await stat(path).catch(() => null);

export const stat = (path: string) =>
  work(
    async () => await Deno.stat(await kernelPath(path)),
    () => Deno.statSync(kernelPathAtOnce(path)),
  );

/** Sets the times of a file or directory to now. */
export const touch = (path: string) => {
  const now = new Date();
  return work(() => Deno.utime(path, now, now), () => Deno.utimeSync(path, now, now));
};

/** Writes a file that no other user may read. An existing file is removed, never written to. */
export const writePrivateFile = (path: string, bytes: Uint8Array) =>
  work(
    async () => {
      await Deno.remove(path).catch(ignoreMissing);
      await Deno.writeFile(path, bytes, PRIVATE);
    },
    () => writePrivateAtOnce(path, bytes),
  );

/** The same, and returns once the disk has it. */
export const writeDurably = (path: string, bytes: Uint8Array) =>
  work(
    async () => {
      await Deno.remove(path).catch(ignoreMissing);
      using file = await Deno.open(path, { write: true, ...PRIVATE });
      for (let rest = bytes; rest.length > 0;) rest = rest.subarray(await file.write(rest));
      await file.sync();
    },
    () => {
      removeAtOnce(path);
      using file = Deno.openSync(path, { write: true, ...PRIVATE });
      for (let rest = bytes; rest.length > 0;) rest = rest.subarray(file.writeSync(rest));
      file.syncSync();
    },
  );

// On the main thread, so that nothing else happens before the caller continues.

export const renameAtOnce = (from: string, to: string): void => Deno.renameSync(from, to);

/** Does nothing if the directory is there, or cannot be made. */
export function makeAtOnce(path: string, options: Deno.MkdirOptions): void {
  if (statAtOnce(path) === null) orNull(() => Deno.mkdirSync(path, options));
}

/** An existing file is removed, never written to. */
export function writePrivateAtOnce(path: string, bytes: Uint8Array): void {
  removeAtOnce(path);
  Deno.writeFileSync(path, bytes, PRIVATE);
}

export const rename = (from: string, to: string) =>
  work(() => Deno.rename(from, to), () => Deno.renameSync(from, to));

export const mkdir = (path: string, options: Deno.MkdirOptions) =>
  work(() => Deno.mkdir(path, options), () => Deno.mkdirSync(path, options));

export const remove = (path: string, options: Deno.RemoveOptions = {}) =>
  work(() => Deno.remove(path, options), () => Deno.removeSync(path, options));

/** @throws why a file or directory cannot be read. */
export async function tryToOpen(path: string): Promise<void> {
  (await open(path)).close();
}

/** The names of all entries of a directory. */
export const list = (path: string) =>
  work(
    async () => (await Array.fromAsync(Deno.readDir(await kernelPath(path)))).map(nameOf),
    () => [...Deno.readDirSync(kernelPathAtOnce(path))].map(nameOf),
  );

const nameOf = ({ name }: Deno.DirEntry) => name;

export const expand = (glob: string, options: { extended: false; exclude: string[] }) =>
  work(
    async () => (await Array.fromAsync(expandGlob(glob, options))).map(({ path }) => path),
    () => [...expandGlobSync(glob, options)].map(({ path }) => path),
  );

/** How many files can be examined in about a millisecond. */
const PORTION = 100;

export const PRIVATE = { mode: 0o600, createNew: true } as const;

/** A missing file counts as removed. */
export function removeAtOnce(path: string): void {
  try {
    Deno.removeSync(path);
  } catch (error) {
    ignoreMissing(error);
  }
}

export function ignoreMissing(error: unknown): void {
  if (!(error instanceof Deno.errors.NotFound)) throw error;
}
