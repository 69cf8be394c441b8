/** What the kernel's files say about memory: in containers, on hosts, with both versions of control groups. */
import assert from "node:assert/strict";
import { findMemoryLimit, type MemoryLimit } from "../../../lib/system/cgroup_memory.ts";

type Files = Readonly<Record<string, string>>;

const limitOf = (files: Files) => findMemoryLimit((path) => files[path] ?? null)();

const V2_MOUNT =
  "35 24 0:30 / /sys/fs/cgroup ro,nosuid,nodev,noexec,relatime master:9 - cgroup2 cgroup rw,nsdelegate";
const V1_MOUNT = "35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory";
const OTHERS = `22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
23 22 0:21 / /proc rw - proc proc rw
`;

function v2(group: string, files: Files, mount = V2_MOUNT): Files {
  return {
    "/proc/self/cgroup": `0::${group}\n`,
    "/proc/self/mountinfo": `${OTHERS}${mount}\n`,
    ...files,
  };
}

function v1(group: string, files: Files, mount = V1_MOUNT): Files {
  return {
    "/proc/self/cgroup": `5:cpu,cpuacct:/other\n4:hugetlb,memory:${group}\n0::/\n`,
    "/proc/self/mountinfo":
      `${OTHERS}34 31 0:31 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n${mount}\n` +
      "41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n",
    ...files,
  };
}

const level2 = (directory: string, max: string, current: number, inactive?: number): Files => ({
  [`${directory}/memory.max`]: `${max}\n`,
  [`${directory}/memory.current`]: `${current}\n`,
  ...inactive === undefined
    ? {}
    : { [`${directory}/memory.stat`]: `anon 5\ninactive_file ${inactive}\nactive_file 9\n` },
});

const level1 = (directory: string, limit: string, usage: number, inactive = 0): Files => ({
  [`${directory}/memory.limit_in_bytes`]: `${limit}\n`,
  [`${directory}/memory.usage_in_bytes`]: `${usage}\n`,
  [`${directory}/memory.stat`]: `inactive_file 7\ntotal_inactive_file ${inactive}\n`,
});

const NONE_1 = "9223372036854771712";

const CASES: Readonly<Record<string, readonly [files: Files, limit: MemoryLimit | null]>> = {
  "version 2, in a container's own namespace": [
    v2("/", level2("/sys/fs/cgroup", "1000", 700, 50)),
    { limit: 1_000, available: 350 },
  ],
  "version 2, no limit": [v2("/", level2("/sys/fs/cgroup", "max", 700, 50)), null],
  "version 2, the root of a host, which has no such files": [v2("/", {}), null],
  "version 2, without statistics": [
    v2("/", level2("/sys/fs/cgroup", "1000", 700)),
    { limit: 1_000, available: 300 },
  ],
  "version 2, usage above a lowered limit": [
    v2("/", level2("/sys/fs/cgroup", "1000", 1_700, 50)),
    { limit: 1_000, available: 0 },
  ],
  "version 2, nested: the parent is tighter": [
    v2("/pod/app", {
      ...level2("/sys/fs/cgroup/pod", "1500", 1_400, 0),
      ...level2("/sys/fs/cgroup/pod/app", "1000", 700, 0),
    }),
    { limit: 1_500, available: 100 },
  ],
  "version 2, nested: our own is tighter": [
    v2("/pod/app", {
      ...level2("/sys/fs/cgroup/pod", "2500", 1_400, 0),
      ...level2("/sys/fs/cgroup/pod/app", "1000", 700, 0),
    }),
    { limit: 1_000, available: 300 },
  ],
  "version 2, nested: only the parent has a limit": [
    v2("/pod/app", {
      ...level2("/sys/fs/cgroup/pod", "2500", 1_400, 0),
      ...level2("/sys/fs/cgroup/pod/app", "max", 700, 0),
    }),
    { limit: 2_500, available: 1_100 },
  ],
  "version 2, a part of the hierarchy is mounted": [
    v2(
      "/pod/app/x",
      level2("/sys/fs/cgroup/x", "1000", 600, 0),
      V2_MOUNT.replace(" / ", " /pod/app "),
    ),
    { limit: 1_000, available: 400 },
  ],
  "version 2, our own group is outside the mount": [
    v2("/../other", level2("/sys/fs/cgroup", "1000", 600, 0)),
    { limit: 1_000, available: 400 },
  ],
  "version 2, mounted at a path with a space": [
    v2("/", level2("/sys/fs/c group", "1000", 600, 0), V2_MOUNT.replace("/cgroup", "/c\\040group")),
    { limit: 1_000, available: 400 },
  ],
  "version 1, in a container that sees the host's names": [
    v1(
      "/docker/abc",
      level1("/sys/fs/cgroup/memory", "1000", 700, 100),
      V1_MOUNT.replace(" / ", " /docker/abc "),
    ),
    { limit: 1_000, available: 400 },
  ],
  "version 1, no limit": [v1("/", level1("/sys/fs/cgroup/memory", NONE_1, 700)), null],
  "version 1, nested: the parent is tighter": [
    v1("/pod/a:b", {
      ...level1("/sys/fs/cgroup/memory", NONE_1, 5_000),
      ...level1("/sys/fs/cgroup/memory/pod", "1500", 1_400),
      ...level1("/sys/fs/cgroup/memory/pod/a:b", "1000", 700),
    }),
    { limit: 1_500, available: 100 },
  ],
  "version 1, a group that is not visible": [
    v1("/process_api/x", level1("/sys/fs/cgroup/memory", "800", 700)),
    { limit: 800, available: 100 },
  ],
  "no file can be read": [{}, null],
  "no mount is known": [{ "/proc/self/cgroup": "0::/\n" }, null],
  "no group is known": [{ "/proc/self/mountinfo": `${OTHERS}${V2_MOUNT}\n` }, null],
  "files with other contents": [
    {
      "/proc/self/cgroup": "nonsense\n:::\n0::/\n",
      "/proc/self/mountinfo": `nonsense\n - \n${V2_MOUNT}\n`,
      "/sys/fs/cgroup/memory.max": "12x\n",
    },
    null,
  ],
  "a limit without the usage": [v2("/", { "/sys/fs/cgroup/memory.max": "1000\n" }), null],
};

for (const [name, [files, limit]] of Object.entries(CASES)) {
  Deno.test(`the limit of memory: ${name}`, () => assert.deepEqual(limitOf(files), limit));
}

Deno.test("a limit set or lifted later is seen", () => {
  const files: Record<string, string> = { ...v2("/", level2("/sys/fs/cgroup", "max", 700, 0)) };
  const limit = findMemoryLimit((path) => files[path] ?? null);
  assert.equal(limit(), null);
  files["/sys/fs/cgroup/memory.max"] = "1000\n";
  assert.deepEqual(limit(), { limit: 1_000, available: 300 });
  files["/sys/fs/cgroup/memory.max"] = "max\n";
  assert.equal(limit(), null);
});

Deno.test("without a limit only the limits are read", () => {
  const read: string[] = [];
  const files = v2("/a", {
    ...level2("/sys/fs/cgroup", "max", 1),
    ...level2("/sys/fs/cgroup/a", "max", 1),
  });
  const limit = findMemoryLimit((path) => {
    read.push(path);
    return files[path] ?? null;
  });
  read.length = 0;
  limit();
  assert.deepEqual(read, ["/sys/fs/cgroup/a/memory.max", "/sys/fs/cgroup/memory.max"]);
});
