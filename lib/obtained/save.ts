/**
 * Saves a certificate that a process obtained where the configuration says: whole or not at all, for our own user alone,
 * and never over what somebody else has put there. A text with a private key goes nowhere else.
 */
import type { X509Certificate } from "node:crypto";
import type { FileReference } from "../config/file_references.ts";
import { refusalAt } from "../hot_apply/kinds/certificate.ts";
import { type Pair, readPair } from "../hot_apply/kinds/pair.ts";
import {
  isCertificate,
  isCutOff,
  isPrivateKey,
  pemBlocks,
  textOf,
} from "../hot_apply/kinds/pem.ts";
import { MOST_HOT_BYTES } from "../hot_apply/kinds/target_kind.ts";
import { readFile, sha256 } from "../system/files/contents.ts";
import { stat, statAtOnce } from "../system/files/files.ts";
import { followLinks } from "../system/files/link_chain.ts";
import { isMissing, systemReason } from "../text/system_reason.ts";
import { type FileState, isSameState, stateOf } from "../watch/directories/file_state.ts";
import { type Part, type Rename, writeParts } from "./parts.ts";
import { placeOf } from "./place.ts";

/** Where a certificate is to be saved: `keyPath` if the configuration names a file for its key, both absolute. */
export type ObtainedFile = Pick<FileReference, "path" | "keyPath" | "name" | "file" | "line">;

/** The SHA-256 of what each file holds, or `MISSING`, by its path in the configuration. */
export type Contents = ReadonlyMap<string, string>;

export type SaveEnd =
  /** The files now have these contents. */
  | { readonly tag: "saved"; readonly contents: Contents; readonly expiresMs: number }
  /** The files already hold the certificate and its key. */
  | { readonly tag: "held"; readonly contents: Contents }
  /** The certificate must not be saved; `reason` is a clause about it. */
  | { readonly tag: "refused"; readonly reason: string }
  | { readonly tag: "not_written"; readonly reason: string }
  /** It may be saved a moment later: `replace` declined, or a file was just changed. */
  | { readonly tag: "declined" };

export interface SaveOptions {
  /** All that HAProxy obtains. */
  readonly files: readonly ObtainedFile[];
  /** What the files held when the process loaded them. */
  readonly loaded: Contents;
  /** Returns what `rename` returns, or `false` without calling it. `contents` is what the files then hold. */
  readonly replace: (rename: Rename, contents: Contents) => Promise<boolean>;
}

/** In place of the digest of a file that does not exist, as in a fingerprint. */
export const MISSING = "missing";

/** `dump`: the certificate, its chain and its key, as the process shows them. */
export async function saveCertificate(
  dump: string,
  file: ObtainedFile,
  { files, loaded, replace }: SaveOptions,
): Promise<SaveEnd> {
  // HAProxy 3.2 and 3.4 show 16 kB of one certificate, and nothing after them.
  if (isCutOff(dump)) return refused("HAProxy does not show all of it");
  const certificate = fit(await readPair(dump, null));
  if (typeof certificate === "string") return refused(certificate);
  const held = await holdingOf(file);
  if (held.certificate?.fingerprint256 === certificate.fingerprint256) {
    return { tag: "held", contents: held.contents };
  }
  for (const [path, content] of held.contents) {
    if (content !== loaded.get(path)) {
      return refused(`${nameOf(path, file)} has changed since it was loaded`);
    }
  }
  const other = files.find((one) => isClash(one, file));
  if (other !== undefined) {
    return notWritten(`line ${other.line} of "${other.file}" names that file or its key's too`);
  }
  try {
    const parts = await partsOf(dump, file, held);
    return typeof parts === "string"
      ? notWritten(parts)
      : await write(parts, { held, replace, certificate });
  } catch (error) {
    return notWritten(reasonOf(error));
  }
}

const refused = (reason: string): SaveEnd => ({ tag: "refused", reason });
const notWritten = (reason: string): SaveEnd => ({ tag: "not_written", reason });

/** What may be served, as for a file that is hot-applied; otherwise why not, as a clause. */
function fit(pair: Pair): X509Certificate | string {
  switch (pair.tag) {
    case "flawed":
      return `what HAProxy shows ${pair.reason}`;
    case "no_certificate":
      return "HAProxy shows none";
    case "unreadable":
      return "what HAProxy shows cannot be read";
    case "read": {
      const refusal = refusalAt(Date.now(), pair.certificate);
      return refusal === null ? pair.certificate : `it ${refusal.reason}`;
    }
    default:
      return pair satisfies never;
  }
}

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

/** As the kernel follows it. Deno 2.9 takes `link/..` out of a path first, if it checks permissions. */
async function realPathOf(path: string): Promise<string> {
  const { end } = await followLinks(path);
  if (end.tag === "found") return end.realPath;
  throw end.tag === "missing" ? new Deno.errors.NotFound(end.reason) : new Error(end.reason);
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

type WithKeyFile = ObtainedFile & { readonly keyPath: string };

/** Whether the key is in a file of its own. */
const hasOwnKey = (file: ObtainedFile): file is WithKeyFile =>
  file.keyPath !== null && file.keyPath !== file.path;

/** The key's file first, as it is to be written. */
const pathsOf = (file: ObtainedFile) => hasOwnKey(file) ? [file.keyPath, file.path] : [file.path];

/** Whether two certificates would replace each other. HAProxy has only one of each name. */
const isClash = (one: ObtainedFile, other: ObtainedFile) =>
  one.name !== other.name && pathsOf(one).some((path) => pathsOf(other).includes(path));

/** HAProxy takes the key of the key's own file even if the certificate's has another (3.2, 3.4). */
export const certificatesIn = (text: string) => textOf(pemBlocks(text).filter(isCertificate));

const keysIn = (text: string) => textOf(pemBlocks(text).filter(isPrivateKey));

/** HAProxy shows the key first, and other programs look for a certificate there. */
function textsOf(dump: string, file: ObtainedFile): readonly string[] {
  const [certificates, keys] = [`${certificatesIn(dump)}\n`, `${keysIn(dump)}\n`];
  return hasOwnKey(file) ? [keys, certificates] : [certificates + keys];
}

/** Why one of the files cannot be written, as a clause. */
async function partsOf(
  dump: string,
  file: ObtainedFile,
  { files }: Holding,
): Promise<readonly (Part & { readonly name: string })[] | string> {
  const texts = textsOf(dump, file);
  const parts = [];
  for (const [index, name] of pathsOf(file).entries()) {
    const place = await placeOf(name);
    if (place.tag === "impossible") {
      return name === file.path
        ? place.reason
        : `its key cannot be saved in "${name}": ${place.reason}`;
    }
    const bytes = new TextEncoder().encode(texts[index]);
    parts.push({ ...place, name, bytes, before: files.get(name)!.bytes });
  }
  return parts;
}

async function write(
  parts: readonly (Part & { readonly name: string })[],
  { held, replace, certificate }: {
    readonly held: Holding;
    readonly replace: SaveOptions["replace"];
    readonly certificate: X509Certificate;
  },
): Promise<SaveEnd> {
  const contents = new Map<string, string>();
  for (const { name, bytes } of parts) contents.set(name, await sha256(bytes));
  const isReplaced = await writeParts(parts, {
    replace: (rename) => replace(rename, contents),
    isUnchanged: () =>
      [...held.files.values()].every(({ state, realPath }) =>
        isSameState(state, statAtOnce(realPath))
      ),
  });
  const expiresMs = Date.parse(certificate.validTo);
  return isReplaced ? { tag: "saved", contents, expiresMs } : { tag: "declined" };
}

const nameOf = (path: string, file: ObtainedFile) =>
  path === file.path ? "the file" : `its key file "${path}"`;

const reasonOf = (error: unknown) =>
  error instanceof Deno.errors.NotCapable ? "the program may not write there" : systemReason(error);
