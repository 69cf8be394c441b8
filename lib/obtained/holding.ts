/** What the files of a certificate that HAProxy obtains hold. */
import type { X509Certificate } from "node:crypto";
import type { FileReference } from "../config/file_references.ts";
import { readPair } from "../hot_apply/kinds/pair.ts";
import { isCertificate, pemBlocks, textOf } from "../hot_apply/kinds/pem.ts";
import { MOST_HOT_BYTES } from "../hot_apply/kinds/target_kind.ts";
import { readFile, sha256 } from "../system/files/contents.ts";
import { stat } from "../system/files/files.ts";
import { followLinks } from "../system/files/link_chain.ts";
import { isMissing, systemReason } from "../text/system_reason.ts";
import { type FileState, stateOf } from "../watch/directories/file_state.ts";
import { MISSING } from "../watch/scan/fingerprint.ts";

/** Where a certificate is saved: `keyPath` if the configuration names a file for its key, both absolute. */
export type ObtainedFile = Pick<FileReference, "path" | "keyPath" | "name" | "file" | "line">;

/** The SHA-256 of what each file holds, or `MISSING`, by its path in the configuration. */
export type Contents = ReadonlyMap<string, string>;

/** What a certificate's files hold. */
export interface Holding {
  readonly contents: Contents;
  /** With the key that belongs to it; `null` if there is none. */
  readonly certificate: X509Certificate | null;
  readonly files: ReadonlyMap<string, Held>;
}

interface Held {
  /** Its SHA-256, or `MISSING`. */
  readonly content: string;
  /** `null`: there is no such file, or it cannot be read. */
  readonly bytes: Uint8Array<ArrayBuffer> | null;
  /** Taken before it was read. */
  readonly state: FileState | null;
  /** Where the kernel finds it; the path itself if it does not. */
  readonly realPath: string;
}

export async function holdingOf(file: ObtainedFile): Promise<Holding> {
  const files = new Map<string, Held>();
  for (const path of pathsOf(file)) files.set(path, await contentOf(path));
  const textIn = (path: string) => new TextDecoder().decode(files.get(path)?.bytes ?? undefined);
  const pair = hasOwnKey(file)
    ? await readPair(certificatesIn(textIn(file.path)), textIn(file.keyPath))
    : await readPair(textIn(file.path), null);
  const certificate = pair.tag === "read" ? pair.certificate : null;
  const contents = new Map(Array.from(files, ([path, { content }]) => [path, content]));
  return { contents, certificate, files };
}

export async function contentOf(path: string): Promise<Held> {
  let state: FileState | null = null;
  let realPath = path;
  try {
    realPath = await realPathOf(path);
    const info = await stat(realPath);
    state = stateOf(info);
    // Opening a FIFO would wait for its writer.
    if (!info.isFile) throw new Deno.errors.NotSupported("it is not a regular file");
    const bytes = await readFile(realPath, MOST_HOT_BYTES);
    return { content: await sha256(bytes), bytes, state, realPath };
  } catch (error) {
    if (isMissing(error)) return { content: MISSING, bytes: null, state: null, realPath };
    return { content: `unreadable: ${systemReason(error)}`, bytes: null, state, realPath };
  }
}

/** As the kernel follows it. Deno 2.9 takes `link/..` out of a path first, if it checks permissions. */
async function realPathOf(path: string): Promise<string> {
  const { end } = await followLinks(path);
  if (end.tag === "found") return end.realPath;
  throw end.tag === "missing" ? new Deno.errors.NotFound(end.reason) : new Error(end.reason);
}

type WithKeyFile = ObtainedFile & { readonly keyPath: string };

/** Whether the key is in a file of its own. */
export const hasOwnKey = (file: ObtainedFile): file is WithKeyFile =>
  file.keyPath !== null && file.keyPath !== file.path;

/** The key's file first, as it is to be written. */
export const pathsOf = (file: ObtainedFile) =>
  hasOwnKey(file) ? [file.keyPath, file.path] : [file.path];

/** HAProxy takes the key of the key's own file even if the certificate's has another (3.2, 3.4). */
export const certificatesIn = (text: string) => textOf(pemBlocks(text).filter(isCertificate));
