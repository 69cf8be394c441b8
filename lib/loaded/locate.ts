/** Finds the files behind the names that an HAProxy process lists, and which of them are targets. Pure. */
import { basename, dirname, join, resolve } from "@std/path";
import type { Source } from "../watch/scan/sources.ts";
import { listCommandOf, type ListedFile } from "../haproxy/runtime/listing.ts";
import type { ListUse } from "../config/list_uses.ts";
import type { FileRole } from "../config/file_keywords.ts";
import type { FileReference } from "../config/file_references.ts";
import { keyBeside, type SideFileRule } from "../config/side_files.ts";
import { type FolderKind, NO_TARGETS, type Target, type Targets } from "./targets.ts";

/** What the configuration says. */
export interface Configured {
  readonly references: readonly FileReference[];
  readonly sideFiles: SideFileRule;
  /** By HAProxy's names for the certificate lists. */
  readonly listUses?: ReadonlyMap<string, ListUse>;
  /** Where HAProxy's relative names start. */
  readonly workingDirectory: string;
}

export interface Located {
  /** What to watch, even if the configuration names it: a later one that is refused may no longer do so. */
  readonly sources: readonly Source[];
  readonly targets: Targets;
}

export function locate(listed: readonly ListedFile[], configured: Configured): Located {
  const { references, sideFiles } = configured;
  const find = createFinder(configured);
  const sources = new Map<string, Source>();
  const byPath = new Map<string, readonly Target[]>();
  const uses = usesByName(configured, listed, find);
  const fixed = unchangeable(configured, listed, { find, uses });
  const lists = listsOf(references, listed, fixed);
  const maps = new Set(listed.flatMap((file) => file.tag === "map" ? [file.id] : []));
  for (const file of listed) {
    const found = find(file);
    // HAProxy has one list for a file that is a map here and an ACL there.
    const isShared = file.tag === "acl" && maps.has(file.id);
    if (found === null || isShared) continue;
    const source = sourceOf(file, found, sideFiles);
    if (!sources.has(source.path)) sources.set(source.path, source);
    const target = targetOf(file, found, { sideFiles, lists, uses });
    // A key beside a certificate is found by its name.
    const paths = found.keyPath === null ? [found.path] : [found.path, found.keyPath];
    for (const path of target === null ? [] : paths) {
      byPath.set(path, [...byPath.get(path) ?? [], target!]);
    }
  }
  for (const path of fixed) byPath.delete(path);
  const { replacesCrt } = sideFiles;
  const folders = new Map(
    references.flatMap(({ path, role }): [string, FolderKind][] =>
      role === "certificate" || role === "ca" ? [[path, role]] : []
    ),
  );
  return {
    sources: [...sources.values()],
    targets: byPath.size === 0 ? NO_TARGETS : { byPath, folders, lists, replacesCrt },
  };
}

/** The source of a file in a directory is the directory. */
function sourceOf(
  { tag, name }: ListedFile,
  { path, isMember }: Found,
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

interface Found {
  readonly path: string;
  /** The key file that the configuration names for a certificate; `null` if it names none. */
  readonly keyPath: string | null;
  readonly isMember: boolean;
}

type Find = (file: ListedFile) => Found | null;

/** Finds the path behind a name of the Runtime API, which may be relative, or that of a `crt-store`. */
function createFinder({ references, workingDirectory }: Configured): Find {
  // Of two files with the same name HAProxy loads only the first.
  const byName = new Map(references.toReversed().map((reference) => [reference.name, reference]));
  const directories = new Set(references.map(({ path }) => path));
  return ({ name }) => {
    const own = byName.get(name);
    if (own !== undefined) return { path: own.path, keyPath: own.keyPath, isMember: false };
    if (name.startsWith("@")) return null;
    const directory = byName.get(dirname(name))?.path;
    const path = directory === undefined
      ? resolve(workingDirectory, name)
      : join(directory, basename(name));
    return { path, keyPath: null, isMember: directories.has(dirname(path)) };
  };
}

function targetOf(
  file: ListedFile,
  found: Found,
  { sideFiles, lists, uses }: {
    readonly sideFiles: SideFileRule;
    readonly lists: Lists;
    readonly uses: Uses;
  },
): Target | null {
  const { path, isMember } = found;
  switch (file.tag) {
    case "certificate": {
      const keyPath = found.keyPath ?? keyBeside(path, sideFiles);
      const list = isMember ? lists.get(dirname(path)) : undefined;
      const common = { path, name: file.name, keyPath, isMember };
      return { tag: "certificate", ...common, ...list === undefined ? {} : { list } };
    }
    case "ca_file":
    case "crl_file":
      return { tag: file.tag, path, name: file.name };
    case "map":
    case "acl":
      return { tag: file.tag, path, id: file.id };
    case "certificate_list": {
      const use = uses.get(file.name);
      if (use === undefined) return null;
      const { replacesCrt } = sideFiles;
      const common = { path, name: file.name, replacesCrt, unused: [], ...use };
      // Its text is read once it is known not to have changed meanwhile.
      return { tag: "certificate_list", ...common, text: "" };
    }
    case "ticket_keys":
      return null;
    default:
      return file satisfies never;
  }
}

type Lists = ReadonlyMap<string, string>;

/**
 * The directories whose certificates can come and go. None where a list may serve certificates under other names than
 * theirs, or where the names in some cannot be known.
 */
function listsOf(
  references: readonly FileReference[],
  listed: readonly ListedFile[],
  fixed: readonly string[],
): Lists {
  const names = new Set(
    listed.flatMap(({ tag, name }) => tag === "certificate_list" ? [name] : []),
  );
  const certificates = references.filter(({ role }) => role === "certificate");
  const directories = certificates.filter(({ name }) => names.has(name));
  const known = new Set(directories.map(({ name }) => name));
  const isUnsure = references.some(({ role }) => role === "certificate_list") ||
    [...names].some((name) => !known.has(name)) ||
    certificates.some(({ name, path }) => !known.has(name) && fixed.includes(path));
  if (isUnsure) return new Map();
  const byPath = Map.groupBy(directories, ({ path }) => path);
  return new Map([...byPath].flatMap(([path, own]): [string, string][] => {
    const [name, ...others] = new Set(own.map(({ name }) => name));
    return name === undefined || others.length > 0 ? [] : [[path, name]];
  }));
}

type Uses = ReadonlyMap<string, ListUse>;

/** The certificate lists whose lines can come and go. */
function usesByName(
  { references, listUses = new Map() }: Configured,
  listed: readonly ListedFile[],
  find: Find,
): Uses {
  const names = listed.flatMap(({ tag, name }) => tag === "certificate_list" ? [name] : []);
  const isKnown = new Set(references.map(({ name }) => name));
  // Made by HAProxy itself, beside others.
  if (names.some((name) => !isKnown.has(name))) return new Map();
  return new Map([...listUses].filter(([name]) => {
    const path = find({ tag: "certificate_list", name })?.path;
    return names.includes(name) &&
      references.every((other) =>
        other.path !== path || (other.role === "certificate_list" && other.name === name)
      );
  }));
}

/** What a reload alone can change is also no target where another line loads it as one. */
const MAY_BE_TARGET: Readonly<Record<FileRole, boolean>> = {
  certificate: true,
  certificate_list: true,
  ca: true,
  crl: true,
  map: true,
  acl: true,
  ticket_keys: true,
  other: false,
};

/** Paths that HAProxy also loads in a way that only a reload can change. */
function unchangeable(
  { references }: Configured,
  listed: readonly ListedFile[],
  { find, uses }: { readonly find: Find; readonly uses: Uses },
): string[] {
  const fixed = references.filter(({ role, keyword }) =>
    (!MAY_BE_TARGET[role] && keyword !== "key") || keyword.startsWith("httpclient.")
  );
  const lists = listed.filter(({ tag, name }) =>
    (tag === "certificate_list" && !uses.has(name)) || tag === "ticket_keys"
  );
  // HAProxy drops what these held when it gets another certificate.
  const extras = references.filter(({ keyword }) => ["ocsp", "issuer", "sctl"].includes(keyword));
  const extended = references.filter(({ role, file, line }) =>
    role === "certificate" && extras.some((extra) => extra.file === file && extra.line === line)
  );
  return [
    ...[...fixed, ...extended].map(({ path }) => path),
    ...lists.flatMap((file) => find(file)?.path ?? []),
  ];
}
