/** Reads the certificate lists that a generation has loaded. */
import { readFile, sha256 } from "../system/files/contents.ts";
import { type Fingerprint, isTooLarge, isUnreadable } from "../watch/scan/fingerprint.ts";
import { isList, type Targets } from "./targets.ts";

/** Above that a line more is no great part of what a reload costs, and the text is kept. */
const MOST_LIST_BYTES = 2 * 2 ** 20;

/** With the texts of all lists, as the scan found them; without the lists that have changed since. */
export async function withListTexts(
  targets: Targets,
  { files }: Fingerprint,
): Promise<Targets> {
  const byPath = new Map(withoutLists(targets).byPath);
  for (const [path, [list]] of targets.byPath) {
    if (list?.tag !== "certificate_list") continue;
    const content = files.get(path)?.content ?? "missing";
    if (isUnreadable(content) || isTooLarge(content)) continue;
    const bytes = await readFile(path, MOST_LIST_BYTES).catch(() => null);
    if (bytes === null || await sha256(bytes) !== content) continue;
    const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
    byPath.set(path, [{ ...list, text }]);
  }
  return { ...targets, byPath };
}

/** Without any, where nobody knows what the process has read. */
export function withoutLists(targets: Targets): Targets {
  const others = [...targets.byPath].filter(([, all]) => !all.some(isList));
  return { ...targets, byPath: new Map(others) };
}
