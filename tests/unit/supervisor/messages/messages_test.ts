import assert from "node:assert/strict";
import type { LogEntry } from "../../../../lib/system/log.ts";
import * as messages from "../../../../lib/supervisor/messages/messages.ts";
import * as respawnMessages from "../../../../lib/supervisor/messages/respawn_messages.ts";

const SERVES = {
  generation: 4,
  durationMs: 41.6,
  cause: { tag: "change" },
  changed: ["/a"],
  draining: 1,
} as const;

const ENDED = {
  generation: 2,
  ending: { tag: "exited", code: 0 },
  drainEnd: "by_itself",
  endReason: null,
  drainMs: 90_000.4,
  connections: null,
} as const;

const LAST_GOOD = { directory: "/run/kept", keptMs: Date.UTC(2026, 10, 24, 12) } as const;

const CRASHED = { tag: "signaled", code: 139, signal: "SIGSEGV" } as const;
const RESPAWN = { generation: 3, isStarted: false, respawn: 1, limit: 5 };
const FAILED_RESPAWN = {
  generation: 4,
  failure: { tag: "died", ending: CRASHED },
  limit: 5,
} as const;
const USED_UP = { haveAllFailed: true, exitCode: 137 };
const SIX_PATHS = ["/a", "/b", "/c", "/d", "/e", "/f"];

const TEXTS: readonly (readonly [entry: LogEntry, level: LogEntry["level"], text: string])[] = [
  [
    messages.serves({ ...SERVES, generation: 1, cause: { tag: "start" } }),
    "info",
    "generation 1 serves, ready after 42ms",
  ],
  [
    messages.serves(SERVES),
    "info",
    'generation 4 serves, ready after 42ms; reloaded for a change, changed: "/a"; ' +
    "1 old process draining",
  ],
  [
    messages.serves({
      ...SERVES,
      cause: { tag: "order", order: "SIGHUP" },
      changed: [],
      draining: 2,
    }),
    "info",
    "generation 4 serves, ready after 42ms; reloaded by SIGHUP, nothing changed; " +
    "2 old processes draining",
  ],
  [
    messages.serves({ ...SERVES, cause: { tag: "retry" }, changed: SIX_PATHS }),
    "info",
    "generation 4 serves, ready after 42ms; reloaded by a retry, " +
    'changed: "/a", "/b", "/c", "/d", "/e" and 1 more; 1 old process draining',
  ],
  [
    messages.serves({ ...SERVES, cause: { tag: "changed_during_read" }, changed: [] }),
    "info",
    "generation 4 serves, ready after 42ms; reloaded since the sources changed during the last " +
    "reload, nothing changed; 1 old process draining",
  ],
  [
    messages.notStarted({ number: 1, cause: { tag: "start" } }, {
      failure: { tag: "no_listener" },
      exitCode: 1,
    }),
    "error",
    "generation 1 did not start: haproxy opened no listener, the configuration wants at least " +
    'one "bind"; nothing serves, ending with 1',
  ],
  [
    messages.notStarted({ number: 2, cause: { tag: "last_good", lastGood: LAST_GOOD } }, {
      failure: { tag: "timed_out", afterMs: 60_000 },
      exitCode: 1,
    }),
    "error",
    "generation 2, started from what served last, did not start: haproxy did not serve within 1m; " +
    "nothing serves, ending with 1",
  ],
  [
    messages.fellBack(1, {
      failure: { tag: "died", ending: { tag: "exited", code: 1 } },
      lastGood: LAST_GOOD,
    }),
    "error",
    "generation 1 did not start: haproxy exited with 1 before it was ready; generation 2 is started " +
    'from what served last (2026-11-24T12:00:00.000Z, kept in "/run/kept")',
  ],
  [
    messages.serves({
      ...SERVES,
      cause: { tag: "last_good", lastGood: LAST_GOOD },
      changed: null,
      draining: 0,
    }),
    "info",
    "generation 4 serves, ready after 42ms; started from what served last; 0 old processes draining",
  ],
  [
    respawnMessages.servingDied({ ...ENDED, ending: CRASHED }, 0),
    "error",
    "generation 2 was ended by SIGSEGV although it was to serve; the others are ended too, " +
    "ending with 139",
  ],
  [
    respawnMessages.servingDied({ ...ENDED, ending: CRASHED }, 5),
    "error",
    "generation 2 was ended by SIGSEGV although it was to serve; 5 respawns in a minute are used " +
    "up, the others are ended too, ending with 139",
  ],
  [
    respawnMessages.respawning({ ...ENDED, ending: CRASHED }, RESPAWN),
    "error",
    "generation 2 was ended by SIGSEGV although it was to serve; generation 3 is started in its " +
    "place (respawn 1 of 5 in a minute)",
  ],
  [
    respawnMessages.respawning(ENDED, { ...RESPAWN, isStarted: true }),
    "error",
    "generation 2 exited with 0 although it was to serve; generation 3, which is starting already, " +
    "takes its place (respawn 1 of 5 in a minute)",
  ],
  [
    respawnMessages.respawnFailed({ ...FAILED_RESPAWN, pauseMs: 2_000, respawn: 3 }),
    "error",
    "generation 4 did not start: haproxy was ended by SIGSEGV before it was ready; nothing serves, " +
    "generation 5 is started in 2s (respawn 3 of 5 in a minute)",
  ],
  [
    respawnMessages.respawnFailed({ ...FAILED_RESPAWN, pauseMs: 0, respawn: 1, limit: 1 }),
    "error",
    "generation 4 did not start: haproxy was ended by SIGSEGV before it was ready; nothing serves, " +
    "generation 5 is started at once (respawn 1 of 1 in a minute)",
  ],
  [
    respawnMessages.respawnsUsedUp({ ...FAILED_RESPAWN, ...USED_UP, limit: 1 }),
    "error",
    "generation 4 did not start: haproxy was ended by SIGSEGV before it was ready; nothing serves, " +
    "the only respawn failed, ending with 137",
  ],
  [
    respawnMessages.respawnsUsedUp({ ...FAILED_RESPAWN, ...USED_UP }),
    "error",
    "generation 4 did not start: haproxy was ended by SIGSEGV before it was ready; nothing serves, " +
    "all 5 respawns failed, ending with 137",
  ],
  [
    respawnMessages.respawnsUsedUp({ ...FAILED_RESPAWN, ...USED_UP, haveAllFailed: false }),
    "error",
    "generation 4 did not start: haproxy was ended by SIGSEGV before it was ready; nothing serves, " +
    "5 respawns in a minute are used up, ending with 137",
  ],
  [
    respawnMessages.servingDied({ ...ENDED, ending: CRASHED }, 1),
    "error",
    "generation 2 was ended by SIGSEGV although it was to serve; 1 respawn in a minute is used up, " +
    "the others are ended too, ending with 139",
  ],
  [
    messages.serves({
      ...SERVES,
      cause: { tag: "respawn", lost: 3, ending: CRASHED },
      changed: null,
    }),
    "info",
    "generation 4 serves, ready after 42ms; respawned since generation 3 was ended by SIGSEGV; " +
    "1 old process draining",
  ],
  [
    messages.reverted(3),
    "info",
    "the sources are again what generation 3 serves; no reload is needed",
  ],
  [messages.ended(143), "info", "all HAProxy processes are gone, ending with 143"],
];

for (const [{ level, text }, expectedLevel, expectedText] of TEXTS) {
  Deno.test(`the supervisor says "${expectedText}"`, () => {
    assert.equal(text, expectedText);
    assert.equal(level, expectedLevel);
  });
}

Deno.test("the fields of a line say what a program wants to know of it", () => {
  assert.deepEqual(messages.serves(SERVES).fields, {
    generation: 4,
    reason: "reloaded for a change",
    durationMs: 42,
    changed: ["/a"],
    draining: 1,
  });
  const died = respawnMessages.servingDied({ ...ENDED, ending: CRASHED }, 0);
  assert.deepEqual(died.fields, { generation: 2, reason: "was ended by SIGSEGV", exitCode: 139 });
});

Deno.test("the lines about signals name them in text and fields", () => {
  const lines = [
    [messages.stopping("SIGINT"), "SIGINT"],
    [messages.killing("SIGTERM"), "SIGTERM"],
    [messages.draining("SIGUSR1"), "SIGUSR1"],
  ] as const;
  for (const [{ text, fields }, signal] of lines) {
    assert.ok(text.startsWith(`${signal} received`), text);
    assert.equal(fields.signal, signal);
  }
});
