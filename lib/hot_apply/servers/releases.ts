/** Tells which releases of HAProxy can be trusted with servers that come and go. Pure. */

/**
 * Whether that release adds and deletes servers without a known fault. Before these, `del server` could take a server
 * from under a request that was about to be sent to it (3.0 on), a new server that was enabled and disabled some times
 * could corrupt a list (3.2 on), and `add server` could lose another one (2.8 and older). No release of an older branch
 * is known to have all of that mended.
 */
export function trustsNewServers(version: string | null): boolean {
  const [, major, minor, patch] = /^(\d+)\.(\d+)\.(\d+)/.exec(version ?? "") ?? [];
  if (patch === undefined) return false;
  const branch = Number(major) * 1_000 + Number(minor);
  const first = MENDED.get(branch);
  return first === undefined ? branch > LATEST : Number(patch) >= first;
}

/** The first such release of each branch, as far as it is known. */
const MENDED: ReadonlyMap<number, number> = new Map([[3_002, 26], [3_004, 7]]);
const LATEST = Math.max(...MENDED.keys());
