/** The file system, and the digests of what is in it: all that Deno does on threads beside the main one. */
import { expandGlob, expandGlobSync } from "@std/fs/expand-glob";

// Each does what Deno's function of that name does, and throws the same errors.

export const lstat = (path: string) => work(() => Deno.lstat(path), () => Deno.lstatSync(path));

/**
 * The states of many files, `null` where there is none: in portions, the first file of each on a thread
 * and the others at once, which is four times faster. A network mount that hangs holds up a thread, and
 * the main one only if it begins to hang within such a millisecond.
 */
export async function lstatAll(paths: readonly string[]): Promise<(Deno.FileInfo | null)[]> {
  const infos: (Deno.FileInfo | null)[] = [];
  for (let from = 0; from < paths.length; from += PORTION) {
    infos.push(await lstat(paths[from]!).catch(() => null));
    for (const path of paths.slice(from + 1, from + PORTION)) infos.push(lstatAtOnce(path));
  }
  return infos;
}

export const stat = (path: string) => work(() => Deno.stat(path), () => Deno.statSync(path));

export const readLink = (path: string) =>
  work(() => Deno.readLink(path), () => Deno.readLinkSync(path));

export const readFile = (path: string) =>
  work(() => Deno.readFile(path), () => Deno.readFileSync(path));

export const readTextFile = (path: string) =>
  work(() => Deno.readTextFile(path), () => Deno.readTextFileSync(path));

/** Reads what `check` lets pass, by the open file, in whose place nobody can put another: it throws otherwise. */
export const readChecked = (path: string, check: (info: Deno.FileInfo) => void) =>
  work(() => readOpen(path, check), () => readOpenAtOnce(path, check));

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

/** The names of all entries of a directory. */
export const list = (path: string) =>
  work(
    async () => (await Array.fromAsync(Deno.readDir(path))).map(({ name }) => name),
    () => [...Deno.readDirSync(path)].map(({ name }) => name),
  );

/**
 * The SHA-256 of the content of each file in hexadecimal digits, or why it cannot be read. Of many files
 * most are read at once, as by `lstatAll`: a thread for each would take four times as long.
 */
export async function sha256All(files: readonly SizedFile[]): Promise<(string | Error)[]> {
  if (files.length <= PORTION) return await Promise.all(files.map(({ path }) => digestOf(path)));
  const { createHash } = await import("node:crypto");
  const digests: (string | Error)[] = [];
  let bytes = Infinity;
  for (const { path, size } of files) {
    bytes += size;
    const isFirst = bytes > PORTION_BYTES || digests.length % PORTION === 0;
    if (isFirst) bytes = size;
    digests.push(isFirst ? await digestOf(path) : digestAtOnce(path, createHash));
  }
  return digests;
}

export interface SizedFile {
  readonly path: string;
  /** In bytes. */
  readonly size: number;
}

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

/** In hexadecimal digits. */
export const sha256 = (bytes: Uint8Array<ArrayBuffer>) =>
  work(
    async () => new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex(),
    async () => (await import("node:crypto")).createHash("sha256").update(bytes).digest("hex"),
  );

/**
 * A thread ends after 10 s without work. Where none can be started then, because a limit of processes is
 * reached, Deno aborts (2.6 and 2.9). So from the first longer rest on, which a slow poll, none, or a
 * standstill of the whole program makes possible, all is done at once on the main thread, which a hung
 * network mount would hold up.
 */
const THREAD_LIVES_MS = 8_000;

/** So many files can be looked at in about a millisecond, and so many bytes of them be read. */
const PORTION = 100;
const PORTION_BYTES = 500_000;
/** Writing takes longer than looking, on some volumes much longer. */
const PORTION_MS = 2;

const PRIVATE = { mode: 0o600, createNew: true } as const;

async function readOpen(path: string, check: (info: Deno.FileInfo) => void) {
  using file = await Deno.open(path);
  check(await file.stat());
  return new Uint8Array(await new Response(file.readable).arrayBuffer());
}

function readOpenAtOnce(path: string, check: (info: Deno.FileInfo) => void) {
  using file = Deno.openSync(path);
  const info = file.statSync();
  check(info);
  const bytes = new Uint8Array(info.size);
  let length = 0;
  for (let count; (count = file.readSync(bytes.subarray(length)));) length += count;
  return bytes.subarray(0, length);
}

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
    bytes = await readFile(from);
  } catch (error) {
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

async function digestOf(path: string): Promise<string | Error> {
  try {
    return await sha256(await readFile(path));
  } catch (error) {
    return error as Error;
  }
}

function digestAtOnce(path: string, createHash: CreateHash): string | Error {
  try {
    return createHash("sha256").update(Deno.readFileSync(path)).digest("hex");
  } catch (error) {
    return error as Error;
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

let lastWorkMs = performance.now();

async function work<Result>(
  onThread: () => Promise<Result>,
  atOnce: () => Result | Promise<Result>,
): Promise<Result> {
  if (performance.now() - lastWorkMs > THREAD_LIVES_MS) return await atOnce();
  try {
    return await onThread();
  } finally {
    lastWorkMs = performance.now();
  }
}
