/** Decides which targets a change applies to. Pure. */
import { basename, dirname } from "@std/path";
import { givenBeside, isBundled, keyBeside, ownersOf } from "../config/side_files.ts";
import { pathsOf, serversIn, type Target, type Targets, withServers } from "../loaded/targets.ts";
import { changedPaths, type Fingerprint } from "../watch/scan/fingerprint.ts";

/** For more files a reload is as fast. */
const MOST_FILES = 100;

/**
 * The targets to apply so that a generation with `before` has `after`; `null` if that requires a reload. With
 * `hasSameRest` the configuration differs in nothing but servers.
 */
export function targetsToApply(
  targets: Targets,
  before: Fingerprint | null,
  after: Fingerprint | null,
  hasSameRest = false,
): readonly Target[] | null {
  const changed = changedPaths(before, after);
  if (changed === null || changed.length > MOST_FILES) return null;
  const newMemberAt = memberFinder(targets, { before: before!, after: after! });
  const byPath = changed.map((path) => {
    const known = targetsAt(path, targets, after!);
    const member = known.length > 0 ? null : newMemberAt(path);
    return member === null ? known : [member];
  });
  if (byPath.some((found) => found.length === 0)) return null;
  const all = [...new Set(byPath.flat())];
  if (!hasSameRest && all.some(isServers)) return null;
  return all.some(isCertificate) && all.some(isAuthority) ? null : all;
}

/**
 * Finds certificates, by their paths or those of their keys, that are new in a directory which the process has loaded.
 * The first of a directory may be the default one, so a new first takes a reload.
 */
function memberFinder(
  { byPath, lists = new Map(), replacesCrt }: Targets,
  { before, after }: Readonly<Record<"before" | "after", Fingerprint>>,
) {
  const members = new Map<string, Target | null>();
  let besides: readonly string[] | null = null;
  const find = (path: string): Target | null => {
    const directory = dirname(path);
    const list = lists.get(directory);
    const isNew = after.files.has(path) && !before.files.has(path);
    if (list === undefined || !isNew || isBundled(path)) return null;
    const isFirst = !after.files.keys().some((other) =>
      other < path && dirname(other) === directory && ownersOf(other) === null
    );
    if (isFirst) return null;
    besides ??= [...byPath].filter(([, all]) => all.some(isCertificate)).map(([path]) => path);
    return {
      ...{ tag: "certificate", path, name: `${list}/${basename(path)}`, list, besides },
      ...{ keyPath: keyBeside(path, { replacesCrt }), isMember: true },
    };
  };
  return (path: string): Target | null => {
    for (const owner of ownersOf(path) ?? [path]) {
      const member = members.get(owner) ?? find(owner);
      members.set(owner, member);
      if (member !== null && pathsOf(member).includes(path)) return member;
    }
    return null;
  };
}

/** The targets once certificates have come into directories or gone from them. */
export function withMembers(
  targets: Targets,
  applied: readonly { readonly target: Target; readonly how?: "added" | "removed" }[],
): Targets {
  const changed = applied.filter(({ how }) => how !== undefined);
  if (changed.length === 0) return targets;
  const byPath = new Map(targets.byPath);
  for (const { target, how } of changed) {
    if (how === "added") byPath.set(target.path, [target]);
    else byPath.delete(target.path);
  }
  return { ...targets, byPath };
}

/** Only the certificates among them, whatever else has changed. */
export function certificatesToApply(
  targets: Targets,
  before: Fingerprint | null,
  after: Fingerprint | null,
): readonly Target[] {
  const changed = (changedPaths(before, after) ?? []).flatMap((path) => targetsAt(path, targets));
  const certificates = changed.filter((target) =>
    pathsOf(target).every((path) => targetsAt(path, targets).every(isCertificate))
  );
  return [...new Set(certificates)];
}

/**
 * What can still be applied after `applied`. An HAProxy process (2.6, 3.0) must not get both certificates and CA files
 * or CRLs: after `commit ssl ca-file` a certificate that is committed "successfully" is not served, and the next CA
 * file ends the process with SIGSEGV.
 */
export function targetsAfter(
  before: Targets,
  applied: readonly Target[],
  unconfirmed: readonly Target[] = [],
): Targets {
  const given = [...applied, ...unconfirmed];
  const servers = given.some(isServers) ? applied.find(isServers) ?? null : serversIn(before);
  const targets = servers === serversIn(before) ? before : withServers(before, servers);
  const isLost = given.some(isCertificate)
    ? isAuthority
    : given.some(isAuthority)
    ? isCertificate
    : null;
  if (isLost === null) return targets;
  const left = [...targets.byPath].filter(([, all]) => !all.some(isLost));
  return left.length === targets.byPath.size ? targets : { ...targets, byPath: new Map(left) };
}

const isServers = (target: Target) => target.tag === "server";
const isCertificate = ({ tag }: Target) => tag === "certificate";
const isAuthority = ({ tag }: Target) => tag === "ca_file" || tag === "crl_file";

/** A key beside a certificate is found by its name, and so is what is given together with it. */
function targetsAt(
  path: string,
  { byPath }: Targets,
  after: Fingerprint | null = null,
): readonly Target[] {
  const own = byPath.get(path);
  if (own !== undefined) return own;
  const owners = (ownersOf(path) ?? []).flatMap((owner) => byPath.get(owner) ?? []);
  // HAProxy forgets by itself what has gone, or does not, by its release.
  const isGiven = after?.files.has(path) ?? false;
  return owners.filter((target) =>
    target.tag === "certificate" &&
    (target.keyPath === path || (isGiven && givenBeside(target.path).includes(path)))
  );
}
