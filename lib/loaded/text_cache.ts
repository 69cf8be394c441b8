/** Reads texts only when their files may have changed. */
import { readFile, sha256, TooLarge } from "../system/files/contents.ts";
import { type FileState, provesContent, stampOf } from "../watch/directories/file_state.ts";
import { MOST_TEXT_BYTES } from "../config/tokens.ts";
import type { ConfigurationFile } from "../config/file_references.ts";

export interface TextFile {
  readonly path: string;
  readonly info: FileState | null;
}

/**
 * The texts; `null` if they are those of the last call, unless `isForced`. A file that cannot be read, or exceeds
 * the limit for all of them, is empty.
 */
export type ReadTexts = (
  files: readonly TextFile[],
  isForced?: boolean,
) => Promise<readonly ReadText[] | null>;

export interface ReadText extends ConfigurationFile {
  /** The SHA-256 of the file; empty if it was not read. */
  readonly digest: string;
}

/** Makes a reader. It remembers only digests, because a text may have megabytes. */
export function createTextReader(): ReadTexts {
  let stamps: string | null = null;
  let digest: string | null = null;
  return async (files, isForced = false) => {
    const nowMs = Date.now();
    const found = files.map(({ path, info }) => `${stampOf(info)} ${path}\0`).join("");
    if (found === stamps && !isForced) return null;
    const contents = await readAll(files);
    const isProof = contents.every(({ isKnown }) => isKnown) &&
      files.every(({ info }) => info !== null && provesContent(info, nowMs));
    stamps = isProof ? found : null;
    const before = digest;
    digest = contents.map(({ path, digest }) => `${digest} ${path}\0`).join("");
    return digest === before && !isForced ? null : contents.map(textOf);
  };
}

interface Content extends Pick<ReadText, "path" | "digest"> {
  /** Decoded only if they differ from before. */
  readonly bytes: Uint8Array;
  /** Whether it was read, or is too large to be. */
  readonly isKnown: boolean;
}

const textOf = ({ path, bytes, digest }: Content): ReadText => (
  { path, text: new TextDecoder().decode(bytes), digest }
);

async function readAll(files: readonly TextFile[]): Promise<readonly Content[]> {
  const contents: Content[] = [];
  let leftBytes = MOST_TEXT_BYTES;
  for (const { path } of files) {
    const bytes = await readFile(path, leftBytes).catch((error) => error as Error);
    if (bytes instanceof Error) {
      const isKnown = bytes instanceof TooLarge;
      contents.push({ path, bytes: new Uint8Array(), digest: "", isKnown });
      continue;
    }
    leftBytes -= bytes.length;
    contents.push({ path, bytes, digest: await sha256(bytes), isKnown: true });
  }
  return contents;
}
