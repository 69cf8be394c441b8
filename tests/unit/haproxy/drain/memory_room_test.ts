/** Whether one more HAProxy fits. */
import assert from "node:assert/strict";
import { memoryNeed } from "../../../../lib/haproxy/drain/limits.ts";
import { MemoryRoom } from "../../../../lib/haproxy/drain/memory_room.ts";

const MB = 2 ** 20;

const STATUS = "RssAnon:\t1024 kB\n";

/** A machine where `limit` holds and `used` is used. */
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

Deno.test("what does not fit by a byte is told with its figures, what just fits is not", () => {
  const room = roomWith(`${200 * MB}`, 200 * MB - NEED + 1);
  assert.deepEqual(room.shortage(7), { needed: NEED, available: NEED - 1, limit: 200 * MB });
  assert.equal(roomWith(`${200 * MB}`, 200 * MB - NEED).shortage(7), null);
});

Deno.test("without a limit, and of a process that is gone, nothing is short", () => {
  assert.equal(roomWith("max", 10_000 * MB).shortage(7), null);
  assert.equal(roomWith("max", 1).limit, null);
  assert.equal(roomWith("1000", 1_000).shortage(8), null);
});
