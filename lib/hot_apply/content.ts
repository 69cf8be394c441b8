/** Reads what a target's files hold now, if it is what the scan found. */
import { readFile, sha256, TooLarge } from "../system/files/contents.ts";
import { pathsOf, type Target } from "../loaded/targets.ts";
import { type Fingerprint, isTooLarge, isUnreadable, MISSING } from "../watch/scan/fingerprint.ts";
import {
  type ChangedAgain,
  type Content,
  type Impossible,
  impossible,
  MOST_HOT_BYTES,
} from "./kinds/target_kind.ts";

/** As scanned. */
export type Files = Fingerprint["files"];

/** `null` if the first of the target's files is gone. */
export async function readContent(
  target: Target,
  files: Files,
): Promise<Content | ChangedAgain | Impossible | null> {
  const texts: (string | null)[] = [];
  const paths = target.tag === "certificate_list" ? [target.path] : pathsOf(target);
  for (const path of paths) {
    const read = await readScanned(path, files);
    if (read.tag !== "read") return read;
    texts.push(read.text);
  }
  const [text = null, key = null, issuer = null, ocsp = null] = texts;
  if (text === null) return null;
  return { text, key, issuer, ocsp, texts: [], files, read: reader(files) };
}

/** Reads the files of other targets in the same way. */
export const reader = (files: Files): Content["read"] => async (target) =>
  await readContent(target, files) ?? impossible("there is no such file");

type Read = { readonly tag: "read"; readonly text: string | null } | ChangedAgain | Impossible;

/** A file's text as scanned; `null` if the scan did not find it. */
async function readScanned(path: string, files: Files): Promise<Read> {
  const content = files.get(path)?.content ?? MISSING;
  if (content === MISSING) return { tag: "read", text: null };
  if (isUnreadable(content)) return impossible("the wrapper may not read it");
  if (isTooLarge(content)) return impossible(new TooLarge(MOST_HOT_BYTES).message);
  const bytes = await readFile(path, MOST_HOT_BYTES).catch((error) => error as Error);
  if (bytes instanceof TooLarge) return impossible(bytes.message);
  if (bytes instanceof Error || await sha256(bytes) !== content) return { tag: "changed_again" };
  // The only one that is not text.
  if (path.endsWith(".ocsp")) return { tag: "read", text: bytes.toBase64() };
  // To HAProxy a byte order mark is part of the first key.
  return { tag: "read", text: new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes) };
}
