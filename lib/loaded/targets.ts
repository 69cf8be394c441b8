/** What a generation has loaded that can be hot-applied. */
import type { Bases } from "../config/base_directories.ts";
import { forgottenBeside, givenBeside, type SideFileRule } from "../config/side_files.ts";
import type { Environment } from "../config/tokens.ts";
import type { HotServer } from "../haproxy/private_folder/passed_state.ts";

/**
 * Content that a running process can be given. To add a kind, add a member here; the compiler then asks for its
 * place in `locate.ts`, its file in `hot_apply/`, and its name in the log and the metrics.
 */
export type Target =
  | {
    readonly tag: "certificate";
    readonly path: string;
    /** As the Runtime API names it. */
    readonly name: string;
    /** Where its key is if the certificate's own file holds none. */
    readonly keyPath: string;
    /** Whether HAProxy loads its directory, so that removing the file takes it out of use. */
    readonly isMember: boolean;
    /** The Runtime API's name of that directory, where its certificates can come and go without a reload. */
    readonly list?: string;
    /** Of one that the process has not loaded yet: where all others are. */
    readonly besides?: readonly string[];
    /** Of one that comes into a certificate list, which `list` names then: its line. */
    readonly line?: string;
  }
  | CertificateListTarget
  | { readonly tag: "ca_file"; readonly path: string; readonly name: string }
  | { readonly tag: "crl_file"; readonly path: string; readonly name: string }
  | { readonly tag: "map"; readonly path: string; readonly id: number }
  | { readonly tag: "acl"; readonly path: string; readonly id: number }
  | ServersTarget;

/** A list of certificates (`crt-list`). */
export interface CertificateListTarget {
  readonly tag: "certificate_list";
  readonly path: string;
  /** As the Runtime API names it. */
  readonly name: string;
  /** What the process has read, or was given since. */
  readonly text: string;
  readonly bases: Bases;
  readonly replacesCrt: boolean;
  /** HAProxy's names for the certificates that are served beside those of the list. */
  readonly companions: readonly string[];
  /** The files of certificates that were in the list, and that HAProxy has no longer. */
  readonly unused: readonly string[];
  /** Of a change: the other files that came or went. */
  readonly claimed?: readonly string[];
  /** Of a change: all certificates that HAProxy has, by its names. */
  readonly known?: ReadonlyMap<string, CertificateTarget>;
  /** What the last hot apply added to the certificates that HAProxy has, and what it removed. */
  readonly came?: readonly CertificateTarget[];
  readonly went?: readonly CertificateTarget[];
}

/** All servers. */
export interface ServersTarget {
  readonly tag: "server";
  /** The configuration's first file. */
  readonly path: string;
  /** The files of the configuration, in their order. */
  readonly paths: readonly string[];
  /** What the generation has read in them, or what was hot-applied since. */
  readonly texts: readonly string[];
  /** The variables that it has read them with. */
  readonly environment: Environment;
  /** What was hot-applied in the generation, by the full names of the servers. */
  readonly hot: ReadonlyMap<string, HotServer>;
  /** Those that the last hot apply removed. */
  readonly removed: readonly string[];
  /** Those of which nobody knows what the last hot apply did to them. */
  readonly doubtful: readonly string[];
}

export type CertificateTarget = TargetOf<"certificate">;

export type TargetOf<Tag extends Target["tag"]> = Extract<Target, { readonly tag: Tag }>;

export interface Targets extends Pick<SideFileRule, "replacesCrt"> {
  /** By path: every target that a file is loaded as. A file that also serves another purpose is left out. */
  readonly byPath: ReadonlyMap<string, readonly Target[]>;
  /** The directories that HAProxy loads as a whole, by the paths that the configuration names. */
  readonly folders?: ReadonlyMap<string, FolderKind>;
  /** The Runtime API's names of those whose certificates can come and go without a reload, by their paths. */
  readonly lists?: ReadonlyMap<string, string>;
}

/** What is in the directory. The path of a file may be listed too: it has no members. */
export type FolderKind = "certificate" | "ca";

export const NO_TARGETS: Targets = { byPath: new Map(), replacesCrt: false };

/** The files that hold a target's content, whether they exist or not. */
export function pathsOf(target: Target): readonly string[] {
  if (target.tag === "server") return target.paths;
  if (target.tag === "certificate_list") {
    return [target.path, ...target.unused, ...target.claimed ?? []];
  }
  if (target.tag !== "certificate") return [target.path];
  return [target.path, target.keyPath, ...givenBeside(target.path)];
}

/** All files that HAProxy may have read for a certificate. */
export const filesOf = (target: CertificateTarget): readonly string[] => [
  ...new Set([...pathsOf(target), ...forgottenBeside(target.path)]),
];

export const isList = (target: Target): target is CertificateListTarget =>
  target.tag === "certificate_list";

/** The servers among `targets`; `null` if they cannot be hot-applied. */
export function serversIn({ byPath }: Targets): ServersTarget | null {
  for (const targets of byPath.values()) {
    const found = targets.find((target) => target.tag === "server");
    if (found !== undefined) return found;
  }
  return null;
}

/** With other servers than before; `null`: nobody knows which. */
export function withServers(targets: Targets, servers: ServersTarget | null): Targets {
  const others = [...targets.byPath].filter(([, all]) => all.every(({ tag }) => tag !== "server"));
  const own = servers?.paths.map((path) => [path, [servers]] as const) ?? [];
  const isFree = own.every(([path]) => !others.some(([other]) => other === path));
  return { ...targets, byPath: new Map([...others, ...isFree ? own : []]) };
}
