import assert from "node:assert/strict";
import type { NotWhole } from "../../../../lib/hot_apply/newcomers.ts";
import type { Targets } from "../../../../lib/loaded/targets.ts";
import { decide } from "../../../../lib/supervisor/decisions/decide.ts";
import type { Action, Event, State } from "../../../../lib/supervisor/state/events.ts";
import type { Fingerprint } from "../../../../lib/watch/scan/fingerprint.ts";
import {
  content,
  expectState,
  failed,
  find,
  hotApplyEnded,
  names,
  POLICY,
  reloadRequested,
  STATES,
} from "../samples.ts";

const TARGETS: Targets = {
  ...{ byPath: new Map(), replacesCrt: false, folders: new Map([["/certs", "certificate"]]) },
};
const HALF: readonly NotWhole[] = [{ path: "/certs/b.pem", reason: "is empty" }];
const SERVING = { ...STATES.serving, serving: { ...STATES.serving.serving, targets: TARGETS } };

/** What is served, with a new certificate that holds `text`. */
function withNewcomer(text: string): Fingerprint {
  const mark = { content: text, modifiedMs: 0, stamp: text };
  const { files } = content("served");
  return { digest: `served ${text}`, files: new Map([...files, ["/certs/b.pem", mark]]) };
}

const settled = (text: string, atMs: number) =>
  ({ name: "settled", fingerprint: withNewcomer(text), atMs }) as const;

/** They were examined at that time, with this outcome. */
const examined = (awaited: readonly NotWhole[], atMs: number) =>
  hotApplyEnded({
    ...{ fingerprint: content("served"), awaited },
    next: { tag: "reload", reason: null },
  }, atMs);

/** The state after `events`, and all that was done for them. */
function go(events: readonly Event[], from: State = SERVING, policy = POLICY) {
  let state = from;
  const actions: Action[] = [];
  for (const event of events) {
    const [next, more] = decide(state, event, policy);
    state = next;
    actions.push(...more);
  }
  return { state, actions };
}

const textsOf = (actions: readonly Action[]) =>
  actions.flatMap((action) => action.name === "log" ? [action.entry.text] : []);

const WAITING = [settled("half", 10_000), examined(HALF, 10_010)];

Deno.test("what appeared in a directory of certificates is examined before a reload", () => {
  for (const hotApply of [true, false]) {
    const { state, actions } = go([settled("half", 10_000)], SERVING, { ...POLICY, hotApply });
    expectState(state, "hot_applying");
    assert.deepEqual(names(actions), ["clear_timer", "hot_apply"]);
    const { request } = find(actions, "hot_apply")!;
    assert.deepEqual(request.changed, []);
    assert.deepEqual(request.newcomers?.map(({ path }) => path), ["/certs/b.pem"]);
  }
});

Deno.test("while it is not whole a reload waits, with one line, for at most 5 s", () => {
  const { state, actions } = go(WAITING);
  const { rejected, isDue } = expectState(state, "retrying");
  assert.equal(isDue, false);
  assert.deepEqual(rejected.awaited, { sinceMs: 10_010 });
  assert.deepEqual(textsOf(actions), [
    'reload waits, at most 5s, for new files to be whole: "/certs/b.pem" is empty',
  ]);
  assert.deepEqual(find(actions, "set_timer"), { name: "set_timer", delayMs: 5_000 });
  assert.equal(find(actions, "start_handoff"), undefined);
});

Deno.test("when it is whole there is one reload", () => {
  const { state, actions } = go([...WAITING, settled("whole", 11_000), examined([], 11_010)]);
  const { attempt } = expectState(state, "reloading");
  assert.deepEqual(attempt.cause, { tag: "change" });
  assert.equal(names(actions).filter((name) => name === "start_handoff").length, 1);
});

Deno.test("when it is gone nothing is left to do", () => {
  const gone = { name: "settled", fingerprint: content("served"), atMs: 11_000 } as const;
  const { state, actions } = go([...WAITING, gone]);
  assert.equal(expectState(state, "serving").rejected, null);
  assert.equal(find(actions, "start_handoff"), undefined);
});

Deno.test("after that time the reload is tried with what is there", () => {
  const { state } = go([...WAITING, { name: "timer_due" }, settled("half", 15_010)]);
  assert.deepEqual(expectState(state, "reloading").attempt.cause, { tag: "retry" });
});

Deno.test("a signal reloads at once", () => {
  const { state } = go([...WAITING, reloadRequested("SIGHUP", "new", 10_500)]);
  expectState(state, "reloading");
});

Deno.test("a signal while it is examined reloads afterwards", () => {
  const [first, second] = WAITING as [Event, Event];
  const { actions } = go([first, reloadRequested("SIGHUP", "new", 10_005), second]);
  assert.deepEqual(find(actions, "scan_and_reload"), { name: "scan_and_reload", order: "SIGHUP" });
});

Deno.test("one that changes for ever, or one after the other, cannot stretch the wait", () => {
  const events: Event[] = [];
  for (let atMs = 10_000; atMs < 15_000; atMs += 100) {
    const reason = `is empty for the time ${atMs}`;
    events.push(settled(`${atMs}`, atMs), examined([{ path: `/certs/${atMs}`, reason }], atMs));
  }
  const { state, actions } = go(events);
  assert.equal(textsOf(actions).length, 1);
  assert.equal(expectState(state, "retrying").rejected.awaited?.sinceMs, 10_000);
  const { state: after } = go([settled("once more", 15_000)], state);
  assert.deepEqual(expectState(after, "reloading").attempt.cause, { tag: "change" });
});

Deno.test("another change waits for the rest of the time", () => {
  const { actions } = go([...WAITING, settled("more", 11_000), examined(HALF, 11_010)]);
  assert.deepEqual(actions.at(-1), { name: "set_timer", delayMs: 4_000 });
});

Deno.test("what a reload was refused with is not waited for again until it changes", () => {
  const { state } = go([...WAITING, { name: "timer_due" }, settled("half", 15_010)]);
  const { state: refused } = go([failed({ mayPass: false }, 15_100)], state);
  assert.equal(expectState(refused, "serving").rejected?.awaited, undefined);
  const { digest, files } = withNewcomer("half");
  const changed = new Map([...files, ["/haproxy.cfg", content("new").files.get("/haproxy.cfg")!]]);
  const fingerprint = { digest: `${digest} new`, files: changed };
  expectState(go([{ name: "settled", fingerprint, atMs: 20_000 }], refused).state, "reloading");
  expectState(go([settled("otherwise", 20_000)], refused).state, "hot_applying");
});

Deno.test("of many files five are named, and the others counted", () => {
  const many = Array.from(
    { length: 100 },
    (_, index) => ({ path: `/certs/${index}`, reason: "r" }),
  );
  const [text] = textsOf(go([settled("half", 10_000), examined(many, 10_010)]).actions);
  assert.match(text!, /"\/certs\/0" r, .*"\/certs\/4" r and 95 more$/);
});
