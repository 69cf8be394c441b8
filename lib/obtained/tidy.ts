/**
 * What a killed wrapper left beside a certificate's files: a part with a private key, or the half of a pair. HAProxy (3.2,
 * 3.4) would start without a complaint with two files that do not match.
 */
import { readPair } from "../hot_apply/kinds/pair.ts";
import { MOST_HOT_BYTES } from "../hot_apply/kinds/target_kind.ts";
import { RUNTIME_PARENTS } from "../settings/option_types.ts";
import { readTextFile } from "../system/files/contents.ts";
import { lstat, rename } from "../system/files/files.ts";
import { describeForeign, ownUser } from "../system/files/ownership.ts";
import { certificatesIn, hasOwnKey, type ObtainedFile } from "./holding.ts";
import { removeAll } from "./parts.ts";
import { placeOf } from "./place.ts";

export interface Tidied {
  /** The files that were finished. */
  readonly finished: readonly string[];
  readonly removed: readonly string[];
}

/**
 * Finishes what a killed wrapper had half done, and removes what else it left. Nothing may be reading the files.
 * @throws the system's error if something cannot be finished
 */
export async function tidyUp(file: ObtainedFile): Promise<Tidied> {
  const certificate = await leftAt(file.path);
  const key = hasOwnKey(file) ? await leftAt(file.keyPath) : null;
  const finished: string[] = [];
  if (certificate?.isLeft && key?.isLeft === false) {
    if (await isPair(certificate.part, key.path)) finished.push(await finish(certificate));
  } else if (key?.isLeft && certificate?.isLeft === false) {
    // Two file systems need not agree on what came first.
    const isBroken = !await isPair(certificate.path, key.path);
    if (isBroken && await isPair(certificate.path, key.part)) finished.push(await finish(key));
  }
  const left = [key, certificate].filter((one) => one?.isLeft && !finished.includes(one.path));
  return { finished, removed: await removeAll(left.map((one) => one!.part)) };
}

interface Left {
  /** Its real path, or the one that it will have. */
  readonly path: string;
  readonly part: string;
  /** Whether the part is there, and surely ours. */
  readonly isLeft: boolean;
}

/** `null` where nothing can be saved, and so nothing of ours can be left. */
async function leftAt(file: string): Promise<Left | null> {
  const place = await placeOf(file);
  if (place.tag === "impossible") return null;
  const { path, part } = place;
  return { path, part, isLeft: await isOurs(part) };
}

async function isOurs(part: string): Promise<boolean> {
  const info = await lstat(part).catch(() => null);
  if (info === null) return false;
  const isForeign = describeForeign(info, { kind: "file", user: ownUser(RUNTIME_PARENTS) });
  return isForeign === null && (info.mode! & 0o777) === 0o600 && info.nlink === 1;
}

async function isPair(certificate: string, key: string): Promise<boolean> {
  const [text, keyText] = await Promise.all(
    [certificate, key].map((path) => readTextFile(path, MOST_HOT_BYTES).catch(() => "")),
  );
  return (await readPair(certificatesIn(text!), keyText!)).tag === "read";
}

async function finish({ part, path }: Left): Promise<string> {
  await rename(part, path);
  return path;
}
