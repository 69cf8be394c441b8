/** Makes one digest of the contents of all source files, and reads only those that may have changed. */
import {
  type Digest,
  MOST_DIGESTED_BYTES,
  sha256,
  sha256All,
  TooLarge,
} from "../../system/files/contents.ts";
import { lstatAll } from "../../system/files/files.ts";
import type { WholeDirectory } from "../directories/directories.ts";
import { isShortage, systemReason } from "../../text/system_reason.ts";
import { isSameState, provesContent, stampOf, stateOf } from "../directories/file_state.ts";
import type { SourceFile, Unreadable } from "./inventory.ts";

export interface Fingerprint {
  /** Equal for equal contents at equal paths, regardless of times and modes. */
  readonly digest: string;
  readonly files: ReadonlyMap<string, FileMark>;
}

export interface FileMark {
  /** The SHA-256 of the content, or a substitute: see `isUnreadable`, `isTooLarge`. */
  readonly content: string;
  /** When the file was last modified, in milliseconds since 1970; 0 if that is unknown. */
  readonly modifiedMs: number;
  /** Differs whenever the file was written or replaced, even with the same content. */
  readonly stamp: string;
}

/** Unknown content: equal to nothing on disk. */
export const UNKNOWN_MARK: FileMark = { content: "unknown", modifiedMs: 0, stamp: "" };

export type FingerprintOutcome =
  | { readonly tag: "taken"; readonly fingerprint: Fingerprint }
  | { readonly tag: "unreadable"; readonly unreadable: readonly Unreadable[] };

export type Fingerprinter = (files: readonly SourceFile[]) => Promise<FingerprintOutcome>;

/** Makes a fingerprinter, which remembers the files of the last call. */
export function createFingerprinter(now: () => number = Date.now): Fingerprinter {
  let known: ReadonlyMap<string, MarkedFile> = new Map();
  let last: Fingerprint | null = null;
  return async (files) => {
    const all = await markAll(files, known, now());
    const unreadable = all.filter((result): result is Unreadable => "reason" in result);
    const marked = all.filter((result): result is MarkedFile => "mark" in result);
    known = new Map(marked.map((result) => [result.file.path, result]));
    if (unreadable.length > 0) return { tag: "unreadable", unreadable };
    if (last === null || !hasMarks(last, marked)) {
      last = await fingerprintOf(new Map(marked.map(({ file, mark }) => [file.path, mark])));
    }
    return { tag: "taken", fingerprint: last };
  };
}

/** The fingerprint of files with these marks. */
export async function fingerprintOf(files: ReadonlyMap<string, FileMark>): Promise<Fingerprint> {
  // Sorted, because a file that appears comes before files that were there.
  const lines = Array.from(files, ([path, { content }]) => `${path}\0${content}\0`).sort();
  return { digest: await sha256(new TextEncoder().encode(lines.join(""))), files };
}

/** The paths whose content differs between two fingerprints, sorted; `null` if one is unknown. */
export function changedPaths(
  before: Pick<Fingerprint, "files"> | null,
  after: Pick<Fingerprint, "files"> | null,
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

/** As many of `paths` as people will read, and how many more there are. */
export function abridged(paths: readonly string[]): readonly string[] {
  return paths.length <= MOST_SHOWN
    ? paths
    : [...paths.slice(0, MOST_SHOWN), `… and ${paths.length - MOST_SHOWN} more`];
}

const MOST_SHOWN = 100;

interface MarkedFile {
  readonly file: SourceFile;
  readonly mark: FileMark;
  /** Whether an equal stamp proves equal content. */
  readonly isProof: boolean;
}

/** Reads only what it must, which matters for 10,000 files. */
async function markAll(
  files: readonly SourceFile[],
  known: ReadonlyMap<string, MarkedFile>,
  startedMs: number,
): Promise<(MarkedFile | Unreadable)[]> {
  const unread = files.map((file) => markUnread(file, known.get(file.path)));
  const read = await readSteadily(files.filter((_, index) => unread[index] === null));
  const marked = read.map(({ file, content }) =>
    markRead(file, content, { startedMs, before: known.get(file.path) })
  ).values();
  return unread.map((result) => result ?? marked.next().value!);
}

/** `null`: the file must be read. */
function markUnread(file: SourceFile, before: MarkedFile | undefined): MarkedFile | null {
  if (file.whole !== undefined) return markWhole(file, file.whole, before);
  if (file.info === null) return { file, mark: MISSING_MARK, isProof: false };
  // The same object means that its state was not asked for again: an event would have shown a change.
  if (before === undefined || before.file === file) return before ?? null;
  return before.isProof && isSameState(before.file.info, file.info) ? { ...before, file } : null;
}

/** In place of the digest of a file that does not exist. */
export const MISSING = "missing";

const MISSING_MARK: FileMark = { content: MISSING, modifiedMs: 0, stamp: MISSING };

/** Change times are rounded, so a second change may leave the digest equal; but an event shows it. */
function markWhole(
  file: SourceFile,
  { digest, newestMs }: WholeDirectory,
  before: MarkedFile | undefined,
): MarkedFile {
  const content = `${WHOLE}${digest}`;
  if (before?.mark.content === content) return { ...before, file };
  return { file, mark: { content, modifiedMs: newestMs, stamp: digest }, isProof: true };
}

interface Read {
  readonly file: SourceFile;
  readonly content: Digest;
}

/**
 * A file that is replaced after its state was read would combine the old state with the new content, and so seem
 * to change once more; it is read again. Thousands of files are not checked for this.
 */
async function readSteadily(files: readonly SourceFile[], tries = 3): Promise<Read[]> {
  const read = await readAll(files);
  if (files.length > MOST_CHECKED || tries === 0) return read;
  const infos = await lstatAll(files.map(({ realPath }) => realPath));
  const fresh = files.flatMap((file, index) => {
    const info = infos[index];
    return info?.isFile && !isSameState(file.info, info) ? [{ ...file, info: stateOf(info) }] : [];
  });
  if (fresh.length === 0) return read;
  const again = await readSteadily(fresh, tries - 1);
  const byPath = new Map(again.map((result) => [result.file.path, result]));
  return read.map((result) => byPath.get(result.file.path) ?? result);
}

const MOST_CHECKED = 100;

/** Skips files that are too large, or that exceed the limit for one scan. */
async function readAll(files: readonly SourceFile[]): Promise<Read[]> {
  let left = MOST_READ_BYTES;
  const read = files.filter(({ info }) => {
    const { size } = info!;
    const fits = size <= MOST_DIGESTED_BYTES && size <= left;
    if (fits) left -= size;
    return fits;
  });
  const digests = await sha256All(
    read.map(({ path, info }) => ({ path, size: info!.size })),
  );
  const contents = new Map(read.map(({ path }, index) => [path, digests[index]!]));
  return files.map((file) => ({ file, content: contents.get(file.path) ?? TOO_LARGE }));
}

/** In one scan, so that a change to another file waits a few seconds at most. */
const MOST_READ_BYTES = 4 * MOST_DIGESTED_BYTES;

const TOO_LARGE = new TooLarge(MOST_DIGESTED_BYTES);

function markRead(
  file: SourceFile,
  content: Digest,
  { startedMs, before }: { readonly startedMs: number; readonly before: MarkedFile | undefined },
): MarkedFile | Unreadable {
  const { path, source } = file;
  const info = file.info!;
  const stamp = stampOf(info);
  const isProof = provesContent(info, startedMs);
  const marked = (content: string, isProof: boolean): MarkedFile => {
    const isSame = before?.mark.content === content && before.mark.stamp === stamp;
    const mark = isSame ? before.mark : { content, modifiedMs: info.mtime?.getTime() ?? 0, stamp };
    return { file, mark, isProof };
  };
  if (typeof content === "string") return marked(content, isProof);
  // Then only its stamp counts.
  if (content instanceof TooLarge) return marked(`${STAMPED}${stamp}`, true);
  if (source.kind !== "loaded" || isShortage(content)) {
    return { path, reason: systemReason(content) };
  }
  // HAProxy may be able to read what the wrapper cannot; only the stamp shows whether it changed.
  return marked(`${UNREADABLE}${stamp}`, isProof);
}

/** Whether the fingerprint was made from exactly these files, in this order. */
function hasMarks({ files }: Fingerprint, marked: readonly MarkedFile[]): boolean {
  if (files.size !== marked.length) return false;
  const expected = marked.values();
  for (const [path, mark] of files) {
    const { file, mark: other } = expected.next().value!;
    if (mark !== other || path !== file.path) return false;
  }
  return true;
}

const UNREADABLE = "unreadable ";
const STAMPED = "too large ";
const WHOLE = "directory ";

/** Whether `content` stands for a file that HAProxy loads and the wrapper may not read. */
export const isUnreadable = (content: string) => content.startsWith(UNREADABLE);

/** Whether `content` stands for a directory that is followed as a whole. */
export const isWhole = (content: string) => content.startsWith(WHOLE);

/** Whether `content` stands for a file that is not read: another stamp counts as other content. */
export const isTooLarge = (content: string) => content.startsWith(STAMPED);
