/** Makes one digest of the contents of all source files; a file that did not change is not read again. */
import { readFile, sha256 } from "../files.ts";
import { systemReason } from "../system_reason.ts";
import type { SourceFile, Unreadable } from "./sources.ts";

export interface Fingerprint {
  /** Equal for equal contents at equal paths, whatever the times and modes. */
  readonly digest: string;
  /** Differs whenever a file was written or replaced, even with the same content. */
  readonly stamp: string;
  readonly files: ReadonlyMap<string, FileMark>;
}

export interface FileMark {
  /** The SHA-256 of the content, or `missing`. */
  readonly content: string;
  /** When the file was last modified, in milliseconds since 1970; 0 where nobody knows. */
  readonly modifiedMs: number;
}

export type FingerprintOutcome =
  | { readonly tag: "taken"; readonly fingerprint: Fingerprint }
  | { readonly tag: "unreadable"; readonly unreadable: readonly Unreadable[] };

export type Fingerprinter = (files: readonly SourceFile[]) => Promise<FingerprintOutcome>;

/** Makes a fingerprinter, which remembers the files of its last call. */
export function createFingerprinter(now: () => number = Date.now): Fingerprinter {
  let known: ReadonlyMap<string, Known> = new Map();
  return async (files) => {
    const startedMs = now();
    const read = await Promise.all(files.map((file) => readAgainIfChanged(file, known, startedMs)));
    const unreadable = read.filter((one) => "reason" in one);
    const marks = read.filter((one) => "mark" in one);
    known = new Map(marks.map((one) => [one.path, one]));
    if (unreadable.length > 0) return { tag: "unreadable", unreadable };
    return { tag: "taken", fingerprint: await combine(marks) };
  };
}

/** The paths whose content differs between two fingerprints, in order; `null` if one is not known. */
export function changedPaths(
  before: Fingerprint | null,
  after: Fingerprint | null,
): string[] | null {
  if (before === null || after === null) return null;
  return [...new Set([...before.files.keys(), ...after.files.keys()])]
    .filter((path) => before.files.get(path)?.content !== after.files.get(path)?.content)
    .sort();
}

interface Known {
  readonly path: string;
  readonly mark: FileMark;
  /** Equal for equal inode, size and times. */
  readonly stamp: string;
  /** Whether an equal stamp proves an equal content. */
  readonly isProof: boolean;
}

/**
 * Times are as coarse as 2 s on some file systems, and Deno rounds a change time to 1 s. So what was
 * read less than that after a change may have been changed once more without showing it.
 */
const COARSEST_TIMES_MS = 3_000;

async function readAgainIfChanged(
  { path, info }: SourceFile,
  known: ReadonlyMap<string, Known>,
  startedMs: number,
): Promise<Known | Unreadable> {
  const stamp = stampOf(info);
  if (info === null) {
    return { path, mark: { content: "missing", modifiedMs: 0 }, stamp, isProof: false };
  }
  const before = known.get(path);
  if (before?.isProof && before.stamp === stamp) return before;
  try {
    const content = await sha256(await readFile(path));
    const modifiedMs = info.mtime?.getTime() ?? 0;
    const lastChangeMs = Math.max(modifiedMs, info.ctime?.getTime() ?? Infinity);
    const isProof = startedMs - lastChangeMs > COARSEST_TIMES_MS;
    return { path, mark: { content, modifiedMs }, stamp, isProof };
  } catch (error) {
    return { path, reason: systemReason(error) };
  }
}

const stampOf = (info: Deno.FileInfo | null) =>
  [info?.dev, info?.ino, info?.size, info?.mtime?.getTime(), info?.ctime?.getTime()].join(" ");

async function combine(marks: readonly Known[]): Promise<Fingerprint> {
  const lines = marks.map(({ path, mark }) => `${mark.content} ${path}\0`).join("");
  return {
    digest: await sha256(new TextEncoder().encode(lines)),
    stamp: marks.map(({ path, stamp }) => `${stamp} ${path}\0`).join(""),
    files: new Map(marks.map(({ path, mark }) => [path, mark])),
  };
}
