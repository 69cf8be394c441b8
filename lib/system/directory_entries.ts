/** Parses what getdents64 writes, see getdents(2): a directory in portions. */

export interface DirectoryEntry {
  readonly name: string;
  /** `true` only if the file system reports it, and not for a link. */
  readonly isDirectory: boolean;
}

/** About 400 entries. */
export const DIRECTORY_BYTES = 16_384;

/** In a `struct dirent64`, see getdents(2). */
const D_RECLEN = 16;
const D_TYPE = 18;
const D_NAME = 19;
const DT_DIR = 4;

/** `read` fills the buffer and returns how many bytes that took; none at the end. */
export function nextEntries(read: () => number, buffer: DataView<ArrayBuffer>): DirectoryEntry[] {
  const entries: DirectoryEntry[] = [];
  // A portion may hold only "." and "..".
  while (entries.length === 0) {
    const length = read();
    if (length <= 0) break;
    for (let offset = 0; offset < length; offset += buffer.getUint16(offset + D_RECLEN, true)) {
      const name = nameIn(new Uint8Array(buffer.buffer, offset + D_NAME));
      if (name === "." || name === "..") continue;
      entries.push({ name, isDirectory: buffer.getUint8(offset + D_TYPE) === DT_DIR });
    }
  }
  return entries;
}

/** Bytes that are not UTF-8 yield a name that matches no file. */
const nameIn = (bytes: Uint8Array<ArrayBuffer>) =>
  DECODER.decode(bytes.subarray(0, bytes.indexOf(0)));

const DECODER = new TextDecoder();
