/** A reload waits for a certificate that the serving process is obtaining, and none follows from saving it. */
import assert from "node:assert/strict";
import { decide } from "../../../../lib/supervisor/decisions/decide.ts";
import type { Event } from "../../../../lib/supervisor/state/events.ts";
import type { Content, State } from "../../../../lib/supervisor/state/state.ts";
import {
  content,
  decideAll,
  EVENTS,
  expectService,
  expectState,
  find,
  linesOf,
  names,
  POLICY,
  rejected,
  reloadRequested,
  SERVICE,
  settled,
  STATES,
  withService,
} from "../samples.ts";

const SHOWN = EVENTS.renewals_shown;
const EXPIRIES = new Map([["/site.pem", 5]]);

function shown(isRenewing: boolean, atMs = 10_000): Event {
  return { ...SHOWN, shown: { isRenewing, expiries: EXPIRIES }, atMs };
}

/** A certificate is being obtained since 10 s. */
const [RENEWING] = decide(STATES.serving, shown(true), POLICY);
const after = (state: State, ...events: readonly Event[]) => decideAll(state, events, POLICY);

Deno.test("when certificates expire is known as the process shows it", () => {
  const [next, actions] = after(STATES.serving, shown(false));
  assert.deepEqual(actions, []);
  assert.deepEqual(expectService(next, "serving").serving, {
    ...SERVICE.serving,
    expiries: EXPIRIES,
  });
});

Deno.test("a change waits for a certificate, one line says so, and no process stands by", () => {
  const [waiting, actions] = after(RENEWING, settled("new", 12_000));
  assert.equal(expectState(waiting, "delaying").awaits, "renewal");
  assert.equal(find(actions, "set_timer")?.delayMs, 28_000);
  assert.deepEqual(linesOf(actions), [
    "reload delayed by at most 28s, until generation 3 has obtained the certificate that it has " +
    "ordered",
  ]);
  assert.deepEqual(after(waiting, settled("newer", 13_000)), [waiting, []]);
  assert.deepEqual(after(RENEWING, EVENTS.changing), [RENEWING, []]);
});

Deno.test("the wait does not grow while the renewal goes on", () => {
  const [still] = after(RENEWING, shown(true, 30_000));
  const [, actions] = after(still, settled("new", 30_000));
  assert.equal(find(actions, "set_timer")?.delayMs, 10_000);
  assert.equal(after(still, settled("new", 40_000))[0].name, "reloading");
});

Deno.test("an order waits no longer than for stick-tables, whatever joins it", () => {
  const [waiting, actions] = after(RENEWING, reloadRequested("SIGHUP", "served", 12_000));
  assert.equal(find(actions, "set_timer")?.delayMs, 8_000);
  for (const event of [settled("new", 15_000), reloadRequested("SIGHUP", "new", 15_000)]) {
    const [next, more] = after(waiting, event);
    assert.equal(expectState(next, "delaying").order, "SIGHUP");
    assert.deepEqual(more, []);
  }
  const [change] = after(RENEWING, settled("new", 12_000));
  const [joined, more] = after(change, reloadRequested("SIGUSR2", "new", 13_000));
  assert.equal(expectState(joined, "delaying").order, "SIGUSR2");
  assert.deepEqual(more, [{ name: "set_timer", delayMs: 8_000 }]);
});

for (
  const [what, over] of [["it is obtained", shown(false)], ["the limit", EVENTS.timer_due]] as const
) {
  Deno.test(`after ${what} a delayed change and a delayed order continue, and wait no more`, () => {
    const [change, first] = after(RENEWING, settled("new", 12_000), over);
    assert.ok(names(first).includes("scan_for_retry"));
    assert.equal(after(change, settled("new", 13_000))[0].name, "reloading");
    const [order, second] = after(RENEWING, reloadRequested("SIGHUP", "served", 12_000), over);
    assert.deepEqual(find(second, "scan_and_reload"), { name: "scan_and_reload", order: "SIGHUP" });
    assert.equal(after(order, reloadRequested("SIGHUP", "served", 13_000))[0].name, "reloading");
  });
}

Deno.test("a line says that an order for a certificate is lost", () => {
  const [, actions] = after(RENEWING, settled("new", 12_000), EVENTS.timer_due);
  assert.match(linesOf(actions)[0]!, /^reloading although generation 3 has not obtained its/);
});

Deno.test("after the limit the same renewal delays nothing more, and the next one does", () => {
  const [over] = after(RENEWING, settled("new", 12_000), EVENTS.timer_due, shown(true, 40_000));
  assert.equal(after(over, settled("new", 40_000))[0].name, "reloading");
  const [next] = after(over, shown(false, 41_000), shown(true, 50_000));
  assert.equal(expectState(after(next, settled("other", 50_000))[0], "delaying").awaits, "renewal");
});

Deno.test("a retry waits too, and continues as a retry", () => {
  const bad = rejected("bad", { generation: 2 });
  const { serving } = expectService(RENEWING, "serving");
  const due = { ...withService(STATES.retrying, { serving, rejected: bad }), isDue: true } as const;
  const [waiting, actions] = after(due, settled("bad", 12_000));
  assert.deepEqual([waiting.name, names(actions)], ["retrying", ["set_timer"]]);
  assert.deepEqual(after(waiting, shown(false))[1], [{ name: "scan_for_retry" }]);
});

/** What was loaded or rejected as `before` is replaced by a saved certificate. */
const savedAs = (before: Content["fingerprint"], text: string): Event => ({
  ...EVENTS.certificate_saved,
  changes: [{ before: before!, after: content(text) }],
});

Deno.test("another generation's certificates change nothing", () => {
  const saved = savedAs(SERVICE.serving.fingerprint, "saved");
  for (const event of [SHOWN, saved]) {
    const other = { ...event, generation: 2 } as Event;
    assert.deepEqual(after(STATES.serving, other), [STATES.serving, []]);
  }
});

Deno.test("a saved certificate is what the generation serves: the scan that finds it changes nothing", () => {
  const [saved, actions] = after(
    STATES.serving,
    savedAs(SERVICE.serving.fingerprint, "saved"),
  );
  assert.deepEqual(actions, []);
  assert.deepEqual(after(saved, settled("saved")), [saved, []]);
  assert.equal(after(saved, settled("served"))[0].name, "reloading");
});

Deno.test("what was rejected is not tried again because a certificate was saved", () => {
  const bad = rejected("bad", { generation: 4 });
  const state = withService(STATES.serving, { rejected: bad });
  const [saved] = after(state, savedAs(bad.fingerprint, "bad, saved"));
  assert.deepEqual(after(saved, settled("bad, saved")), [saved, []]);
  assert.equal(after(saved, settled("bad"))[0].name, "reloading");
});

Deno.test("a certificate that was saved while something else changed leaves the rest to the scan", () => {
  const event = savedAs(content("other"), "saved");
  assert.deepEqual(after(STATES.serving, event), [STATES.serving, []]);
});
