import assert from "node:assert/strict";
import type { LogEntry } from "../../lib/log.ts";
import * as messages from "../../lib/supervisor/messages.ts";

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
  drainMs: 90_000.4,
  connections: null,
} as const;

const LAST_GOOD = { directory: "/run/kept", keptMs: Date.UTC(2026, 10, 24, 12) } as const;

const CRASHED = { tag: "signaled", code: 139, signal: "SIGSEGV" } as const;
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
    messages.serves({ ...SERVES, cause: { tag: "moved" }, changed: [] }),
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
    messages.servingDied({ ...ENDED, ending: CRASHED }),
    "error",
    "generation 2 was ended by SIGSEGV although it was to serve; the others are ended too, " +
    "ending with 139",
  ],
  [messages.drained(ENDED), "info", "generation 2 drained in 1m30s"],
  [
    messages.drained({ ...ENDED, ending: CRASHED }),
    "warning",
    "generation 2 was ended by SIGSEGV after 1m30s, before it had drained",
  ],
  [
    messages.drained({
      ...ENDED,
      ending: { tag: "signaled", code: 143, signal: "SIGTERM" },
      drainEnd: "terminated",
    }),
    "warning",
    "generation 2 was ended after 1m30s, before it had drained",
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
  assert.deepEqual(messages.drained(ENDED).fields, {
    generation: 2,
    reason: "exited with 0",
    durationMs: 90_000,
  });
  const died = messages.servingDied({ ...ENDED, ending: CRASHED });
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
