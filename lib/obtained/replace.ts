/** Replaces files so that no scan takes that for a change: works out what a scan will find of them. */
import { dirname } from "@std/path";
import { type Fingerprint, fingerprintOf, isWhole, MISSING } from "../watch/scan/fingerprint.ts";
import type { Contents } from "./holding.ts";
import type { Change, Serving } from "./keeper.ts";
import type { Rename } from "./parts.ts";

/** Files whose contents change. */
export interface Replaced {
  readonly loaded: Contents;
  readonly contents: Contents;
}

export interface ReplaceOptions {
  /** Whether scans include what HAProxy loads. */
  readonly watchLoaded: boolean;
  /** The generation that serves; `null` while none of its files may be replaced. */
  readonly current: () => Serving | null;
  readonly onSaved: (generation: number, changes: readonly Change[]) => void;
}

/** Whether they were. Nothing may come between the last look at the state, the rename, and the report of it. */
export async function replaceUnnoticed(
  rename: Rename,
  replaced: Replaced,
  { watchLoaded, current, onSaved }: ReplaceOptions,
): Promise<boolean> {
  const found = fingerprintsOf(current());
  const changes: Change[] = [];
  for (const before of found) {
    const after = await fingerprintAfter(before, replaced, watchLoaded);
    if (after !== null) changes.push({ before, after });
  }
  const now = current();
  if (now === null || fingerprintsOf(now).some((one) => !found.includes(one))) return false;
  if (!rename()) return false;
  onSaved(now.number, changes);
  return true;
}

/** What a scan will find; `null` if it shows none of the files, or showed something else in the place of one. */
async function fingerprintAfter(
  { files }: Fingerprint,
  { loaded, contents }: Replaced,
  watchLoaded: boolean,
): Promise<Fingerprint | null> {
  const after = new Map(files);
  let isShownAny = false;
  for (const [path, content] of contents) {
    const isShown = watchLoaded && !isWhole(files.get(dirname(path))?.content ?? "");
    const before = files.get(path)?.content ?? (isShown ? MISSING : null);
    if (before === null) continue;
    if (before !== loaded.get(path)) return null;
    after.set(path, { content, modifiedMs: Date.now(), stamp: "" });
    isShownAny = true;
  }
  return isShownAny ? await fingerprintOf(after) : null;
}

const fingerprintsOf = (serving: Serving | null): readonly Fingerprint[] =>
  [serving?.fingerprint, serving?.rejected].filter((one) => one !== undefined && one !== null);
