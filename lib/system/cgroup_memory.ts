/** How much memory the control groups (version 1 or 2) leave to this process and its children. Pure. */

/** Reads one of the kernel's files; `null` if it is missing. */
export type ReadFile = (path: string) => string | null;

/** The tightest limit, in bytes. */
export interface MemoryLimit {
  readonly limit: number;
  /** What is left of it, including what the kernel can reclaim at once. */
  readonly available: number;
}

/**
 * Finds the control group of this process and its visible ancestors. Returns a function that reads the limit of the
 * one that leaves the least; `null` if there is no limit.
 */
export function findMemoryLimit(read: ReadFile): () => MemoryLimit | null {
  const groups = read("/proc/self/cgroup") ?? "";
  // If both versions are mounted, version 1 has the controller.
  const old = /^\d+:(?:[^:\n]*,)?memory(?:,[^:\n]*)?:(.*)$/m.exec(groups)?.[1];
  const path = old ?? /^0::(.*)$/m.exec(groups)?.[1];
  const [version, pattern] = old === undefined ? [VERSION_2, MOUNT_2] : [VERSION_1, MOUNT_1];
  const [, root, point] = pattern.exec(read("/proc/self/mountinfo") ?? "") ?? [];
  if (path === undefined || root === undefined || point === undefined) return () => null;
  const directories = directoriesOf(path, { root: unescaped(root), point: unescaped(point) });
  return () =>
    directories.map((directory) => limitOf(directory, version, read))
      .reduce((least, limit) =>
        !least || (limit && limit.available < least.available) ? limit : least
      );
}

interface Version {
  readonly limit: string;
  readonly usage: string;
  /** Counts a group and its descendants. */
  readonly reclaimable: RegExp;
}

const VERSION_1: Version = {
  limit: "memory.limit_in_bytes",
  usage: "memory.usage_in_bytes",
  reclaimable: /^total_inactive_file (\d+)$/m,
};

const VERSION_2: Version = {
  limit: "memory.max",
  usage: "memory.current",
  reclaimable: /^inactive_file (\d+)$/m,
};

/** A line of `/proc/self/mountinfo`: which directory of the hierarchy is mounted, and where. */
const MOUNT_1 = /^\S+ \S+ \S+ (\S+) (\S+) .*- cgroup \S+ (?:\S*,)?memory(?:,\S*)?$/m;
const MOUNT_2 = /^\S+ \S+ \S+ (\S+) (\S+) .*- cgroup2 /m;

function limitOf(directory: string, version: Version, read: ReadFile): MemoryLimit | null {
  const limit = bytesOf(read(`${directory}/${version.limit}`));
  if (limit === null || limit >= NO_LIMIT) return null;
  const usage = bytesOf(read(`${directory}/${version.usage}`));
  if (usage === null) return null;
  const [, reclaimable] = version.reclaimable.exec(read(`${directory}/memory.stat`) ?? "") ?? [];
  return { limit, available: Math.max(0, limit - usage + Number(reclaimable ?? 0)) };
}

/** Version 1 shows a number close to 2^63 if there is no limit. */
const NO_LIMIT = 2 ** 60;

/** `null` for `max`, which is not a number. */
const bytesOf = (text: string | null) =>
  text !== null && /^\d+\s*$/.test(text) ? Number(text) : null;

/** Spaces and the like are written as `\040`. */
const unescaped = (path: string) =>
  path.replace(/\\([0-7]{3})/g, (_, octal) => String.fromCharCode(parseInt(octal, 8)));

/** From our own group up to the mounted one; in a container both may be shown as `/`. */
function directoriesOf(
  path: string,
  { root, point }: { readonly root: string; readonly point: string },
): readonly string[] {
  const isBelow = root === "/" || path === root || path.startsWith(`${root}/`);
  const inside = isBelow ? path.slice(root === "/" ? 0 : root.length) : "";
  const names = inside.split("/").filter((name) => name !== "");
  if (names.includes("..")) return [point];
  return names.map((_, index) => `${point}/${names.slice(0, names.length - index).join("/")}`)
    .concat(point);
}
