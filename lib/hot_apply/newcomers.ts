/**
 * Files that appear in a directory of certificates before they are whole. HAProxy loads every visible file there, and
 * one that it cannot load keeps it from starting.
 */
import { readFile, TooLarge } from "../system/files/contents.ts";
import { type Fingerprint, isTooLarge, isUnreadable } from "../watch/scan/fingerprint.ts";
import { keyBeside, ownersOf } from "../config/side_files.ts";
import type { FolderKind, Targets } from "../loaded/targets.ts";
import { readPair } from "./kinds/pair.ts";
import { isCertificate, isCrl, isCutOff, pemBlocks } from "./kinds/pem.ts";
import { MOST_HOT_BYTES } from "./kinds/target_kind.ts";

export type Newcomer =
  | {
    readonly kind: "certificate";
    readonly path: string;
    /** Where its key may be, if not in its own file. */
    readonly keyPath: string;
  }
  | { readonly kind: "ca"; readonly path: string }
  | { readonly kind: "side_file"; readonly path: string };

export interface NotWhole {
  readonly path: string;
  /** A clause about the file. */
  readonly reason: string;
}

export interface Between {
  /** What the serving generation has; `null`: unknown. */
  readonly before: Fingerprint | null;
  readonly after: Fingerprint;
  /** What the last failed reload tried: no file is awaited twice. */
  readonly tried: Fingerprint | null;
}

/** The new files in such directories, as many as are examined at once. Pure. */
export function newcomersIn(
  targets: Targets,
  { before, after, tried }: Between,
): readonly Newcomer[] {
  const { folders = NO_FOLDERS } = targets;
  if (before === null || folders.size === 0) return [];
  const newcomers: Newcomer[] = [];
  for (const [path, { content }] of after.files) {
    if (before.files.has(path) || tried?.files.get(path)?.content === content) continue;
    const kind = folders.get(path.slice(0, path.lastIndexOf("/")));
    const newcomer = kind === undefined ? null : newcomerAt(path, { kind, targets, after });
    if (newcomer !== null) newcomers.push(newcomer);
    if (newcomers.length === MOST_EXAMINED) break;
  }
  return newcomers;
}

/** Those of `newcomers` that HAProxy certainly cannot load. */
export async function examineNewcomers(
  newcomers: readonly Newcomer[],
  after: Fingerprint,
): Promise<readonly NotWhole[]> {
  const flawed: NotWhole[] = [];
  for (const newcomer of newcomers) {
    const content = after.files.get(newcomer.path)?.content ?? "";
    if (isTooLarge(content)) continue;
    const reason = isUnreadable(content) ? "cannot be read" : await flawOf(newcomer);
    if (reason !== null) flawed.push({ path: newcomer.path, reason });
  }
  return flawed;
}

/** Reading that many takes some 30 ms. */
const MOST_EXAMINED = 100;

const NO_FOLDERS: ReadonlyMap<string, FolderKind> = new Map();

/** `null`: HAProxy does not load it, or loads it beside a certificate that is there. */
function newcomerAt(
  path: string,
  { kind, targets, after }: {
    readonly kind: FolderKind;
    readonly targets: Targets;
    readonly after: Fingerprint;
  },
): Newcomer | null {
  if (kind === "ca") return AUTHORITY.test(path) ? { kind, path } : null;
  const owners = ownersOf(path);
  if (owners === null) return { kind, path, keyPath: keyBeside(path, targets) };
  return owners.some((owner) => after.files.has(owner)) ? null : { kind: "side_file", path };
}

/** What HAProxy loads from a directory of CA files. It skips a faulty one with a warning (2.6 to 3.4). */
const AUTHORITY = /\.(?:pem|crt|cer|crl)$/;

/** `null`: HAProxy can load it, even if it has expired, or only HAProxy can tell. */
async function flawOf(newcomer: Newcomer): Promise<string | null> {
  if (newcomer.kind === "side_file") return "has no certificate beside it";
  const text = await read(newcomer.path);
  if (text === null || text instanceof TooLarge) return null;
  if (text.trim() === "") return "is empty";
  if (isCutOff(text)) return "ends in the middle of a block";
  if (newcomer.kind === "ca") {
    const hasAny = pemBlocks(text).some((block) => isCertificate(block) || isCrl(block));
    return hasAny ? null : NO_CERTIFICATE;
  }
  const key = await read(newcomer.keyPath);
  if (key instanceof TooLarge) return null;
  const pair = await readPair(text, key);
  if (pair.tag === "no_certificate") return NO_CERTIFICATE;
  return pair.tag === "flawed" ? pair.reason : null;
}

const NO_CERTIFICATE = "holds no certificate";

/** `null`: it is gone, or cannot be read. */
async function read(path: string): Promise<string | TooLarge | null> {
  try {
    return new TextDecoder().decode(await readFile(path, MOST_HOT_BYTES));
  } catch (error) {
    return error instanceof TooLarge ? error : null;
  }
}
