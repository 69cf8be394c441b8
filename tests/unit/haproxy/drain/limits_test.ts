/** Which old processes a limit ends, and how much memory one more process takes. */
import assert from "node:assert/strict";
import { limitCount, limitMemory, memoryNeed } from "../../../../lib/haproxy/drain/limits.ts";

Deno.test("the oldest beyond the limit on count are ended", () => {
  const old = { draining: [2, 3, 4], ending: [1] };
  assert.deepEqual(limitCount(old, 3), { old, ended: [] });
  const none = { draining: [], ending: [1, 2, 3, 4] };
  assert.deepEqual(limitCount(old, 0), { old: none, ended: [2, 3, 4] });
  assert.deepEqual(limitCount(old, 2).ended, [2]);
});

Deno.test("the oldest is ended to free memory, unless one is already being ended", () => {
  const one = { draining: [3], ending: [2] };
  assert.deepEqual(limitMemory({ draining: [2, 3], ending: [] }), { old: one, ended: [2] });
  assert.deepEqual(limitMemory(one), { old: one, ended: [] });
  assert.equal(limitMemory({ draining: [], ending: [] }), null);
});

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

Deno.test("the need is the serving process's own memory plus a tenth and 4 MB", () => {
  assert.equal(memoryNeed(STATUS), Math.ceil((85_928 + 260) * 1_024 * 1.1) + 4 * MB);
});

Deno.test("swapped and shared memory count as well", () => {
  const status = STATUS.replace("RssShmem:	       0", "RssShmem:	    1024")
    .replace("VmSwap:	       0", "VmSwap:	    1024");
  const more = memoryNeed(status)! - memoryNeed(STATUS)!;
  assert.ok(Math.abs(more - 2 * MB * 1.1) < 2, `${more}`);
});

Deno.test("a kernel that does not report swap and page tables reports enough", () => {
  assert.equal(memoryNeed("RssAnon:	    1024 kB\n"), Math.ceil(MB * 1.1) + 4 * MB);
});

for (const text of ["", "Name:	haproxy\n", "RssAnon:	many kB\n"]) {
  Deno.test(`${JSON.stringify(text)} does not show the need`, () => {
    assert.equal(memoryNeed(text), null);
  });
}
