/** The file system, but for what is in files (see contents.ts): all that Deno does on threads beside the main one. */
import { expandGlob, expandGlobSync } from "@std/fs/expand-glob";
import { copyInPortions, readFile, sha256, TooLarge } from "./contents.ts";
import { work } from "./threads.ts";

// Each does what Deno's function of that name does, and throws the same errors.

export const lstat = (path: string) => work(() => Deno.lstat(path), () => Deno.lstatSync(path));

/**
 * The states of many files, `null` where there is none: in portions, the first file of each on a thread
 * and the others at once, which is four times faster. A network mount that hangs holds up a thread, and
 * the main one only if it begins to hang within such a millisecond.
 */
export async function lstatAll(paths: readonly string[]): Promise<(Entry | null)[]> {
  const entries: (Entry | null)[] = [];
  for (let from = 0; from < paths.length; from += PORTION) {
    entries.push(entryOf(await lstat(paths[from]!).catch(() => null)));
    for (const path of paths.slice(from + 1, from + PORTION)) {
      entries.push(entryOf(lstatAtOnce(path)));
    }
  }
  return entries;
}

/** What is asked of a file: Deno's answer takes three times the memory. */
export type Entry = Pick<
  Deno.FileInfo,
  | "isFile"
  | "isDirectory"
  | "isSymlink"
  | "isSocket"
  | "dev"
  | "ino"
  | "size"
  | "mtime"
  | "ctime"
  | "nlink"
  | "uid"
  | "mode"
>;

function entryOf(info: Deno.FileInfo | null): Entry | null {
  if (info === null) return null;
  const { isFile, isDirectory, isSymlink, isSocket } = info;
  const { dev, ino, size, mtime, ctime, nlink, uid, mode } = info;
  const kind = { isFile, isDirectory, isSymlink, isSocket };
  return { ...kind, dev, ino, size, mtime, ctime, nlink, uid, mode };
}

/** On the main thread: for a few of many, as by `lstatAll`. `null` where there is none. */
export function statAtOnce(path: string): Deno.FileInfo | null {
  try {
    return Deno.statSync(path);
  } catch {
    return null;
  }
}

export const stat = (path: string) => work(() => Deno.stat(path), () => Deno.statSync(path));

export const readLink = (path: string) =>
  work(() => Deno.readLink(path), () => Deno.readLinkSync(path));

export const writeTextFile = (path: string, text: string) =>
  work(() => Deno.writeTextFile(path, text), () => Deno.writeTextFileSync(path, text));

/** For nobody else to read: never into what is there, which goes. */
export const writePrivateFile = (path: string, bytes: Uint8Array) =>
  work(
    async () => {
      await Deno.remove(path).catch(ignoreMissing);
      await Deno.writeFile(path, bytes, PRIVATE);
    },
    () => {
      removeAtOnce(path);
      Deno.writeFileSync(path, bytes, PRIVATE);
    },
  );

export const rename = (from: string, to: string) =>
  work(() => Deno.rename(from, to), () => Deno.renameSync(from, to));

export const mkdir = (path: string, options: Deno.MkdirOptions) =>
  work(() => Deno.mkdir(path, options), () => Deno.mkdirSync(path, options));

export const remove = (path: string, options: Deno.RemoveOptions = {}) =>
  work(() => Deno.remove(path, options), () => Deno.removeSync(path, options));

/** Whether a file or directory may be read: otherwise it throws why not. */
export async function tryToOpen(path: string): Promise<void> {
  (await work(() => Deno.open(path), () => Deno.openSync(path))).close();
}

/** The names of all entries of a directory. */
export const list = (path: string) =>
  work(
    async () => (await Array.fromAsync(Deno.readDir(path))).map(({ name }) => name),
    () => [...Deno.readDirSync(path)].map(({ name }) => name),
  );

export interface Copy {
  readonly from: string;
  /** Written beside it first, as `….part`: it is there whole, or not at all. */
  readonly to: string;
  /** Of the content that is wanted, in hexadecimal digits. */
  readonly digest: string;
}

/** `differs`: something else was found than what is wanted, and nothing was written. */
export type CopyEnd =
  | { readonly tag: "copied" | "differs" }
  | { readonly tag: "unreadable" | "unwritable"; readonly error: unknown };

/**
 * Copies files for nobody else to read, in order, until one cannot be written or `cancel` aborts. Of many
 * files most are copied at once, in portions of some milliseconds, as by `lstatAll`.
 */
export async function copyAll(copies: readonly Copy[], cancel?: AbortSignal): Promise<CopyEnd[]> {
  const { createHash } = await import("node:crypto");
  const ends: CopyEnd[] = [];
  let startedMs = -Infinity;
  for (const copy of copies) {
    if (cancel?.aborted) break;
    const isFirst = performance.now() - startedMs > PORTION_MS;
    ends.push((isFirst ? null : copyAtOnce(copy, createHash)) ?? await copyOnThread(copy));
    if (ends.at(-1)!.tag === "unwritable") break;
    if (isFirst) startedMs = performance.now();
  }
  return ends;
}

/** The paths that a glob stands for. */
export const expand = (glob: string, options: { extended: false; exclude: string[] }) =>
  work(
    async () => (await Array.fromAsync(expandGlob(glob, options))).map(({ path }) => path),
    () => [...expandGlobSync(glob, options)].map(({ path }) => path),
  );

/** So many files can be looked at in about a millisecond. */
const PORTION = 100;
/** Of a file that is copied as a whole. */
const PORTION_BYTES = 500_000;
/** Writing takes longer than looking, on some volumes much longer. */
const PORTION_MS = 2;

const PRIVATE = { mode: 0o600, createNew: true } as const;

function removeAtOnce(path: string): void {
  try {
    Deno.removeSync(path);
  } catch (error) {
    ignoreMissing(error);
  }
}

function ignoreMissing(error: unknown): void {
  if (!(error instanceof Deno.errors.NotFound)) throw error;
}

async function copyOnThread({ from, to, digest }: Copy): Promise<CopyEnd> {
  let bytes: Uint8Array<ArrayBuffer>;
  try {
    // Opening a FIFO would wait for its writer.
    if (!(await stat(from)).isFile) throw new Deno.errors.NotSupported("not a regular file");
    bytes = await readFile(from, PORTION_BYTES);
  } catch (error) {
    if (error instanceof TooLarge) return await copyLarge({ from, to, digest });
    return { tag: "unreadable", error };
  }
  if (await sha256(bytes) !== digest) return { tag: "differs" };
  try {
    await writePrivateFile(`${to}.part`, bytes);
    await rename(`${to}.part`, to);
    return { tag: "copied" };
  } catch (error) {
    return { tag: "unwritable", error };
  }
}

async function copyLarge({ from, to, digest }: Copy): Promise<CopyEnd> {
  const part = `${to}.part`;
  try {
    await remove(part).catch(ignoreMissing);
    const found = await copyInPortions(from, part);
    if (found !== digest) await remove(part);
    if (typeof found !== "string") return { tag: "unreadable", error: found };
    if (found !== digest) return { tag: "differs" };
    await rename(part, to);
    return { tag: "copied" };
  } catch (error) {
    return { tag: "unwritable", error };
  }
}

/** `null`: that is for a thread, since the file is large or something is wrong, such as a `.part` that was left. */
function copyAtOnce({ from, to, digest }: Copy, createHash: CreateHash): CopyEnd | null {
  try {
    const { isFile, size } = Deno.statSync(from);
    if (!isFile || size > PORTION_BYTES) return null;
    const bytes = Deno.readFileSync(from);
    if (createHash("sha256").update(bytes).digest("hex") !== digest) return { tag: "differs" };
    Deno.writeFileSync(`${to}.part`, bytes, PRIVATE);
    Deno.renameSync(`${to}.part`, to);
    return { tag: "copied" };
  } catch {
    return null;
  }
}

type CreateHash = typeof import("node:crypto").createHash;

function lstatAtOnce(path: string): Deno.FileInfo | null {
  try {
    return Deno.lstatSync(path);
  } catch {
    return null;
  }
}
