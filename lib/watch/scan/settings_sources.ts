/** Finds the files behind the sources that the settings name. */
import { join } from "@std/path";
import { isMissing, systemReason } from "../../text/system_reason.ts";
import type { Selection, WholeDirectory } from "../directories/directories.ts";
import { fixedPart, isGlob, isVisible, matchesOf } from "../directories/globs.ts";
import { Collector, type Found, isUnnamed, UNNAMED } from "./inventory.ts";
import type { Source } from "./sources.ts";

/** Adds the current files of `source`, whether HAProxy has loaded them or not. */
export async function addSource(to: Collector, source: Source): Promise<void> {
  const { kind, path } = source;
  if (kind === "watched" && isGlob(path)) return await addGlob(to, source);
  const end = await to.follow(path);
  const refuse = (reason: string) => to.unreadable.push({ path, reason });
  if (end.tag === "missing" && kind === "watched") {
    to.files.push({ path, realPath: path, info: null, source });
  } else if (end.tag !== "found") refuse(end.reason);
  else if (end.info.isFile) to.addFile(source, path, end);
  else if (!end.info.isDirectory) refuse("neither a file nor a directory");
  else if (kind === "env_file") refuse("Is a directory");
  else if (kind === "configuration") await addConfigurations(to, source, end);
  else await addTree(to, source, end);
}

/**
 * HAProxy loads the visible regular files that end in `.cfg`, in byte order, and nothing in subdirectories
 * (management guide, section 3, "-f").
 */
async function addConfigurations(to: Collector, source: Source, end: Found): Promise<void> {
  const { path } = source;
  to.watchNames(end.realPath);
  const members = await to.reader.members(end.realPath, CONFIGURATIONS).catch((error) => {
    to.unreadable.push({ path, reason: systemReason(error) });
    return [];
  });
  if ("digest" in members) return to.addWhole(source, end, members);
  const names = members.toSorted();
  const ends = await to.followAll(end.realPath, names);
  for (const [index, name] of names.entries()) {
    const [member, end] = [join(path, name), ends[index]!];
    if (end.tag !== "found") {
      to.unreadable.push({ path: member, reason: isUnnamed(name, end) ? UNNAMED : end.reason });
    } else if (end.info.isFile) to.addFile(source, member, end);
  }
}

const CONFIGURATIONS: Selection = { isWanted: (name) => isVisible(name) && name.endsWith(".cfg") };
const ALL_BELOW: Selection = { isWanted: isVisible, isDeep: true };

/** Adds every visible file below a watched directory. */
async function addTree(to: Collector, source: Source, end: Found): Promise<void> {
  const { reader } = to;
  const known = await reader.knownWhole(end.realPath, ALL_BELOW);
  if (known !== null) return to.addWhole(source, end, known);
  // If the walk is given up, what it found so far is not watched.
  const inside = new Collector(reader);
  if (!await walk(inside, source, { path: source.path, realPath: end.realPath })) {
    return to.addWhole(source, end, await reader.whole(end.realPath, ALL_BELOW));
  }
  inside.files.sort((one, other) => one.path < other.path ? -1 : 1);
  to.absorb(inside);
}

/** Follows linked directories, each once; `false`: too many files. */
async function walk(
  inside: Collector,
  source: Source,
  { path, realPath }: { readonly path: string; readonly realPath: string },
): Promise<boolean> {
  if (inside.listed.has(realPath)) return true;
  inside.watchNames(realPath);
  const names = await inside.reader.takeNames(realPath, isVisible).catch((error) => {
    // A watched file may vanish during the scan.
    if (!isMissing(error)) inside.unreadable.push({ path, reason: systemReason(error) });
    return [];
  });
  if (names === null || !inside.reader.takeDirectory()) return false;
  const ends = await inside.followAll(realPath, names.sort());
  // One by one: of two links to a directory the same one must always win.
  for (const [index, end] of ends.entries()) {
    const name = names[index]!;
    const member = join(path, name);
    if (isUnnamed(name, end)) inside.unnamed.push(member);
    if (end.tag !== "found") continue;
    if (end.info.isFile) inside.addFile(source, member, end);
    if (!end.info.isDirectory) continue;
    if (!await walk(inside, source, { path: member, realPath: end.realPath })) return false;
  }
  return true;
}

async function addGlob(to: Collector, source: Source): Promise<void> {
  const { path: glob } = source;
  const path = fixedPart(glob);
  const base = await to.follow(path);
  if (base.tag === "found") {
    to.watchNames(base.realPath);
    const whole = await wholeBase(to, { glob, below: glob.slice(path.length), base });
    if (whole !== null) return to.addWhole({ ...source, path }, base, whole);
  }
  const matches = await matchesOf(glob).catch((error) => {
    to.unreadable.push({ path: glob, reason: systemReason(error) });
    return [];
  });
  if (base.tag === "found" && !to.reader.takeFiles(matches.length)) {
    const whole = await to.reader.whole(base.realPath, ALL_BELOW);
    return to.addWhole({ ...source, path }, base, whole);
  }
  for (const match of matches) {
    const end = await to.follow(match);
    if (end.tag === "found" && end.info.isFile) to.addFile(source, match, end);
  }
}

/** The directory at a glob's fixed part, as a whole, if it holds too much to expand the glob; otherwise `null`. */
async function wholeBase(
  { reader, unreadable }: Collector,
  { glob, below, base: { realPath } }: {
    readonly glob: string;
    readonly below: string;
    readonly base: Found;
  },
): Promise<WholeDirectory | null> {
  const levels = below.includes("**") ? Infinity : below.split("/").length;
  const selection = levels > 1 ? ALL_BELOW : { isWanted: isVisible };
  try {
    const known = await reader.knownWhole(realPath, selection);
    const isHuge = known === null && await reader.isHuge(realPath, levels);
    return isHuge ? await reader.whole(realPath, selection) : known;
  } catch (error) {
    if (!isMissing(error)) unreadable.push({ path: glob, reason: systemReason(error) });
    return null;
  }
}
