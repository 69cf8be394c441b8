/** Finds out what is wrong with what is to be watched: for people, since none of it is a fault. */
import { dirname } from "@std/path";
import { list, stat, tryToOpen } from "../../system/files.ts";
import { isMissing, systemReason } from "../../text/system_reason.ts";
import { isUnreadable } from "./fingerprint.ts";
import { isGlob } from "../directories/globs.ts";
import type { SourceFile } from "./inventory.ts";
import type { ScanResult } from "./scan.ts";
import type { Source } from "./sources.ts";

export interface Shortfalls {
  /** Sources that stand for no file now. */
  readonly absent: readonly Absent[];
  /** Why the wrapper cannot read a file, by its path. */
  readonly unreadable: ReadonlyMap<string, string>;
}

export interface Absent {
  readonly source: Source;
  /** In a few words. */
  readonly state: string;
}

/** What `look` has not found of `sources`, or found and could not read. */
export async function findShortfalls(
  sources: readonly Source[],
  { inventory: { files }, seen }: ScanResult,
): Promise<Shortfalls> {
  const isPresent = presenceIn(files);
  const absent = new Map<string, Absent>();
  for (const source of sources) {
    if (isPresent(source.path) || absent.has(source.path)) continue;
    const state = await stateOfAbsent(source);
    if (state !== null) absent.set(source.path, { source, state });
  }
  const unreadable = new Map<string, string>();
  for (const [path, { content }] of seen.tag === "taken" ? seen.fingerprint.files : []) {
    if (isUnreadable(content)) unreadable.set(path, await reasonOf(path));
  }
  return { absent: [...absent.values()], unreadable };
}

/** Whether a path is that of a file, or of what files were found in. */
function presenceIn(files: readonly SourceFile[]): (path: string) => boolean {
  const paths = new Set(
    files.flatMap(({ path, source }) => [path, source.path, dirname(path)]),
  );
  const wholes = files.filter(({ whole }) => whole !== undefined).map(({ path }) => `${path}/`);
  return (path) => paths.has(path) || wholes.some((whole) => path.startsWith(whole));
}

/** `null`: it is there by now. */
async function stateOfAbsent({ kind, path }: Source): Promise<string | null> {
  if (kind === "watched" && isGlob(path)) return "matches nothing";
  try {
    const { isFile, isDirectory } = await stat(path);
    if (isFile) return null;
    if (!isDirectory) return "neither a file nor a directory";
    await list(path);
    return "no file in it";
  } catch (error) {
    return isMissing(error) ? "missing" : `unreadable: ${systemReason(error)}`;
  }
}

async function reasonOf(path: string): Promise<string> {
  return await tryToOpen(path).then(() => "it could not be read a moment ago", systemReason);
}
