import assert from "node:assert/strict";
import type { ProcessEnd } from "../../../../lib/haproxy/drain/fleet.ts";
import type { LogEntry } from "../../../../lib/system/log.ts";
import * as messages from "../../../../lib/supervisor/messages/drain_messages.ts";

const DRAINED: ProcessEnd = {
  generation: 2,
  ending: { tag: "exited", code: 0 },
  ...{ drainEnd: "by_itself", endReason: null, drainMs: 600_000.4, connections: null },
};

const CRASHED: ProcessEnd = {
  ...DRAINED,
  ending: { tag: "signaled", code: 139, signal: "SIGSEGV" },
};

const CUT: ProcessEnd = {
  ...DRAINED,
  ending: { tag: "signaled", code: 143, signal: "SIGTERM" },
  ...{ drainEnd: "terminated", endReason: "shutdown-wait", connections: 12 },
};

const SHORTAGE = { needed: 210.4 * 2 ** 20, available: 90 * 2 ** 20, limit: 512 * 2 ** 20 };

const TEXTS: readonly (readonly [entry: LogEntry, level: LogEntry["level"], text: string])[] = [
  [messages.drained(DRAINED), "info", "generation 2 drained in 10m"],
  [messages.drained({ ...DRAINED, connections: 0 }), "info", "generation 2 drained in 10m"],
  // Done at the very moment of its limit.
  [
    messages.drained({ ...CUT, ending: DRAINED.ending, connections: 0 }),
    "info",
    "generation 2 drained in 10m",
  ],
  [
    messages.drained({ ...DRAINED, connections: 3 }),
    "warning",
    "generation 2 ended with 3 connections open after 10m: HAProxy's hard-stop-after was over",
  ],
  [
    messages.drained(CRASHED),
    "warning",
    "generation 2 was ended after 10m, before it had drained: it was ended by SIGSEGV",
  ],
  [
    messages.drained({ ...CRASHED, connections: 1 }),
    "warning",
    "generation 2 ended with 1 connection open after 10m: it was ended by SIGSEGV",
  ],
  [
    messages.drained(CUT),
    "warning",
    "generation 2 ended with 12 connections open after 10m: its --shutdown-wait was over",
  ],
  [
    messages.drained({ ...CUT, drainEnd: "killed", connections: null }),
    "warning",
    "generation 2 was ended after 10m, before it had drained: its --shutdown-wait was over, " +
    "and it ignored SIGTERM",
  ],
  [
    messages.drained({ ...CUT, endReason: "max-draining" }),
    "warning",
    "generation 2 ended with 12 connections open after 10m: more processes drained than --max-draining allows",
  ],
  [
    messages.drained({ ...CUT, endReason: "memory" }),
    "warning",
    "generation 2 ended with 12 connections open after 10m: its memory was needed",
  ],
  [
    messages.drained({ ...CUT, endReason: "SIGINT" }),
    "warning",
    "generation 2 ended with 12 connections open after 10m: SIGINT received",
  ],
  [
    messages.endedForMemory(3, { generation: 7, shortage: SHORTAGE }),
    "warning",
    "ending generation 3, the oldest that drains: generation 7 needs about 210 MB, " +
    "only 90 MB of the limit of 512 MB are left",
  ],
  [
    messages.startsAnyway(7, SHORTAGE),
    "warning",
    "generation 7 needs about 210 MB, only 90 MB of the limit of 512 MB are left; " +
    "no draining process can make room, so it starts anyway",
  ],
  [
    messages.slowsServing({ version: "2.6.12-1+deb12u4", mendedIn: "2.6.22" }),
    "warning",
    "while it drains, HAProxy 2.6.12-1+deb12u4 slows the serving process at each new connection, " +
    "unless your distribution has patched it; fixed in 2.6.22: until you upgrade, limit the drain " +
    "by --shutdown-wait or hard-stop-after",
  ],
];

for (const [entry, level, text] of TEXTS) {
  Deno.test(`of drains is said "${text}"`, () => {
    assert.equal(entry.text, text);
    assert.equal(entry.level, level);
  });
}

Deno.test("the fields tell why it ended and what was left, where that is known", () => {
  assert.deepEqual(messages.drained(DRAINED).fields, {
    generation: 2,
    reason: "exited with 0",
    durationMs: 600_000,
  });
  assert.deepEqual(messages.drained(CUT).fields, {
    generation: 2,
    reason: "shutdown-wait",
    durationMs: 600_000,
    connections: 12,
  });
  assert.deepEqual(messages.endedForMemory(3, { generation: 7, shortage: SHORTAGE }).fields, {
    generation: 3,
    reason: "memory",
  });
});
