/** Tells whether a file changed while a process was reading it: between one scan and a later one. */
import { stat } from "../../system/files.ts";
import { lastChangeMs } from "../directories/file_state.ts";
import type { FileMark, Fingerprint } from "./fingerprint.ts";
import type { ScanResult } from "./scan.ts";

/**
 * Whether a process that read the files between the scan that took `before` and the later one may have read
 * something that neither shows. A file that only the later scan knows was there already if it is older than
 * `sinceMs`, in milliseconds since 1970.
 */
export async function changedDuringRead(
  before: Fingerprint,
  { seen, inventory }: ScanResult,
  sinceMs: number,
): Promise<boolean> {
  if (seen.tag === "unreadable") return true;
  const after = seen.fingerprint.files;
  for (const [path, mark] of before.files) {
    const now = after.get(path);
    if (now === undefined ? await isGone(path) : !isSame(now, mark)) return true;
  }
  return inventory.files.some(({ path, info, source }) =>
    !before.files.has(path) &&
    (source.kind !== "loaded" || info === null || lastChangeMs(info) + ROUNDED_MS >= sinceMs)
  );
}

/** A file that is replaced in the middle of a scan may have its old stamp and its new content. */
const isSame = (one: FileMark, other: FileMark) =>
  one.stamp === other.stamp && one.content === other.content;

/** Deno rounds a change time down to a second. */
const ROUNDED_MS = 1_000;

/** Otherwise the file is only not a source any more. */
async function isGone(path: string): Promise<boolean> {
  return await stat(path).then(() => false, () => true);
}
