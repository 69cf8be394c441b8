/**
 * Saves a certificate that a process obtained in the file that the configuration names: whole or not at all, for our
 * own user alone, and never over what somebody else has put there. A text with a private key goes nowhere else.
 */
import type { X509Certificate } from "node:crypto";
import { basename, dirname, join } from "@std/path";
import { refusalAt } from "../hot_apply/kinds/certificate.ts";
import { type Pair, readPair } from "../hot_apply/kinds/pair.ts";
import { isCertificate, isPrivateKey, pemBlocks, textOf } from "../hot_apply/kinds/pem.ts";
import { MOST_HOT_BYTES } from "../hot_apply/kinds/target_kind.ts";
import { RUNTIME_PARENTS } from "../settings/option_types.ts";
import { readFile, sha256 } from "../system/files/contents.ts";
import {
  lstat,
  remove,
  renameAtOnce,
  stat,
  statAtOnce,
  writeDurably,
} from "../system/files/files.ts";
import { followLinks } from "../system/files/link_chain.ts";
import { ownUser } from "../system/files/ownership.ts";
import { findDistrust, type Step } from "../system/files/trusted_directory.ts";
import { isMissing, systemReason } from "../text/system_reason.ts";
import { type FileState, isSameState, stateOf } from "../watch/directories/file_state.ts";

/** Where a certificate is to be saved. */
export interface ObtainedFile {
  /** Absolute. */
  readonly path: string;
  /** The key file that the configuration names; `null` if it names none. */
  readonly keyPath: string | null;
}

export type SaveEnd =
  /** The file now has the content of this digest. */
  | { readonly tag: "saved"; readonly content: string; readonly expiresMs: number }
  /** The file already holds the certificate. */
  | { readonly tag: "held"; readonly content: string }
  /** The certificate must not be saved; `reason` is a clause about it. */
  | { readonly tag: "refused"; readonly reason: string }
  | { readonly tag: "not_written"; readonly reason: string }
  /** It may be saved a moment later: `replace` declined, or the file was just changed. */
  | { readonly tag: "declined" };

/** Puts the whole file in place at once, unless somebody else has just changed what is there. */
export type Rename = () => boolean;

export interface SaveOptions {
  /** What the file held when the process loaded it: its SHA-256, or `MISSING`. */
  readonly loaded: string;
  /**
   * Returns what `rename` returns, or `false` without calling it: whether the file was replaced. `content` is the digest
   * of what it then holds.
   */
  readonly replace: (rename: Rename, content: string) => Promise<boolean>;
}

/** In place of the digest of a file that does not exist, as in a fingerprint. */
export const MISSING = "missing";

/** `dump`: the certificate, its chain and its key, as the process shows them. */
export async function saveCertificate(
  dump: string,
  { path, keyPath }: ObtainedFile,
  { loaded, replace }: SaveOptions,
): Promise<SaveEnd> {
  const certificate = fit(await readPair(dump, null));
  if (typeof certificate === "string") return refused(certificate);
  const held = await contentOf(path);
  if (held.text !== null && await holds(held.text, certificate)) {
    return { tag: "held", content: held.content };
  }
  if (held.content !== loaded) return refused("the file has changed since it was loaded");
  if (keyPath !== null && keyPath !== path) {
    return notWritten(
      `its key is in another file, "${keyPath}", and two files cannot be replaced at once: name one for both`,
    );
  }
  try {
    const target = await targetOf(path);
    return target.tag === "possible"
      ? await write(target.path, fileOf(dump), {
        replace,
        isUnchanged: () => isSameState(held.state, statAtOnce(path)),
        expiresMs: Date.parse(certificate.validTo),
      })
      : notWritten(target.reason);
  } catch (error) {
    return notWritten(reasonOf(error));
  }
}

interface WriteOptions extends Pick<SaveOptions, "replace"> {
  /** Whether the file still is what it was when it was read. */
  readonly isUnchanged: () => boolean;
  readonly expiresMs: number;
}

/** @throws the system's error if the file cannot be written; then nothing is left beside it. */
async function write(
  path: string,
  text: string,
  { replace, isUnchanged, expiresMs }: WriteOptions,
): Promise<SaveEnd> {
  const bytes = new TextEncoder().encode(text);
  const content = await sha256(bytes);
  const part = join(dirname(path), `.${basename(path)}.part`);
  let isReplaced = false;
  const rename = () => {
    if (!isUnchanged()) return false;
    renameAtOnce(part, path);
    return isReplaced = true;
  };
  try {
    await writeDurably(part, bytes);
    await replace(rename, content);
    return isReplaced ? { tag: "saved", content, expiresMs } : { tag: "declined" };
  } finally {
    if (!isReplaced) await remove(part).catch(() => {});
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

/** HAProxy shows the key first, and other programs look for a certificate there. */
function fileOf(dump: string): string {
  const blocks = pemBlocks(dump);
  return `${textOf([...blocks.filter(isCertificate), ...blocks.filter(isPrivateKey)])}\n`;
}

export interface Held {
  /** Its SHA-256, or `MISSING`. */
  readonly content: string;
  /** `null`: there is no such file. */
  readonly text: string | null;
  /** Taken before it was read. */
  readonly state: FileState | null;
}

export async function contentOf(path: string): Promise<Held> {
  let state: FileState | null = null;
  try {
    const info = await stat(path);
    state = stateOf(info);
    // Opening a FIFO would wait for its writer.
    if (!info.isFile) throw new Deno.errors.NotSupported("it is not a regular file");
    const bytes = await readFile(path, MOST_HOT_BYTES);
    return { content: await sha256(bytes), text: new TextDecoder().decode(bytes), state };
  } catch (error) {
    if (isMissing(error)) return { content: MISSING, text: null, state: null };
    return { content: `unreadable: ${systemReason(error)}`, text: "", state };
  }
}

/** When the certificate in a file expires; what does not exist always has. `null` if there is none in it. */
export async function expiryOf(text: Held["text"]): Promise<number | null> {
  if (text === null) return -Infinity;
  const pair = await readPair(text, null);
  return pair.tag === "read" ? Date.parse(pair.certificate.validTo) : null;
}

async function holds(text: string, certificate: X509Certificate): Promise<boolean> {
  const pair = await readPair(text, null);
  return pair.tag === "read" && pair.certificate.fingerprint256 === certificate.fingerprint256;
}

type Target =
  | { readonly tag: "possible"; readonly path: string }
  | { readonly tag: "impossible"; readonly reason: string };

/** The real path of the file or of its place, if no other user could put something else or a link there. */
async function targetOf(path: string): Promise<Target> {
  const steps: Step[] = [];
  const { end } = await followLinks(path, (step, info) => steps.push({ path: step, info }));
  if (end.tag === "found" && !end.info.isFile) return impossible("it is not a regular file");
  const real = end.tag === "found" ? end.realPath : await placeOf(path);
  if (real === null) return impossible("its folder is missing, or a link leads nowhere");
  const distrust = findDistrust(
    steps.filter((step) => step.path !== real),
    ownUser(RUNTIME_PARENTS),
  );
  return distrust === null ? { tag: "possible", path: real } : impossible(distrust);
}

/** Where a missing file would be; `null` if its folder is missing too, or a link leads nowhere. */
async function placeOf(path: string): Promise<string | null> {
  const isLink = await lstat(path).then(() => true, () => false);
  const { end } = await followLinks(dirname(path));
  return end.tag === "found" && !isLink ? join(end.realPath, basename(path)) : null;
}

const impossible = (reason: string): Target => ({ tag: "impossible", reason });

const reasonOf = (error: unknown) =>
  error instanceof Deno.errors.NotCapable ? "the program may not write there" : systemReason(error);
