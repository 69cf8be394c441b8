/** The file system, and the digests of what is in it: all that Deno does on threads beside the main one. */
import { expandGlob, expandGlobSync } from "@std/fs/expand-glob";

// Each does what Deno's function of that name does, and throws the same errors.

export const lstat = (path: string) => work(() => Deno.lstat(path), () => Deno.lstatSync(path));

export const stat = (path: string) => work(() => Deno.stat(path), () => Deno.statSync(path));

export const readLink = (path: string) =>
  work(() => Deno.readLink(path), () => Deno.readLinkSync(path));

export const readFile = (path: string) =>
  work(() => Deno.readFile(path), () => Deno.readFileSync(path));

export const readTextFile = (path: string) =>
  work(() => Deno.readTextFile(path), () => Deno.readTextFileSync(path));

export const writeTextFile = (path: string, text: string) =>
  work(() => Deno.writeTextFile(path, text), () => Deno.writeTextFileSync(path, text));

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

/** The paths that a glob stands for. */
export const expand = (glob: string) =>
  work(
    async () => (await Array.fromAsync(expandGlob(glob))).map(({ path }) => path),
    () => [...expandGlobSync(glob)].map(({ path }) => path),
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
