/** The log as an operator reads it. */
import assert from "node:assert/strict";
import type { ProcessEnd } from "../../../../lib/haproxy/drain/fleet.ts";
import * as drain from "../../../../lib/supervisor/messages/drain_messages.ts";
import * as messages from "../../../../lib/supervisor/messages/reload_messages.ts";
import * as respawn from "../../../../lib/supervisor/messages/respawn_messages.ts";
import type { LogEntry } from "../../../../lib/system/log.ts";
import { restoredSet } from "../samples.ts";

function assertLog(entries: readonly LogEntry[], log: string): void {
  const lines = entries.map(({ level, text }) => `${level} ${text}`);
  assert.deepEqual(lines, log.trim().split("\n").map((line) => line.trim()));
}

const LAST_GOOD = { directory: "/run/recorded", recordedMs: Date.UTC(2026, 10, 24, 12) } as const;
const SEGFAULT = { tag: "signaled", code: 139, signal: "SIGSEGV" } as const;
const SERVES = {
  generation: 4,
  durationMs: 41.6,
  cause: { tag: "change" },
  changed: ["/a"],
  draining: 1,
} as const;

Deno.test("a generation that serves is logged with its cause and what changed", () => {
  const { serves } = messages;
  const six = ["/a", "/b", "/c", "/d", "/e", "/f"];
  const unknown = { ...SERVES, changed: null };
  assertLog(
    [
      serves({ ...SERVES, generation: 1, cause: { tag: "start" } }),
      serves(SERVES),
      serves({ ...SERVES, cause: { tag: "order", order: "SIGHUP" }, changed: [], draining: 2 }),
      serves({ ...SERVES, cause: { tag: "retry" }, changed: six }),
      serves({ ...SERVES, cause: { tag: "changed_during_read" }, changed: [] }),
      serves({ ...unknown, cause: { tag: "last_good", set: restoredSet(LAST_GOOD) }, draining: 0 }),
      serves({ ...unknown, cause: { tag: "respawn", lost: 3, ending: SEGFAULT } }),
    ],
    `
    info generation 1 serves, ready after 42ms
    info generation 4 serves, ready after 42ms; reloaded after a change, changed: "/a"; 1 old process draining
    info generation 4 serves, ready after 42ms; reloaded by SIGHUP, nothing changed; 2 old processes draining
    info generation 4 serves, ready after 42ms; reloaded by a retry, changed: "/a", "/b", "/c", "/d", "/e" and 1 more; 1 old process draining
    info generation 4 serves, ready after 42ms; reloaded because files changed during the last reload, nothing changed; 1 old process draining
    info generation 4 serves, ready after 42ms; started from what served last; 0 old processes draining
    info generation 4 serves, ready after 42ms; respawned because generation 3 was killed by SIGSEGV; 1 old process draining
    `,
  );
  assert.deepEqual(serves(SERVES).fields, {
    generation: 4,
    reason: "reloaded after a change",
    durationMs: 42,
    changed: ["/a"],
    draining: 1,
  });
});

Deno.test("a start that fails is logged with the reason and what comes next", () => {
  const died = { tag: "died", ending: { tag: "exited", code: 1 } } as const;
  const fromLastGood = {
    number: 2,
    cause: { tag: "last_good", set: restoredSet(LAST_GOOD) },
  } as const;
  const timedOut = { failure: { tag: "timed_out", afterMs: 60_000 }, exitCode: 1 } as const;
  assertLog(
    [
      messages.notStarted({ number: 1, cause: { tag: "start" } }, {
        failure: { tag: "no_listener" },
        exitCode: 1,
      }),
      messages.fellBack(1, { failure: died, lastGood: LAST_GOOD }),
      messages.notStarted(fromLastGood, timedOut),
      messages.ended(1),
    ],
    `
    error generation 1 did not start: haproxy opened no listener: the configuration needs at least one "bind"; nothing serves, exiting with 1
    error generation 1 did not start: haproxy exited with 1 before it was ready; starting generation 2 from what served last (2026-11-24T12:00:00.000Z, recorded in "/run/recorded")
    error generation 2, started from what served last, did not start: haproxy did not serve within 1m; nothing serves, exiting with 1
    info all of this wrapper's HAProxy processes are gone, exiting with 1
    `,
  );
});

const DRAINED: ProcessEnd = {
  generation: 2,
  ending: { tag: "exited", code: 0 },
  drainEnd: "by_itself",
  endReason: null,
  drainMs: 600_000.4,
  connections: null,
};
const CRASHED = { ...DRAINED, ending: SEGFAULT };
const CUT: ProcessEnd = {
  ...DRAINED,
  ending: { tag: "signaled", code: 143, signal: "SIGTERM" },
  drainEnd: "terminated",
  endReason: "shutdown-wait",
  connections: 12,
};

Deno.test("a serving process that ends is logged with what takes its place", () => {
  const respawning = { generation: 3, isStarted: false, respawn: 1, limit: 5 };
  const failed = { generation: 4, failure: { tag: "died", ending: SEGFAULT }, limit: 5 } as const;
  const usedUp = { ...failed, haveAllFailed: true, exitCode: 137 };
  assertLog(
    [
      respawn.servingDied(CRASHED, 0),
      respawn.servingDied(CRASHED, 1),
      respawn.servingDied(CRASHED, 5),
      respawn.respawning(CRASHED, respawning),
      respawn.respawning(DRAINED, { ...respawning, isStarted: true }),
      respawn.respawnFailed({ ...failed, pauseMs: 2_000, respawn: 3 }),
      respawn.respawnFailed({ ...failed, pauseMs: 0, respawn: 1, limit: 1 }),
      respawn.respawnsUsedUp({ ...usedUp, limit: 1 }),
      respawn.respawnsUsedUp(usedUp),
      respawn.respawnsUsedUp({ ...usedUp, haveAllFailed: false }),
    ],
    `
    error generation 2 was killed by SIGSEGV while serving; ending all other processes, exiting with 139
    error generation 2 was killed by SIGSEGV while serving; 1 respawn in a minute is used up, ending all other processes, exiting with 139
    error generation 2 was killed by SIGSEGV while serving; 5 respawns in a minute are used up, ending all other processes, exiting with 139
    error generation 2 was killed by SIGSEGV while serving; starting generation 3 in its place (respawn 1 of 5 in a minute)
    error generation 2 exited with 0 while serving; generation 3, already starting, takes its place (respawn 1 of 5 in a minute)
    error generation 4 did not start: haproxy was killed by SIGSEGV before it was ready; nothing serves, starting generation 5 in 2s (respawn 3 of 5 in a minute)
    error generation 4 did not start: haproxy was killed by SIGSEGV before it was ready; nothing serves, starting generation 5 at once (respawn 1 of 1 in a minute)
    error generation 4 did not start: haproxy was killed by SIGSEGV before it was ready; nothing serves, the only respawn failed, exiting with 137
    error generation 4 did not start: haproxy was killed by SIGSEGV before it was ready; nothing serves, all 5 respawns failed, exiting with 137
    error generation 4 did not start: haproxy was killed by SIGSEGV before it was ready; nothing serves, 5 respawns in a minute are used up, exiting with 137
    `,
  );
  const { fields } = respawn.servingDied(CRASHED, 0);
  assert.deepEqual(fields, { generation: 2, reason: "was killed by SIGSEGV", exitCode: 139 });
});

Deno.test("a process that drained or was ended is logged with the connections left open", () => {
  const { drained } = drain;
  assertLog(
    [
      drained(DRAINED),
      drained({ ...DRAINED, connections: 0 }),
      // Done at the very moment of its limit.
      drained({ ...CUT, ending: DRAINED.ending, connections: 0 }),
      drained({ ...DRAINED, connections: 3 }),
      drained(CRASHED),
      drained({ ...CRASHED, connections: 1 }),
      drained(CUT),
      drained({ ...CUT, drainEnd: "killed", connections: null }),
      drained({ ...CUT, endReason: "max-draining" }),
      drained({ ...CUT, endReason: "memory" }),
      drained({ ...CUT, endReason: "SIGINT" }),
    ],
    `
    info generation 2 drained in 10m
    info generation 2 drained in 10m
    info generation 2 drained in 10m
    warning generation 2 ended with 3 connections open after 10m: HAProxy's hard-stop-after had expired
    warning generation 2 was ended after 10m, before it had drained: it was killed by SIGSEGV
    warning generation 2 ended with 1 connection open after 10m: it was killed by SIGSEGV
    warning generation 2 ended with 12 connections open after 10m: its --shutdown-wait had expired
    warning generation 2 was ended after 10m, before it had drained: its --shutdown-wait had expired, and it ignored SIGTERM
    warning generation 2 ended with 12 connections open after 10m: more processes drained than --max-draining allows
    warning generation 2 ended with 12 connections open after 10m: its memory was needed
    warning generation 2 ended with 12 connections open after 10m: SIGINT received
    `,
  );
  const common = { generation: 2, durationMs: 600_000 };
  assert.deepEqual(drained(DRAINED).fields, { ...common, reason: "exited with 0" });
  assert.deepEqual(drained(CUT).fields, { ...common, reason: "shutdown-wait", connections: 12 });
});

Deno.test("a drain limit is logged with its figures", () => {
  const shortage = { needed: 210.4 * 2 ** 20, available: 90 * 2 ** 20, limit: 512 * 2 ** 20 };
  assertLog(
    [
      drain.tooManyDrain(3, 10),
      drain.endedForMemory(3, { generation: 7, shortage }),
      drain.startsAnyway(7, shortage),
      drain.slowsServing({ version: "2.6.12-1+deb12u4", fixedIn: "2.6.22" }),
    ],
    `
    warning ending generation 3, the oldest of more than 10 draining processes (--max-draining)
    warning ending generation 3, the oldest draining process: generation 7 needs about 210 MB, but only 90 MB of the limit of 512 MB are left
    warning generation 7 needs about 210 MB, but only 90 MB of the limit of 512 MB are left; no draining process can make room, so it starts anyway
    warning while it drains, HAProxy 2.6.12-1+deb12u4 slows the serving process at each new connection, unless your distribution has patched it: upgrade to 2.6.22 or newer, and until then limit drains by --shutdown-wait or hard-stop-after
    `,
  );
});

Deno.test("a signal is named in the text and in the fields", () => {
  for (
    const [{ text, fields }, signal] of [
      [messages.stopping("SIGINT"), "SIGINT"],
      [messages.killing("SIGTERM"), "SIGTERM"],
      [messages.draining("SIGUSR1"), "SIGUSR1"],
    ] as const
  ) {
    assert.ok(text.startsWith(`${signal} received`), text);
    assert.equal(fields.signal, signal);
  }
});
