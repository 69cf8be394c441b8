/** Makes one digest of the contents of all source files; a file that did not change is not read again. */
import {
  type Digest,
  MOST_DIGESTED_BYTES,
  sha256,
  sha256All,
  TooLarge,
} from "../../system/contents.ts";
import { lstatAll } from "../../system/files.ts";
import type { Whole } from "../directories/directories.ts";
import { isShortage, systemReason } from "../../text/system_reason.ts";
import { isSameState, provesContent, stampOf, stateOf } from "../directories/file_state.ts";
import type { SourceFile, Unreadable } from "./inventory.ts";

export interface Fingerprint {
  /** Equal for equal contents at equal paths, whatever the times and modes. */
  readonly digest: string;
  readonly files: ReadonlyMap<string, FileMark>;
}

export interface FileMark {
  /** The SHA-256 of the content, `missing`, or else what `isUnreadable`, `isTooLarge` or `isWhole` knows. */
  readonly content: string;
  /** When the file was last modified, in milliseconds since 1970; 0 where nobody knows. */
  readonly modifiedMs: number;
  /** Differs whenever the file was written or replaced, even with the same content. */
  readonly stamp: string;
}

/** Of a file of which nobody knows what was loaded: equal to nothing on disk. */
export const UNKNOWN_MARK: FileMark = { content: "unknown", modifiedMs: 0, stamp: "" };

export type FingerprintOutcome =
  | { readonly tag: "taken"; readonly fingerprint: Fingerprint }
  | { readonly tag: "unreadable"; readonly unreadable: readonly Unreadable[] };

export type Fingerprinter = (files: readonly SourceFile[]) => Promise<FingerprintOutcome>;

/** Makes a fingerprinter, which remembers the files of its last call. */
export function createFingerprinter(now: () => number = Date.now): Fingerprinter {
  let known: ReadonlyMap<string, Known> = new Map();
  let last: Fingerprint | null = null;
  return async (files) => {
    const read = await readChanged(files, known, now());
    const unreadable = read.filter((one): one is Unreadable => "reason" in one);
    const found = read.filter((one): one is Known => "mark" in one);
    known = new Map(found.map((one) => [one.file.path, one]));
    if (unreadable.length > 0) return { tag: "unreadable", unreadable };
    if (last === null || !hasMarks(last, found)) {
      last = await fingerprintOf(new Map(found.map(({ file, mark }) => [file.path, mark])));
    }
    return { tag: "taken", fingerprint: last };
  };
}

/** The fingerprint of files with these marks. */
export async function fingerprintOf(files: ReadonlyMap<string, FileMark>): Promise<Fingerprint> {
  const lines = Array.from(files, ([path, { content }]) => `${content} ${path}\0`).join("");
  return { digest: await sha256(new TextEncoder().encode(lines)), files };
}

/** The paths whose content differs between two fingerprints, in order; `null` if one is not known. */
export function changedPaths(
  before: Fingerprint | null,
  after: Fingerprint | null,
): string[] | null {
  if (before === null || after === null) return null;
  const changed: string[] = [];
  for (const [path, mark] of after.files) {
    const known = before.files.get(path);
    if (known !== mark && known?.content !== mark.content) changed.push(path);
  }
  for (const path of before.files.keys()) if (!after.files.has(path)) changed.push(path);
  return changed.sort();
}

/** As many of `paths` as somebody reads, and how many more there are. */
export function abridged(paths: readonly string[]): readonly string[] {
  return paths.length <= MOST_SHOWN
    ? paths
    : [...paths.slice(0, MOST_SHOWN), `… and ${paths.length - MOST_SHOWN} more`];
}

const MOST_SHOWN = 100;

interface Known {
  readonly file: SourceFile;
  readonly mark: FileMark;
  /** Whether an equal stamp proves an equal content. */
  readonly isProof: boolean;
}

/** Reads only what has to be read, which matters for 10,000 files. */
async function readChanged(
  files: readonly SourceFile[],
  known: ReadonlyMap<string, Known>,
  startedMs: number,
): Promise<(Known | Unreadable)[]> {
  const results: (Known | Unreadable | null)[] = files.map((file) => {
    const before = known.get(file.path);
    if (file.whole !== undefined) return wholeDirectory(file, file.whole, before);
    return file.info === null ? missing(file) : findUnchanged(file, before);
  });
  const changed = await readWhole(files.filter((_, index) => results[index] === null));
  const read = changed.map(({ file, content }) =>
    judge(file, content, { startedMs, before: known.get(file.path) })
  );
  return results.map((result) => result ?? read.shift()!);
}

interface Read {
  readonly file: SourceFile;
  readonly content: Digest;
}

/**
 * A file that is replaced between the look at its state and its reading would have the old state and the
 * new content, and so seem to change once more; it is read again. Of thousands none is looked at twice.
 */
async function readWhole(files: readonly SourceFile[], tries = 3): Promise<Read[]> {
  const read = await readAll(files);
  if (files.length > MOST_CHECKED || tries === 0) return read;
  const infos = await lstatAll(files.map(({ realPath }) => realPath));
  const fresh = files.flatMap((file, index) => {
    const info = infos[index];
    return info?.isFile && !isSameState(file.info, info) ? [{ ...file, info: stateOf(info) }] : [];
  });
  if (fresh.length === 0) return read;
  const again = new Map((await readWhole(fresh, tries - 1)).map((one) => [one.file.path, one]));
  return read.map((one) => again.get(one.file.path) ?? one);
}

const MOST_CHECKED = 100;

/** What is too large, or comes after too much has been read, is not read. */
async function readAll(files: readonly SourceFile[]): Promise<Read[]> {
  let left = MOST_READ_BYTES;
  const isRead = files.map(({ info }) => {
    const { size } = info!;
    const fits = size <= MOST_DIGESTED_BYTES && size <= left;
    if (fits) left -= size;
    return fits;
  });
  const sized = files.filter((_, index) => isRead[index]).map(({ path, info: state }) => ({
    ...{ path, size: state!.size },
  }));
  const digests = (await sha256All(sized)).values();
  return files.map((file, index) => ({
    file,
    content: isRead[index] ? digests.next().value! : TOO_LARGE,
  }));
}

/** In one look, so that a change of another file does not wait for more than some seconds. */
const MOST_READ_BYTES = 4 * MOST_DIGESTED_BYTES;

const TOO_LARGE = new TooLarge(MOST_DIGESTED_BYTES);

const missing = (file: SourceFile): Known => ({
  file,
  mark: { content: "missing", modifiedMs: 0, stamp: "missing" },
  isProof: false,
});

/** Some change times are rounded, and so are two that are a second apart; but an event tells of the second. */
function wholeDirectory(file: SourceFile, whole: Whole, before: Known | undefined): Known {
  const content = `${WHOLE}${whole.digest}`;
  if (before?.mark.content === content) return { ...before, file };
  const mark = { content, modifiedMs: whole.newestMs, stamp: whole.digest };
  return { file, mark, isProof: true };
}

/** A file that was not looked at again is the same object: events would have told of a change. */
function findUnchanged(file: SourceFile, before: Known | undefined): Known | null {
  if (before === undefined || before.file === file) return before ?? null;
  return before.isProof && isSameState(before.file.info, file.info) ? { ...before, file } : null;
}

function judge(
  file: SourceFile,
  content: string | Error,
  { startedMs, before }: { readonly startedMs: number; readonly before: Known | undefined },
): Known | Unreadable {
  const { path, source } = file;
  const info = file.info!;
  const stamp = stampOf(info);
  const modifiedMs = info.mtime?.getTime() ?? 0;
  if (content instanceof TooLarge) {
    // Equal stamps are then all that is asked for.
    return { file, mark: { content: `${STAMPED}${stamp}`, modifiedMs, stamp }, isProof: true };
  }
  if (typeof content !== "string") {
    if (source.kind !== "loaded" || isShortage(content)) {
      return { path, reason: systemReason(content) };
    }
    // HAProxy may be able to read what the wrapper is not; whether it changed shows in its stamp alone.
    const mark = { content: `${UNREADABLE}${stamp}`, modifiedMs, stamp };
    return { file, mark, isProof: provesContent(info, startedMs) };
  }
  const isSame = before?.mark.content === content && before.mark.stamp === stamp;
  const mark = isSame ? before.mark : { content, modifiedMs, stamp };
  return { file, mark, isProof: provesContent(info, startedMs) };
}

/** Whether `fingerprint` was made of just these files, in this order. */
function hasMarks({ files }: Fingerprint, found: readonly Known[]): boolean {
  if (files.size !== found.length) return false;
  let index = 0;
  for (const [path, mark] of files) {
    const { file, mark: other } = found[index++]!;
    if (mark !== other || path !== file.path) return false;
  }
  return true;
}

const UNREADABLE = "unreadable ";

/** Whether that is the content of a file that HAProxy loads and the wrapper may not read. */
export const isUnreadable = (content: string) => content.startsWith(UNREADABLE);

const STAMPED = "too large ";
const WHOLE = "directory ";

/** Whether that is the content of a file that is not read: another stamp then counts as another content. */
export const isTooLarge = (content: string) => content.startsWith(STAMPED);

/** Whether that stands for all that is in a directory. */
export const isWhole = (content: string) => content.startsWith(WHOLE);
