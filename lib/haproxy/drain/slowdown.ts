/** Knows which HAProxy, while it drains, slows the one that serves. Pure. */

/** By a process of `version`, which `mendedIn` does not do any more. */
export interface Slowdown {
  readonly version: string;
  readonly mendedIn: string;
}

/**
 * A process that has passed its listening sockets on is woken by each new connection to them until it
 * ends, and takes as much time for it as the one that serves. HAProxy mended that in 2025 ("mark FD
 * transferred to another process as FD_CLONED"). `null`: not by that version, or nobody knows, as of
 * versions before their release.
 */
export function slowdownBy(version: string | null): Slowdown | null {
  const [, branch, patch] = /^(\d+\.\d+)(?:\.(\d+))?(?=[-.+]|$)/.exec(version ?? "") ?? [];
  if (version === null || branch === undefined || !isOlder(branch, MENDED_BRANCH)) return null;
  const mended = MENDED_PATCH[branch];
  const isMended = mended !== undefined && patch !== undefined && Number(patch) >= mended;
  if (isMended) return null;
  return { version, mendedIn: mended === undefined ? `${MENDED_BRANCH}.0` : `${branch}.${mended}` };
}

/** By the lists of changes of these releases. Of the other branches none is known to have it. */
const MENDED_PATCH: Readonly<Record<string, number>> = { "2.6": 22, "2.8": 15, "3.0": 9 };

/** From its first release on. */
const MENDED_BRANCH = "3.2";

function isOlder(branch: string, other: string): boolean {
  const [major, minor] = branch.split(".").map(Number);
  const [otherMajor, otherMinor] = other.split(".").map(Number);
  return major! < otherMajor! || (major === otherMajor && minor! < otherMinor!);
}
