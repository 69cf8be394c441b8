/**
 * Writes a certificate's files beside their places, then renames them at once. A certificate whose key is in a file of
 * its own has two, and HAProxy (3.2, 3.4) starts without a complaint with two that do not match. So the key's is written
 * first and renamed first: if only the certificate's part is left, it is whole, and its key is in place.
 */
import {
  remove,
  removeAtOnce,
  renameAtOnce,
  writeDurably,
  writePrivateAtOnce,
} from "../system/files/files.ts";

/** A file to be replaced. */
export interface Part {
  /** Its real path. */
  readonly path: string;
  /** Where it is until it is whole. */
  readonly part: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** What it replaces; `null`: nothing. */
  readonly before: Uint8Array<ArrayBuffer> | null;
}

/** Puts all files in place at once, unless somebody else has just changed what is there. */
export type Rename = () => boolean;

/**
 * Writes `parts`, and calls `replace` when they can be renamed.
 * @returns whether they were
 * @throws the system's error if one cannot be written or renamed; then all files are as they were.
 */
export async function writeParts(
  parts: readonly Part[],
  { replace, isUnchanged }: {
    readonly replace: (rename: Rename) => Promise<boolean>;
    readonly isUnchanged: () => boolean;
  },
): Promise<boolean> {
  let isUntouched = true;
  const rename = () => {
    if (!isUnchanged()) return false;
    isUntouched = false;
    renameAll(parts);
    return true;
  };
  try {
    for (const { part, bytes } of parts) await writeDurably(part, bytes);
    return await replace(rename);
  } finally {
    if (isUntouched) await removeAll(parts.map(({ part }) => part));
  }
}

function renameAll(parts: readonly Part[]): void {
  const renamed: Part[] = [];
  try {
    for (const one of parts) {
      renameAtOnce(one.part, one.path);
      renamed.push(one);
    }
  } catch (error) {
    // If this fails too, the next start needs what is left.
    renamed.forEach(putBack);
    for (const { part } of parts.toReversed()) removeAtOnce(part);
    throw error;
  }
}

function putBack({ path, part, before }: Part): void {
  if (before === null) return removeAtOnce(path);
  writePrivateAtOnce(part, before);
  renameAtOnce(part, path);
}

/** Returns those that were removed. The certificate's goes first: alone, the key's says nothing. */
export async function removeAll(parts: readonly string[]): Promise<readonly string[]> {
  const removed: string[] = [];
  for (const part of parts.toReversed()) {
    if (await remove(part).then(() => true, () => false)) removed.push(part);
  }
  return removed;
}
