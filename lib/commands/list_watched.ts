/** The output of `--list-watched`: every file, how it was found and what is wrong with it, and the directories. */
import { dirname } from "@std/path";
import { list, stat, tryToOpen } from "../system/files/files.ts";
import { isMissing, systemReason } from "../text/system_reason.ts";
import { visible } from "../text/visible.ts";
import { isGlob } from "../watch/directories/globs.ts";
import { isUnreadable } from "../watch/scan/fingerprint.ts";
import type { Inventory, SourceFile } from "../watch/scan/inventory.ts";
import type { ScanResult } from "../watch/scan/scan.ts";
import type { Source } from "../watch/scan/sources.ts";

/** None of these is a fault. */
export interface Shortfalls {
  /** Sources without a file at the moment. */
  readonly absent: readonly Absent[];
  /** Why the wrapper cannot read a file, by its path. */
  readonly unreadable: ReadonlyMap<string, string>;
}

export interface Absent {
  readonly source: Source;
  /** In a few words. */
  readonly state: string;
}

/** Which of `sources` the scan did not find, or could not read. */
export async function findShortfalls(
  sources: readonly Source[],
  { inventory: { files }, seen }: ScanResult,
): Promise<Shortfalls> {
  const isPresent = presenceTest(files);
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

/** `watchLoaded`: whether HAProxy will be asked for further files. */
export function describeWatched(
  { files, directories }: Inventory,
  { watchLoaded, absent, unreadable }: Shortfalls & { readonly watchLoaded: boolean },
): string {
  return [
    ...files.flatMap((file) => describeFile(file, unreadable.get(file.path))),
    ...absent.flatMap(({ source, state }) => describe(source.path, state, source.foundBy)),
    "",
    "Directories that are watched:",
    ...[...directories].sort().map((path) => `  ${path}`),
    ...watchLoaded ? ["", ASKED] : [],
  ].map((line) => visible(line)).join("\n");
}

const ASKED =
  "Once HAProxy serves, the wrapper also asks it which certificates, maps and so on it has loaded.";

function describeFile(
  { path, info, source, whole }: SourceFile,
  unreadable: string | undefined,
): readonly string[] {
  const state = info === null
    ? "missing"
    : whole !== undefined
    ? `as a whole, with ${whole.entries} entries`
    : unreadable && `unreadable: ${unreadable}`;
  const origin = path === source.path
    ? source.foundBy
    : `${relation({ path, source })}${source.foundBy}`;
  return describe(path, state, origin);
}

const describe = (path: string, state: string | undefined, origin: string) => [
  `${path}${state === undefined ? "" : ` (${state})`}`,
  `    ${origin}`,
];

function relation({ path, source }: Pick<SourceFile, "path" | "source">): string {
  return path.startsWith(`${source.path}/`)
    ? `in "${source.path}", `
    : source.kind === "loaded"
    ? `beside "${source.path}", `
    : `of "${source.path}", `;
}

/** Whether a path is that of a file, or of a directory in which files were found. */
function presenceTest(files: readonly SourceFile[]): (path: string) => boolean {
  const paths = new Set(files.flatMap(({ path, source }) => [path, source.path, dirname(path)]));
  const wholes = files.filter(({ whole }) => whole !== undefined).map(({ path }) => `${path}/`);
  return (path) => paths.has(path) || wholes.some((whole) => path.startsWith(whole));
}

/** `null`: it exists by now. */
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
