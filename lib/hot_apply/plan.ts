/** Decides which targets a change applies to. Pure. */
import { ownersOf } from "../config/side_files.ts";
import { pathsOf, serversIn, type Target, type Targets, withServers } from "../loaded/targets.ts";
import { changedPaths, type Fingerprint } from "../watch/scan/fingerprint.ts";

/** For more files a reload is as fast. */
const MOST_FILES = 100;

/**
 * The targets to apply so that a generation with `before` has `after`; `null` if that requires a reload. `others`: the
 * digest of the new configuration without its servers.
 */
export function targetsToApply(
  targets: Targets,
  before: Fingerprint | null,
  after: Fingerprint | null,
  others: string | null = null,
): readonly Target[] | null {
  const changed = changedPaths(before, after);
  if (changed === null || changed.length > MOST_FILES) return null;
  const byPath = changed.map((path) => targetsAt(path, targets));
  if (byPath.some((found) => found.length === 0)) return null;
  const all = [...new Set(byPath.flat())];
  if (all.some((target) => target.tag === "server" && target.others !== others)) return null;
  return all.some(isCertificate) && all.some(isAuthority) ? null : all;
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

/** A key beside a certificate is found by its name. */
function targetsAt(path: string, { byPath }: Targets): readonly Target[] {
  const own = byPath.get(path);
  if (own !== undefined) return own;
  const owners = (ownersOf(path) ?? []).flatMap((owner) => byPath.get(owner) ?? []);
  return owners.filter((target) => target.tag === "certificate" && target.keyPath === path);
}
