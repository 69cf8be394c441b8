/** What a generation uses each file for, as far as it can take another content in its place. Pure. */
import { changedPaths, type Fingerprint } from "../watch/scan/fingerprint.ts";

export type Target =
  | {
    readonly tag: "certificate";
    readonly path: string;
    /** As the Runtime API names it. */
    readonly name: string;
    /** The key file that the configuration names; `null`: it is in the certificate's file or beside it. */
    readonly keyPath: string | null;
    /** Whether it was found in a directory, so that its removal is meant. */
    readonly isMember: boolean;
  }
  | { readonly tag: "ca_file"; readonly path: string; readonly name: string }
  | { readonly tag: "crl_file"; readonly path: string; readonly name: string }
  | { readonly tag: "map"; readonly path: string; readonly id: number }
  | { readonly tag: "acl"; readonly path: string; readonly id: number };

export interface Targets {
  /** By path: all uses of a file, each of which can be changed in place. */
  readonly byPath: ReadonlyMap<string, readonly Target[]>;
  /** The directories of which HAProxy loads every member, by the paths that the configuration names. */
  readonly folders?: ReadonlyMap<string, FolderKind>;
  /** `ssl-load-extra-del-ext`: the key of `a.crt` is in `a.key`, not in `a.crt.key`. */
  readonly replacesCrt: boolean;
}

/** What is in it. A path is of a kind even if a file is there, which has no members. */
export type FolderKind = "certificate" | "ca";

export const NO_TARGETS: Targets = { byPath: new Map(), replacesCrt: false };

/** For more files at once than that a reload is no slower. */
const MOST_FILES = 100;

/**
 * For a larger file a reload is no slower, since HAProxy reads it itself, and gives it back line by line; a
 * map of that size, some 70,000 entries, takes the wrapper 50 ms and 30 MB.
 */
export const MOST_HOT_BYTES = 2 * 2 ** 20;

/**
 * What to change in place where a generation that loaded `before` is to have `after`; `null` if only a
 * reload can do it, or one of the two is not known.
 */
export function targetsToApply(
  targets: Targets,
  before: Fingerprint | null,
  after: Fingerprint | null,
): readonly Target[] | null {
  const changed = changedPaths(before, after);
  if (changed === null || changed.length > MOST_FILES) return null;
  const found = changed.map((path) => targetsOf(targets, path));
  if (found.some((one) => one.length === 0)) return null;
  const all = [...new Set(found.flat())];
  return all.some(isCertificate) && all.some(isAuthority) ? null : all;
}

/**
 * What can be changed in place after `replaced` has been. HAProxy 2.6 and 3.0 must not be given both
 * certificates and CA files (or CRLs) in one process: after `commit ssl ca-file` a certificate that is
 * committed "successfully" is not served, and the next CA file ends the process by SIGSEGV.
 */
export function targetsAfter(targets: Targets, replaced: readonly Target[]): Targets {
  const isLost = replaced.some(isCertificate)
    ? isAuthority
    : replaced.some(isAuthority)
    ? isCertificate
    : null;
  if (isLost === null) return targets;
  const left = [...targets.byPath].filter(([, all]) => !all.some(isLost));
  return left.length === targets.byPath.size ? targets : { ...targets, byPath: new Map(left) };
}

const isCertificate = ({ tag }: Target) => tag === "certificate";
const isAuthority = ({ tag }: Target) => tag === "ca_file" || tag === "crl_file";

/** The certificates alone of what `targetsToApply` would have to change, whatever else has changed. */
export function certificatesToApply(
  targets: Targets,
  before: Fingerprint | null,
  after: Fingerprint | null,
): readonly Target[] {
  const changed = (changedPaths(before, after) ?? []).flatMap((path) => targetsOf(targets, path));
  const certificates = changed.filter((target) =>
    pathsOf(target, targets).every((path) => targetsOf(targets, path).every(isCertificate))
  );
  return [...new Set(certificates)];
}

/** The files that have to be read for a use. */
export function pathsOf(target: Target, targets: Targets): readonly string[] {
  return target.tag === "certificate" ? [target.path, keyPathOf(target, targets)] : [target.path];
}

/** The file with the private key of a certificate, if that is not in the certificate's own file. */
export function keyPathOf(
  { path, keyPath }: Extract<Target, { tag: "certificate" }>,
  targets: Targets,
): string {
  return keyPath ?? keyFileOf(path, targets);
}

/** The key file beside the certificate at `path`. */
export function keyFileOf(path: string, { replacesCrt }: Pick<Targets, "replacesCrt">): string {
  return replacesCrt && path.endsWith(".crt") ? path.replace(/crt$/, "key") : `${path}.key`;
}

function targetsOf(targets: Targets, path: string): readonly Target[] {
  const own = targets.byPath.get(path);
  if (own !== undefined) return own;
  if (!path.endsWith(".key")) return [];
  const stem = path.slice(0, -".key".length);
  const owners = [stem, `${stem}.crt`].flatMap((one) => targets.byPath.get(one) ?? []);
  return owners.filter((target) =>
    target.tag === "certificate" && keyPathOf(target, targets) === path
  );
}
