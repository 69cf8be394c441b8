/** What a service manager is told in which order. */
import assert from "node:assert/strict";
import { NOTHING_TOLD, tell, type Told } from "../../../lib/status/manager_notices.ts";
import type { Action, Event } from "../../../lib/supervisor/state/events.ts";
import type { State } from "../../../lib/supervisor/state/state.ts";
import { EVENTS, rejected, SERVICE, STATES } from "../supervisor/samples.ts";

interface Seen {
  readonly after: State;
  readonly event?: Event;
  readonly actions?: readonly Action[];
}

/** The messages of these steps; the n-th happens at n microseconds. */
function messagesOf(...steps: readonly Seen[]): (string | null)[] {
  let told: Told = NOTHING_TOLD;
  return steps.map(({ after, event = null, actions = [] }, index) => {
    const next = tell(told, { before: null, after, event, actions }, BigInt(index + 1));
    told = next.told;
    return next.message;
  });
}

const { starting, serving, delaying, retrying, reloading, hot_applying } = STATES;
const { leaving, draining, stopping, ended } = STATES;
const ORDER = EVENTS.reload_requested;
const SCAN: Action = { name: "scan_and_reload", order: "SIGHUP" };

Deno.test("it is ready when the first generation serves, and says so once", () => {
  assert.deepEqual(messagesOf({ after: starting }, { after: serving }, { after: serving }), [
    "STATUS=generation 1 is not ready yet",
    "READY=1\nSTATUS=generation 3 serves",
    null,
  ]);
});

Deno.test("a reload begins and ends, whether it is rejected or not", () => {
  assert.deepEqual(messagesOf({ after: serving }, { after: reloading }, { after: retrying }), [
    "READY=1\nSTATUS=generation 3 serves",
    "RELOADING=1\nMONOTONIC_USEC=2\nSTATUS=generation 3 serves; generation 4 is starting",
    "READY=1\nSTATUS=generation 3 serves; what is on disk was rejected: see the log",
  ]);
});

Deno.test("an order in the middle of a reload is accepted at its own time, and ends with its own reload", () => {
  const noted = { ...reloading, pending: { ...reloading.pending, order: "SIGHUP" } } as const;
  const messages = messagesOf(
    ...[{ after: serving }, { after: reloading }, { after: noted, event: ORDER }],
    ...[{ after: serving, actions: [SCAN] }, { after: reloading, event: ORDER }],
    { after: serving },
  );
  assert.deepEqual(messages.map((message) => message?.replace(/\n?STATUS=.*/, "") ?? null), [
    "READY=1",
    "RELOADING=1\nMONOTONIC_USEC=2",
    "RELOADING=1\nMONOTONIC_USEC=3",
    "",
    "RELOADING=1\nMONOTONIC_USEC=5",
    "READY=1",
  ]);
});

Deno.test("an order that waits is a reload from its beginning; a change that waits is none", () => {
  const [, waits, ordered] = messagesOf(
    ...[{ after: serving }, { after: delaying }],
    { after: { ...delaying, awaits: "tables", order: "SIGHUP" }, event: ORDER },
  );
  assert.equal(waits, "STATUS=generation 3 serves; a reload waits");
  assert.equal(ordered, "RELOADING=1\nMONOTONIC_USEC=3");
});

Deno.test("a hot apply is only a status, unless an order waits for it", () => {
  const pending = { ...hot_applying.pending, order: "SIGHUP" } as const;
  const [, plain, ordered] = messagesOf(
    ...[{ after: serving }, { after: hot_applying }],
    { after: { ...hot_applying, pending }, event: ORDER },
  );
  assert.equal(plain, "STATUS=generation 3 serves; changed files are being hot-applied");
  assert.equal(ordered, "RELOADING=1\nMONOTONIC_USEC=3");
});

Deno.test("a respawn is only a status, unless an order comes with it", () => {
  const ending = { tag: "signaled", code: 139, signal: "SIGSEGV" } as const;
  const respawning = { ...starting, lost: { generation: SERVICE.serving, ending, failures: 0 } };
  const messages = messagesOf(
    ...[{ after: serving }, { after: respawning }, { after: respawning, event: ORDER }],
    { after: serving },
  );
  assert.deepEqual(messages.slice(1), [
    "STATUS=generation 1 is not ready yet, generation 3 was killed by SIGSEGV",
    "RELOADING=1\nMONOTONIC_USEC=3",
    "READY=1\nSTATUS=generation 3 serves",
  ]);
});

Deno.test("an order during the first start does not delay that it is ready", () => {
  const messages = messagesOf(
    { after: starting, event: ORDER },
    { after: serving, actions: [SCAN] },
    { after: reloading, event: ORDER },
  );
  assert.match(messages[1]!, /^READY=1\n/);
  assert.match(messages[2]!, /^RELOADING=1\nMONOTONIC_USEC=3\n/);
});

Deno.test("it stops once, whatever follows", () => {
  const messages = messagesOf(
    ...[{ after: serving }, { after: leaving }, { after: leaving, event: ORDER }],
    ...[{ after: draining }, { after: stopping }, { after: ended }],
  );
  assert.match(messages[1]!, /^STOPPING=1\nSTATUS=leaving: /);
  const later = messages.slice(2).join("\n");
  assert.doesNotMatch(later, /STOPPING|READY|RELOADING/);
  assert.match(later, /STATUS=draining: .*\nSTATUS=stopping: /s);
});

Deno.test("a start that fails stops without having been ready", () => {
  const [, last] = messagesOf({ after: starting }, { after: stopping });
  assert.match(last!, /^STOPPING=1\nSTATUS=stopping: the wrapper exits with 143$/);
});

Deno.test("new files that are awaited, and the last good files, are told", () => {
  const awaited = rejected("new", { generation: null, awaited: { sinceMs: 0 } });
  const lastGood = { ...SERVICE.serving, lastGood: { recordedMs: 0, directory: "/tmp/x" } };
  const [first, second] = messagesOf(
    { after: { name: "retrying", service: { ...SERVICE, rejected: awaited }, isDue: false } },
    { after: { name: "serving", service: { ...SERVICE, serving: lastGood as never } } },
  );
  assert.match(first!, /; a reload waits for new files to be whole$/);
  assert.equal(second, "STATUS=generation 3 serves the last good files");
});
