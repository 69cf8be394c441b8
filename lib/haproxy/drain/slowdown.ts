/** Which versions of HAProxy slow the serving process while they drain. Pure. */

export interface Slowdown {
  readonly version: string;
  readonly fixedIn: string;
}

/**
 * Until it ends, a process that has passed its listening sockets on wakes up for each new connection to them, and
 * spends as much time on it as the serving process. HAProxy fixed that in 2025 ("mark FD transferred to another
 * process as FD_CLONED"). `null` if `version` is not affected or cannot be read.
 */
export function slowdownBy(version: string | null): Slowdown | null {
  const [, branch, patch] = /^(\d+\.\d+)(?:\.(\d+))?(?=[-.+]|$)/.exec(version ?? "") ?? [];
  if (version === null || branch === undefined || !isOlder(branch, FIXED_BRANCH)) return null;
  const fixed = FIXED_PATCH[branch];
  const isFixed = fixed !== undefined && patch !== undefined && Number(patch) >= fixed;
  if (isFixed) return null;
  return { version, fixedIn: fixed === undefined ? `${FIXED_BRANCH}.0` : `${branch}.${fixed}` };
}

/** From the changelogs of these releases. No other branch is known to have the fix. */
const FIXED_PATCH: Readonly<Record<string, number>> = { "2.6": 22, "2.8": 15, "3.0": 9 };

/** From its first release on. */
const FIXED_BRANCH = "3.2";

function isOlder(branch: string, other: string): boolean {
  const [major, minor] = branch.split(".").map(Number);
  const [otherMajor, otherMinor] = other.split(".").map(Number);
  return major! < otherMajor! || (major === otherMajor && minor! < otherMinor!);
}
