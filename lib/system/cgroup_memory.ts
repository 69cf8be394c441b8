/** How much memory the control groups leave to this process and its children: version 1 and version 2. Pure. */

/** Reads a file of the kernel's; `null` if it is not there. */
export type ReadFile = (path: string) => string | null;

/** The tightest of the limits that hold, in bytes. */
export interface MemoryLimit {
  readonly limit: number;
  /** What is left of it, with what the kernel can take back at once. */
  readonly available: number;
}

/**
 * Finds the control group of this process and those above it, as far as they can be seen, and gives
 * the function that asks for the limit that leaves the least. That says `null` where none holds.
 */
export function findMemoryLimit(read: ReadFile): () => MemoryLimit | null {
  const place = findPlace(read);
  if (place === null) return () => null;
  return () =>
    place.directories.reduce<MemoryLimit | null>((tightest, directory) => {
      const limit = limitOf(directory, { ...place, read });
      const isTighter = tightest === null ||
        (limit !== null && limit.available < tightest.available);
      return isTighter ? limit : tightest;
    }, null);
}

interface Version {
  readonly limit: string;
  readonly usage: string;
  /** Of the group with all below it. */
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

interface Place {
  readonly version: Version;
  /** The own one first. */
  readonly directories: readonly string[];
}

function findPlace(read: ReadFile): Place | null {
  const groups = read("/proc/self/cgroup")?.split("\n").map(parseGroup) ?? [];
  const mounts = read("/proc/self/mountinfo")?.split("\n").map(parseMount) ?? [];
  // Where both versions are mounted, the first has the controller.
  const old = groups.find((group) => group?.controllers.includes("memory"));
  const group = old ?? groups.find((group) => group?.hierarchy === "0");
  const mount = mounts.find((mount) =>
    old ? mount?.options.includes("memory") && mount.type === "cgroup" : mount?.type === "cgroup2"
  );
  if (!group || !mount) return null;
  return { version: old ? VERSION_1 : VERSION_2, directories: directoriesOf(group.path, mount) };
}

function limitOf(
  directory: string,
  { version, read }: Place & { readonly read: ReadFile },
): MemoryLimit | null {
  const limit = bytesOf(read(`${directory}/${version.limit}`));
  if (limit === null || limit >= NO_LIMIT) return null;
  const usage = bytesOf(read(`${directory}/${version.usage}`));
  if (usage === null) return null;
  const [, reclaimable] = version.reclaimable.exec(read(`${directory}/memory.stat`) ?? "") ?? [];
  return { limit, available: Math.max(0, limit - usage + Number(reclaimable ?? 0)) };
}

/** Version 1 says a number close to 2^63 where there is no limit. */
const NO_LIMIT = 2 ** 60;

/** `max` is no number. */
function bytesOf(text: string | null): number | null {
  return text !== null && /^\d+\s*$/.test(text) ? Number(text) : null;
}

interface Group {
  readonly hierarchy: string;
  readonly controllers: readonly string[];
  readonly path: string;
}

/** A line of `/proc/self/cgroup`; the path may hold colons. */
function parseGroup(line: string): Group | null {
  const [, hierarchy, controllers, path] = /^(\d+):([^:]*):(.*)$/.exec(line) ?? [];
  if (hierarchy === undefined) return null;
  return { hierarchy, controllers: controllers!.split(","), path: path! };
}

interface Mount {
  /** Which directory of the hierarchy is mounted. */
  readonly root: string;
  readonly point: string;
  readonly type: string;
  readonly options: readonly string[];
}

/** A line of `/proc/self/mountinfo`. */
function parseMount(line: string): Mount | null {
  const [front, back] = line.split(" - ");
  const [, , , root, point] = front!.split(" ");
  const [type, , options] = back?.split(" ") ?? [];
  if (point === undefined || type === undefined) return null;
  return {
    ...{ root: unescaped(root!), point: unescaped(point), type },
    options: options?.split(",") ?? [],
  };
}

/** Blanks and such are written as `\040`. */
const unescaped = (path: string) =>
  path.replace(/\\([0-7]{3})/g, (_, octal) => String.fromCharCode(parseInt(octal, 8)));

/** From the own one up to what is mounted; all that is seen in a container may be its own, as `/`. */
function directoriesOf(path: string, { root, point }: Mount): readonly string[] {
  const isBelow = root === "/" || path === root || path.startsWith(`${root}/`);
  const inside = isBelow ? path.slice(root === "/" ? 0 : root.length) : "";
  const names = inside.split("/").filter((name) => name !== "");
  if (names.includes("..")) return [point];
  return names.map((_, index) => `${point}/${names.slice(0, names.length - index).join("/")}`)
    .concat(point);
}
