/** Decides which targets a change applies to. Pure. */
import { basename, dirname } from "@std/path";
import { givenBeside, isBundled, keyBeside, ownersOf } from "../config/side_files.ts";
import {
  type CertificateListTarget,
  isList,
  pathsOf,
  serversIn,
  type Target,
  type Targets,
  withServers,
} from "../loaded/targets.ts";
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
  const between = { before: before!, after: after! };
  const newMemberAt = memberFinder(targets, between);
  const claim = claimer(targets, { ...between, changed });
  const byPath = changed.map((path) => {
    const known = targetsAt(path, targets, after!);
    if (claim.list !== null && claim.claims(path, known)) return [claim.list];
    const member = known.length > 0 ? null : newMemberAt(path);
    return member === null ? known : [member];
  });
  if (byPath.some((found) => found.length === 0)) return null;
  const all = [...new Set(byPath.flat())];
  if (all.filter(isList).length > 1) return null;
  if (!hasSameRest && all.some(isServers)) return null;
  return all.some(isServed) && all.some(isAuthority) ? null : all;
}

/** With a certificate list come and go the files of its certificates; what it has to do with them, its lines tell. */
function claimer(
  targets: Targets,
  { before, after, changed }: Readonly<Record<"before" | "after", Fingerprint>> & {
    readonly changed: readonly string[];
  },
) {
  const found = changed.flatMap((path) => targets.byPath.get(path) ?? []).find(isList);
  if (found === undefined) return { list: null, claims: () => false };
  const claims = (path: string, known: readonly Target[]): boolean => {
    if (known.includes(found)) return true;
    if (known.length === 0) return after.files.has(path) && !before.files.has(path);
    const isGone = !after.files.has(path);
    return isGone && known.every((one) => one.tag === "certificate" && !one.isMember);
  };
  const claimed = changed.filter((path) => {
    const known = targetsAt(path, targets, after);
    return !known.includes(found) && claims(path, known);
  });
  const certificates = [...targets.byPath.values()].flat().filter((one) =>
    one.tag === "certificate"
  );
  const known = new Map(certificates.map((one) => [one.name, one]));
  return { list: { ...found, claimed, known }, claims };
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
      tag: "certificate",
      path,
      name: `${list}/${basename(path)}`,
      list,
      besides,
      keyPath: keyBeside(path, { replacesCrt }),
      isMember: true,
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

/** The targets once certificates have come into directories and lists, or gone from them. */
export function withMembers(
  targets: Targets,
  applied: readonly { readonly target: Target; readonly how?: "added" | "removed" }[],
): Targets {
  const changed = applied.filter(({ target, how }) => how !== undefined || isList(target));
  if (changed.length === 0) return targets;
  const byPath = new Map(targets.byPath);
  for (const { target, how } of changed) {
    if (isList(target)) setList(byPath, target);
    else if (how === "added") byPath.set(target.path, [target]);
    else byPath.delete(target.path);
  }
  return { ...targets, byPath };
}

/** What becomes of a certificate's files when it has left the list is the list's affair. */
function setList(
  byPath: Map<string, readonly Target[]>,
  { came = [], went = [], ...list }: CertificateListTarget,
): void {
  for (const [path, all] of byPath) {
    if (all.some((one) => one.tag === "certificate" && went.includes(one))) byPath.delete(path);
  }
  for (const path of list.unused) {
    if (byPath.get(path)?.every(isList) ?? true) byPath.set(path, [list]);
  }
  for (const one of came) byPath.set(one.path, [one]);
  byPath.set(list.path, [list]);
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
  const isLost = given.some(isServed) ? isAuthority : given.some(isAuthority) ? isServed : null;
  if (isLost === null) return targets;
  const left = [...targets.byPath].filter(([, all]) => !all.some(isLost));
  return left.length === targets.byPath.size ? targets : { ...targets, byPath: new Map(left) };
}

const isServers = (target: Target) => target.tag === "server";
const isCertificate = ({ tag }: Target) => tag === "certificate";
const isServed = (target: Target) => isCertificate(target) || isList(target);
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
