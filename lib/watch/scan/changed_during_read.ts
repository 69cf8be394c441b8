/** Decides whether a file changed while a process was reading it, that is, between two scans. */
import { stat } from "../../system/files/files.ts";
import { lastChangeMs } from "../directories/file_state.ts";
import type { FileMark, Fingerprint } from "./fingerprint.ts";
import type { ScanResult } from "./scan.ts";

/**
 * Whether a process that read the files between the scan of `before` and the later one may have read something
 * that neither shows. A file that only the later scan found was already there if it is older than `sinceMs`, in
 * milliseconds since 1970.
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

/** A file that is replaced during a scan may have its old stamp with its new content. */
const isSame = (one: FileMark, other: FileMark) =>
  one.stamp === other.stamp && one.content === other.content;

/** Deno rounds a change time down to a second. */
const ROUNDED_MS = 1_000;

/** Otherwise the file merely ceased to be a source. */
async function isGone(path: string): Promise<boolean> {
  return await stat(path).then(() => false, () => true);
}
