/** Finds the files behind the names that a HAProxy process lists, and what of them can be changed in place. Pure. */
import { basename, dirname, join, resolve } from "@std/path";
import type { Source } from "../watch/scan/sources.ts";
import { listCommandOf, type ListedFile } from "../haproxy/runtime/listing.ts";
import type { NamedFile, SideFileRule } from "../config/file_references.ts";
import { type FolderKind, NO_TARGETS, type Targets, type Use } from "./targets.ts";

export interface Known {
  /** What the configuration names. */
  readonly named: readonly NamedFile[];
  readonly sideFiles: SideFileRule;
  /** Where HAProxy's relative names start. */
  readonly workingDirectory: string;
}

export interface Located {
  readonly sources: readonly Source[];
  readonly uses: Targets;
}

/** Where the `listed` files are, and what of them can be changed in place. */
export function locate(listed: readonly ListedFile[], known: Known): Located {
  const { named, sideFiles } = known;
  const find = createFinder(known);
  // Also what the configuration names: a later one that is refused may not name it any more.
  const sources = new Map<string, Source>();
  const uses = new Map<string, Use[]>();
  const maps = new Set(listed.flatMap((file) => file.tag === "map" ? [file.id] : []));
  for (const file of listed) {
    const place = find(file);
    // HAProxy has one list for a file that is a map here and an ACL there.
    const isShared = file.tag === "acl" && maps.has(file.id);
    if (place === null || isShared) continue;
    const source = sourceOf(file, place, sideFiles);
    if (!sources.has(source.path)) sources.set(source.path, source);
    addUse(uses, file, place);
  }
  for (const path of unchangeable(named, listed, find)) uses.delete(path);
  const folders = foldersOf(named);
  const { replacesCrt } = sideFiles;
  return {
    sources: [...sources.values()],
    uses: uses.size === 0 ? NO_TARGETS : { byPath: uses, folders, replacesCrt },
  };
}

function foldersOf(named: readonly NamedFile[]): ReadonlyMap<string, FolderKind> {
  return new Map(
    named.flatMap(({ path, role }): [string, FolderKind][] =>
      role === "certificate" || role === "ca" ? [[path, role]] : []
    ),
  );
}

/** For a member of a directory that is the directory. */
function sourceOf(
  { tag, name }: ListedFile,
  { path, isMember }: Place,
  sideFiles: SideFileRule,
): Source {
  // What a `crt-store` loads has no side files.
  const hasSideFiles = tag === "certificate" && !name.startsWith("@");
  return {
    kind: "loaded",
    path: isMember ? dirname(path) : path,
    foundBy: listCommandOf(tag),
    ...hasSideFiles ? { sideFiles } : {},
  };
}

interface Place {
  readonly path: string;
  readonly keyPath: string | null;
  readonly isMember: boolean;
}

type Find = (file: ListedFile) => Place | null;

/** Finds the path behind a name of the Runtime API, which may be relative, or that of a `crt-store`. */
function createFinder({ named, workingDirectory }: Known): Find {
  // Of two files of one name HAProxy loads the first alone.
  const byName = new Map(named.toReversed().map((file) => [file.name, file]));
  const directories = new Set(named.map(({ path }) => path));
  return ({ name }) => {
    const own = byName.get(name);
    if (own !== undefined) return { ...own, isMember: false };
    if (name.startsWith("@")) return null;
    const directory = byName.get(dirname(name))?.path;
    const path = directory === undefined
      ? resolve(workingDirectory, name)
      : join(directory, basename(name));
    return { path, keyPath: null, isMember: directories.has(dirname(path)) };
  };
}

function addUse(uses: Map<string, Use[]>, file: ListedFile, place: Place): void {
  const use = useOf(file, place);
  if (use === null) return;
  const { path, keyPath } = place;
  for (const key of keyPath === null ? [path] : [path, keyPath]) {
    const others = uses.get(key);
    if (others === undefined) uses.set(key, [use]);
    else others.push(use);
  }
}

function useOf(file: ListedFile, { path, keyPath, isMember }: Place): Use | null {
  switch (file.tag) {
    case "certificate":
      return { tag: "certificate", path, name: file.name, keyPath, isMember };
    case "ca_file":
    case "crl_file":
      return { tag: file.tag, path, name: file.name };
    case "map":
    case "acl":
      return { tag: file.tag, path, id: file.id };
    case "certificate_list":
    case "ticket_keys":
      return null;
    default:
      return file satisfies never;
  }
}

/** The paths that HAProxy also loads in a way that it cannot change. */
function unchangeable(
  named: readonly NamedFile[],
  listed: readonly ListedFile[],
  find: Find,
): string[] {
  const fixed = named.filter(({ role, keyword }) =>
    (role === "other" && keyword !== "key") || keyword.startsWith("httpclient.")
  );
  const lists = listed.filter(({ tag }) => tag === "certificate_list" || tag === "ticket_keys");
  // HAProxy forgets what these held when it is given another certificate.
  const extras = named.filter(({ keyword }) => ["ocsp", "issuer", "sctl"].includes(keyword));
  const extended = named.filter(({ role, file, line }) =>
    role === "certificate" && extras.some((one) => one.file === file && one.line === line)
  );
  return [
    ...[...fixed, ...extended].map(({ path }) => path),
    ...lists.flatMap((file) => find(file)?.path ?? []),
  ];
}
