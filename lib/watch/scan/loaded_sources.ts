/**
 * Finds the files that HAProxy loads besides its configuration, any of which may be missing. Built for 10,000
 * certificates: each directory is resolved and listed once.
 */
import { basename, dirname, join } from "@std/path";
import { sideFilesOf } from "../../config/side_files.ts";
import { lstatAll } from "../../system/files/files.ts";
import { followLinks } from "../../system/files/link_chain.ts";
import { isShortage, systemReason } from "../../text/system_reason.ts";
import { isVisible } from "../directories/globs.ts";
import { type Collector, type Found, isUnnamed } from "./inventory.ts";
import type { Source } from "./sources.ts";

/** Adds the existing regular files of `sources` that have not been added before. */
export async function addLoaded(to: Collector, sources: readonly Source[]): Promise<void> {
  const added = new Set(to.files.map(({ path }) => path));
  const byDirectory = Map.groupBy(sources, ({ path }) => dirname(path));
  for (const [directory, group] of byDirectory) await addGroup({ to, added }, directory, group);
}

interface Adding {
  readonly to: Collector;
  readonly added: Set<string>;
}

/** A path at which there may be a file. */
interface Candidate {
  readonly path: string;
  readonly source: Source;
}

async function addGroup(
  adding: Adding,
  directory: string,
  sources: readonly Source[],
): Promise<void> {
  const { to } = adding;
  const folder = await open(to, directory);
  if (folder === null) return;
  // First, because the files that are named count in the directory as well.
  const names = await to.reader.names(folder.realPath, () => true).catch(ignored(to, directory));
  if (!to.reader.takeFiles(sources.length)) {
    return await addMembers(adding, { path: directory, source: sources[0]! }, folder);
  }
  const candidates = sources.flatMap(candidatesOf);
  candidates.forEach(({ path }) => to.entries.add(join(folder.realPath, basename(path))));
  const found = await presentOf(candidates, { names, directory: folder.realPath });
  for (const directory of await addFiles(adding, found, folder)) {
    const below = await open(to, directory.path);
    if (below !== null) await addMembers(adding, directory, below);
  }
}

/** Leaves out most of what is missing, of which each would have to be followed from the root. */
async function presentOf(
  candidates: readonly Candidate[],
  { names, directory }: { readonly names: readonly string[] | null; readonly directory: string },
): Promise<readonly Candidate[]> {
  const present = names === null ? null : new Set(names);
  if (present !== null) return candidates.filter(({ path }) => present.has(basename(path)));
  const infos = await lstatAll(candidates.map(({ path }) => `${directory}/${basename(path)}`));
  return candidates.filter((_, index) => infos[index] !== null);
}

function candidatesOf(source: Source): Candidate[] {
  const { path, sideFiles } = source;
  const beside = sideFiles === undefined ? [] : sideFilesOf(path, sideFiles);
  return [path, ...beside].map((path) => ({ path, source }));
}

/** Adds the files among `candidates`, and returns the directories. */
async function addFiles(
  { to, added }: Adding,
  candidates: readonly Candidate[],
  { realPath }: Found,
): Promise<Candidate[]> {
  const ends = await to.followAll(realPath, candidates.map(({ path }) => basename(path)));
  return candidates.filter(({ path, source }, index) => {
    const end = ends[index]!;
    if (isUnnamed(basename(path), end)) to.unnamed.push(path);
    if (end.tag === "found" && end.info.isFile && !added.has(path)) {
      added.add(path);
      to.addFile(source, path, end);
    }
    return end.tag === "found" && end.info.isDirectory;
  });
}

/** HAProxy does not look below the directories that it loads. */
async function addMembers(
  adding: Adding,
  { path, source }: Candidate,
  folder: Found,
): Promise<void> {
  const { to } = adding;
  to.watchNames(folder.realPath);
  const members = await to.reader.members(folder.realPath, { isWanted: isVisible })
    .catch(ignored(to, path));
  if (members === null) return;
  if ("digest" in members) return to.addWhole({ ...source, path }, folder, members);
  const candidates = members.toSorted().map((name) => ({ path: `${path}/${name}`, source }));
  await addFiles(adding, candidates, folder);
}

async function open(to: Collector, path: string): Promise<Found | null> {
  const chain = await followLinks(path);
  const { end } = chain;
  const isDirectory = end.tag === "found" && end.info.isDirectory;
  // It may appear, but a meaningless name must not make the wrapper watch "/".
  if (isDirectory || !chain.directories.has("/")) to.mark(chain);
  if (!isDirectory) return null;
  to.directories.add(end.realPath);
  return end;
}

/** Only HAProxy needs to read these. But for want of resources a directory must not count as empty. */
const ignored = ({ unreadable }: Collector, path: string) => (error: unknown) => {
  if (isShortage(error)) unreadable.push({ path, reason: systemReason(error) });
  return null;
};
