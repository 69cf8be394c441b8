/** Tells which releases of HAProxy can be trusted with which changes. Pure. */
import type { Changes } from "./plan.ts";

/** Why that release must not be given the changes; `null` if it may. */
export function obstacleInRelease(
  { servers, frontends }: Changes,
  version: string | null,
): string | null {
  const added = servers.find(({ tag }) => tag === "added");
  const [limited] = frontends;
  if (added !== undefined && !trustsNewServers(version)) {
    return `server "${added.server}" is new, and adding one is ${UNSAFE}`;
  }
  const moved = servers.find((server) => server.tag === "changed" && server.address !== null);
  if (moved !== undefined && !trustsAddresses(version)) {
    return `server "${moved.server}" has another address, which is ${UNSAFE}`;
  }
  return limited !== undefined && !trustsMaxconn(version)
    ? `maxconn of frontend "${limited.frontend}" changed, which is ${UNSAFE}`
    : null;
}

const UNSAFE = "not known to be safe in this release of HAProxy";

/**
 * Whether that release adds and deletes servers without a known fault. Before these, `del server` could take a server
 * from under a request that was about to be sent to it (3.0 on), a new server that was enabled and disabled some times
 * could corrupt a list (3.2 on), and `add server` could lose another one (2.8 and older). No release of an older branch
 * is known to have all of that mended.
 */
export const trustsNewServers = (version: string | null): boolean =>
  isMended(version, { 3_002: 26, 3_004: 7 });

/**
 * Before these, HAProxy hangs, and is ended by its watchdog, when a frontend that is full gets a higher limit (HAProxy's
 * issue 2726; seen with 2.6.12).
 */
const trustsMaxconn = (version: string | null): boolean =>
  isMended(version, { 2_006: 20, 2_008: 12, 3_000: 6 });

/**
 * Whether all later requests go to a server's new address. A connection to the old one that is in use at the time is
 * reused afterwards by HAProxy 2.6.12, for as long as it is open. These releases do not; others were not tried.
 */
export const trustsAddresses = (version: string | null): boolean =>
  isMended(version, { 3_000: 11, 3_002: 26, 3_004: 7 });

/** `first`: the first such release of each branch, as far as it is known. Later branches have it from their start. */
function isMended(version: string | null, first: Readonly<Record<number, number>>): boolean {
  const [, major, minor, patch] = /^(\d+)\.(\d+)\.(\d+)/.exec(version ?? "") ?? [];
  if (patch === undefined) return false;
  const branch = Number(major) * 1_000 + Number(minor);
  const known = first[branch];
  return known === undefined
    ? branch > Math.max(...Object.keys(first).map(Number))
    : Number(patch) >= known;
}
