/** Reads texts only when their files may have changed. */
import { readFile, sha256 } from "../files.ts";
import { provesContent, stampOf } from "../watch/fingerprint.ts";
import type { FileState } from "../watch/inventory.ts";
import type { ConfigurationFile } from "./named_files.ts";

export interface TextFile {
  readonly path: string;
  readonly info: FileState | null;
}

/** The texts of `files`; `null` if they are the same as at the last call. What cannot be read is empty. */
export type ReadTexts = (
  files: readonly TextFile[],
) => Promise<readonly ConfigurationFile[] | null>;

/** Makes what reads; it remembers digests alone, since a configuration may have megabytes. */
export function createTextReader(): ReadTexts {
  let stamps: string | null = null;
  let digest: string | null = null;
  return async (files) => {
    const nowMs = Date.now();
    const found = files.map(({ path, info }) => `${stampOf(info)} ${path}\0`).join("");
    if (found === stamps) return null;
    const contents = await Promise.all(files.map(({ path }) => readFile(path).catch(() => EMPTY)));
    const isProof = !contents.includes(EMPTY) &&
      files.every(({ info }) => info !== null && provesContent(info, nowMs));
    stamps = isProof ? found : null;
    const before = digest;
    const digests = await Promise.all(contents.map(sha256));
    digest = files.map(({ path }, index) => `${digests[index]} ${path}\0`).join("");
    if (digest === before) return null;
    const decoder = new TextDecoder();
    return files.map(({ path }, index) => ({ path, text: decoder.decode(contents[index]) }));
  };
}

const EMPTY = new Uint8Array();
