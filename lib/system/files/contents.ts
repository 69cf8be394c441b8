/**
 * The contents of files, digested in portions through one buffer, or read whole up to a limit. So the memory for a file
 * is bounded, however large it is or becomes during the read, and nothing else waits for it.
 */
import { breathe, work } from "../threads.ts";
import { hasParent } from "./kernel_path.ts";
import { open } from "./open.ts";

const KB = 1_024;
const MB = 1_024 * KB;

/**
 * Larger files are not digested: this much takes half a second of a core, which HAProxy would lack and which would
 * delay the change of another file.
 */
export const MOST_DIGESTED_BYTES = 256 * MB;

/** A file is larger than may be read. */
export class TooLarge extends Error {
  override readonly name = "TooLarge";

  constructor(mostBytes: number) {
    super(`it has more than ${formatBytes(mostBytes)}`);
  }
}

/** As `256 MB`, rounded down. */
export const formatBytes = (bytes: number) =>
  bytes < MB ? `${Math.floor(bytes / KB)} kB` : `${Math.floor(bytes / MB)} MB`;

/**
 * The whole content of a file. `check` gets the state of the open file, which can no longer be swapped, and throws
 * if the file must not be read.
 * @throws {TooLarge}
 */
export async function readFile(
  path: string,
  mostBytes: number,
  check: (info: Deno.FileInfo) => void = () => {},
): Promise<Uint8Array<ArrayBuffer>> {
  using file = await open(path);
  const info = await work(() => file.stat(), () => file.statSync());
  check(info);
  const { size } = info;
  // The file may grow, and the kernel's own files report size 0. A buffer of exactly that size leaves no garbage.
  const bytes = size > mostBytes ? null : await readHead(file, mostBytes + 1, size + 1);
  if (bytes === null || bytes.length > mostBytes) throw new TooLarge(mostBytes);
  return bytes;
}

export async function readTextFile(path: string, mostBytes: number): Promise<string> {
  return new TextDecoder().decode(await readFile(path, mostBytes));
}

/** The digest of `bytes` in hexadecimal digits. */
export const sha256 = (bytes: Uint8Array<ArrayBuffer>) =>
  work(
    async () => new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex(),
    async () => (await import("node:crypto")).createHash("sha256").update(bytes).digest("hex"),
  );

export interface SizedFile {
  readonly path: string;
  /** In bytes. */
  readonly size: number;
}

/** The SHA-256 in hexadecimal digits, or why the file cannot be read: `TooLarge` or the system's error. */
export type Digest = string | Error;

/**
 * The digest of each file's content. If there are many files, most are read on the main thread, in portions of about
 * a millisecond: a thread for each would take four times as long.
 */
export async function sha256All(files: readonly SizedFile[]): Promise<Digest[]> {
  return files.length <= FEW ? await digestFew(files) : await digestMany(files);
}

/**
 * Copies a file to `to`, which must not exist yet and which no other user may read.
 * @returns the digest of what was copied, or why it cannot be read
 * @throws the system's error if it cannot be written
 */
export async function copyInPortions(from: string, to: string): Promise<Digest> {
  using target = await work(() => Deno.open(to, NEW), () => Deno.openSync(to, NEW));
  let failure: { readonly error: unknown } | null = null;
  const take: Take = async (bytes) => {
    if (failure === null) await writeAll(target, bytes).catch((error) => failure = { error });
  };
  const digest = await digestInPortions(from, { take });
  if (failure !== null) throw (failure as { readonly error: unknown }).error;
  return digest;
}

const NEW = { write: true, createNew: true, mode: 0o600 } as const;

/** How many files, and how many bytes, can be read in about a millisecond. */
const FEW = 100;
const AT_ONCE_BYTES = 512 * KB;

/** Half a millisecond of digesting. */
const PORTION_BYTES = MB;

async function digestFew(files: readonly SizedFile[]): Promise<Digest[]> {
  const digests: Digest[] = [];
  for (let from = 0; from < files.length; from += PARALLEL) {
    const some = files.slice(from, from + PARALLEL);
    digests.push(
      ...await Promise.all(some.map(({ path, size }) => digestInPortions(path, { size }))),
    );
  }
  return digests;
}

/** How many threads at a time, each with a portion. */
const PARALLEL = 8;

async function digestMany(files: readonly SizedFile[]): Promise<Digest[]> {
  const { createHash } = await import("node:crypto");
  const system = await import("node:fs");
  const buffer = new Uint8Array(AT_ONCE_BYTES + 1);
  const digests: Digest[] = [];
  let bytes = Infinity;
  for (const file of files) {
    const { path, size } = file;
    bytes += size;
    const onThread = bytes > AT_ONCE_BYTES || digests.length % FEW === 0 || hasParent(path);
    if (onThread) bytes = size;
    digests.push(
      (onThread ? null : digestAtOnce(file, { buffer, createHash, system })) ??
        await digestInPortions(path, { size }),
    );
  }
  return digests;
}

interface Tools {
  /** One byte larger than what may be read in one go. */
  readonly buffer: Uint8Array;
  readonly createHash: typeof import("node:crypto").createHash;
  readonly system: typeof import("node:fs");
}

/**
 * `null` if a thread must do it: the file does not fit into the buffer, or something is wrong. Must handle 10,000 files,
 * so it makes no needless system call.
 */
function digestAtOnce(
  { path, size }: SizedFile,
  { buffer, createHash, system: { openSync, readSync, closeSync, constants } }: Tools,
): Digest | null {
  let file: number | null = null;
  try {
    // Somebody may have put a FIFO there since: Deno's own way of opening it would stop the whole program.
    file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    let length = readSync(file, buffer);
    // A file of the expected size has no more to read.
    if (length !== size) {
      for (let count; (count = readSync(file, buffer.subarray(length)));) length += count;
    }
    const isFifo = length === 0 && size > 0;
    if (isFifo || length === buffer.length) return null;
    return createHash("sha256").update(buffer.subarray(0, length)).digest("hex");
  } catch (error) {
    const isUnready = (error as { readonly code?: string }).code === "EAGAIN";
    return isUnready ? new Deno.errors.NotSupported("not a regular file") : null;
  } finally {
    if (file !== null) closeSync(file);
  }
}

type Take = (bytes: Uint8Array) => Promise<void>;

/** A file that fits into one portion does not need `node:crypto`, which takes 4 MB of memory (2.9). */
async function digestInPortions(
  path: string,
  { size, take }: { readonly size?: number; readonly take?: Take } = {},
): Promise<Digest> {
  try {
    using file = await open(path);
    const head = await readHead(file, PORTION_BYTES, size === undefined ? undefined : size + 1);
    await take?.(head);
    if (head.length < PORTION_BYTES) return await sha256(head);
    const { createHash } = await import("node:crypto");
    const hash = createHash("sha256").update(head);
    for (let bytes = head.length;;) {
      const count = await readSome(file, head);
      if (count === null) return hash.digest("hex");
      bytes += count;
      // A file that grows as fast as it is read would otherwise never end.
      if (bytes > MOST_DIGESTED_BYTES) return new TooLarge(MOST_DIGESTED_BYTES);
      const portion = head.subarray(0, count);
      hash.update(portion);
      await take?.(portion);
    }
  } catch (error) {
    return error as Error;
  }
}

/** The beginning of a file, at most `mostBytes`. */
async function readHead(
  file: Deno.FsFile,
  mostBytes: number,
  firstBytes = 64 * KB,
): Promise<Uint8Array<ArrayBuffer>> {
  let buffer = new Uint8Array(Math.min(mostBytes, firstBytes));
  let length = 0;
  for (;;) {
    const count = await readInto(file, buffer.subarray(length));
    if (count === null) return buffer.subarray(0, length);
    length += count;
    if (length < buffer.length) continue;
    if (length === mostBytes) return buffer;
    const longer = new Uint8Array(Math.min(mostBytes, 4 * length));
    longer.set(buffer);
    buffer = longer;
  }
}

const readInto = (file: Deno.FsFile, buffer: Uint8Array) =>
  work(() => file.read(buffer), () => file.readSync(buffer));

/** The same for a file with much more to read. */
const readSome = (file: Deno.FsFile, buffer: Uint8Array) =>
  work(() => file.read(buffer), async () => {
    await breathe();
    return file.readSync(buffer);
  });

async function writeAll(file: Deno.FsFile, bytes: Uint8Array): Promise<void> {
  for (let rest = bytes; rest.length > 0;) {
    const part = rest;
    rest = part.subarray(await work(() => file.write(part), () => file.writeSync(part)));
  }
}
