/** Whether one more HAProxy process fits into memory. */
import assert from "node:assert/strict";
import { memoryNeed } from "../../../../lib/haproxy/drain/limits.ts";
import { MemoryRoom } from "../../../../lib/haproxy/drain/memory_room.ts";

const MB = 2 ** 20;

const STATUS = "RssAnon:\t1024 kB\n";

/** A machine with `limit` bytes allowed and `used` in use. */
function roomWith(limit: string, used: number): MemoryRoom {
  const files: Readonly<Record<string, string>> = {
    "/proc/self/cgroup": "0::/\n",
    "/proc/self/mountinfo": "35 24 0:30 / /sys/fs/cgroup rw - cgroup2 cgroup rw\n",
    "/sys/fs/cgroup/memory.max": limit,
    "/sys/fs/cgroup/memory.current": `${used}`,
    "/proc/7/status": STATUS,
  };
  return new MemoryRoom((path) => files[path] ?? null);
}

const NEED = memoryNeed(STATUS)!;

Deno.test("a shortage of one byte is reported with its figures, and an exact fit is none", () => {
  const room = roomWith(`${200 * MB}`, 200 * MB - NEED + 1);
  assert.deepEqual(room.shortage(7), { needed: NEED, available: NEED - 1, limit: 200 * MB });
  assert.equal(roomWith(`${200 * MB}`, 200 * MB - NEED).shortage(7), null);
});

Deno.test("there is no shortage without a limit, or for a process that is gone", () => {
  assert.equal(roomWith("max", 10_000 * MB).shortage(7), null);
  assert.equal(roomWith("max", 1).limit, null);
  assert.equal(roomWith("1000", 1_000).shortage(8), null);
});
