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
export function trustsNewServers(version: string | null): boolean {
  const { branch, patch } = releaseOf(version);
  const first = MENDED.get(branch);
  return first === undefined ? branch > LATEST : patch >= first;
}

/** HAProxy 2.6.12 hangs, and is ended by its watchdog, when a frontend that is full gets a higher limit. */
const trustsMaxconn = (version: string | null) => releaseOf(version).branch >= 3_000;

function releaseOf(version: string | null) {
  const [, major, minor, patch] = /^(\d+)\.(\d+)\.(\d+)/.exec(version ?? "") ?? [];
  return patch === undefined
    ? { branch: 0, patch: 0 }
    : { branch: Number(major) * 1_000 + Number(minor), patch: Number(patch) };
}

/** The first such release of each branch, as far as it is known. */
const MENDED: ReadonlyMap<number, number> = new Map([[3_002, 26], [3_004, 7]]);
const LATEST = Math.max(...MENDED.keys());
