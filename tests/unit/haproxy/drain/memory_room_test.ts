/** Whether one more HAProxy fits. */
import assert from "node:assert/strict";
import { memoryNeed } from "../../../../lib/haproxy/drain/limits.ts";
import { MemoryRoom } from "../../../../lib/haproxy/drain/memory_room.ts";

const MB = 2 ** 20;

/** As HAProxy 2.6.12 has it with 5,000 backends. */
const STATUS = `Name:	haproxy
VmHWM:	   96936 kB
VmRSS:	   96936 kB
RssAnon:	   85928 kB
RssFile:	   11008 kB
RssShmem:	       0 kB
VmPTE:	     260 kB
VmSwap:	       0 kB
`;

Deno.test("the need is what the serving process has of its own, with a tenth and 4 MB more", () => {
  assert.equal(memoryNeed(STATUS), Math.ceil((85_928 + 260) * 1_024 * 1.1) + 4 * MB);
});

Deno.test("what is swapped out or shared counts as well", () => {
  const status = STATUS.replace("RssShmem:	       0", "RssShmem:	    1024")
    .replace("VmSwap:	       0", "VmSwap:	    1024");
  const more = memoryNeed(status)! - memoryNeed(STATUS)!;
  assert.ok(Math.abs(more - 2 * MB * 1.1) < 2, `${more}`);
});

Deno.test("a kernel that does not tell swap and page tables tells enough", () => {
  assert.equal(memoryNeed("RssAnon:	    1024 kB\n"), Math.ceil(MB * 1.1) + 4 * MB);
});

for (const text of ["", "Name:	haproxy\n", "RssAnon:	many kB\n"]) {
  Deno.test(`${JSON.stringify(text)} says nothing of the need`, () => {
    assert.equal(memoryNeed(text), null);
  });
}

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
