/** New files that are not whole yet delay a reload. */
import assert from "node:assert/strict";
import type { NotWhole } from "../../../../lib/hot_apply/newcomers.ts";
import type { Targets } from "../../../../lib/loaded/targets.ts";
import { decide } from "../../../../lib/supervisor/decisions/decide.ts";
import type { Action, Event } from "../../../../lib/supervisor/state/events.ts";
import type { State } from "../../../../lib/supervisor/state/state.ts";
import type { Fingerprint } from "../../../../lib/watch/scan/fingerprint.ts";
import {
  content,
  expectService,
  expectState,
  failed,
  find,
  hotApplyEnded,
  linesOf,
  names,
  POLICY,
  reloadRequested,
  SERVICE,
  STATES,
  withService,
} from "../samples.ts";

const TARGETS: Targets = {
  byPath: new Map(),
  replacesCrt: false,
  folders: new Map([["/certs", "certificate"]]),
};
const SERVING = withService(STATES.serving, { serving: { ...SERVICE.serving, targets: TARGETS } });
const HALF: readonly NotWhole[] = [{ path: "/certs/b.pem", reason: "is empty" }];

/** The served content plus a new certificate that holds `text`. */
function withNewcomer(text: string): Fingerprint {
  const mark = { content: text, modifiedMs: 0, stamp: text };
  const { files } = content("served");
  return { digest: `served ${text}`, files: new Map([...files, ["/certs/b.pem", mark]]) };
}

const settled = (text: string, atMs: number) =>
  ({ name: "settled", fingerprint: withNewcomer(text), atMs }) as const;

const examined = (awaited: readonly NotWhole[], atMs: number) => {
  const next = { tag: "reload", reason: null } as const;
  return hotApplyEnded({ fingerprint: content("served"), awaited, next }, atMs);
};

/** The state after `events`, and all actions for them. */
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

const APPEARED = settled("half", 10_000);
const WAITING = [APPEARED, examined(HALF, 10_010)];

Deno.test("a new file in a directory of certificates is examined before a reload", () => {
  for (const hotApply of [true, false]) {
    const { state, actions } = go([APPEARED], SERVING, { ...POLICY, hotApply });
    expectState(state, "hot_applying");
    assert.deepEqual(names(actions), ["clear_timer", "hot_apply"]);
    const { request } = find(actions, "hot_apply")!;
    assert.deepEqual(request.changed, []);
    assert.deepEqual(request.newcomers?.map(({ path }) => path), ["/certs/b.pem"]);
  }
});

Deno.test("while a new file is not whole, a reload waits for at most 5 s, with one line", () => {
  const { state, actions } = go(WAITING);
  const { service, isDue } = expectState(state, "retrying");
  assert.deepEqual([isDue, service.rejected?.awaited], [false, { sinceMs: 10_010 }]);
  assert.deepEqual(linesOf(actions), [
    'reload delayed by at most 5s, until new files are whole: "/certs/b.pem" is empty',
  ]);
  assert.deepEqual(find(actions, "set_timer"), { name: "set_timer", delayMs: 5_000 });
  assert.equal(find(actions, "start_handoff"), undefined);
});

Deno.test("when the file is whole there is one reload", () => {
  const { state, actions } = go([...WAITING, settled("whole", 11_000), examined([], 11_010)]);
  assert.deepEqual(expectState(state, "reloading").attempt.cause, { tag: "change" });
  assert.equal(names(actions).filter((name) => name === "start_handoff").length, 1);
});

Deno.test("when the file is gone nothing is left to do", () => {
  const gone = { name: "settled", fingerprint: content("served"), atMs: 11_000 } as const;
  const { state, actions } = go([...WAITING, gone]);
  assert.equal(expectService(state, "serving").rejected, null);
  assert.equal(find(actions, "start_handoff"), undefined);
});

Deno.test("after 5 s the reload is tried with the files as they are", () => {
  const { state } = go([...WAITING, { name: "timer_due" }, settled("half", 15_010)]);
  assert.deepEqual(expectState(state, "reloading").attempt.cause, { tag: "retry" });
});

Deno.test("a signal while a file is examined reloads afterwards", () => {
  const signal = reloadRequested("SIGHUP", "new", 10_005);
  const { actions } = go([APPEARED, signal, examined(HALF, 10_010)]);
  assert.deepEqual(find(actions, "scan_and_reload"), { name: "scan_and_reload", order: "SIGHUP" });
});

Deno.test("neither a file that keeps changing nor a series of files can extend the wait", () => {
  const events: Event[] = [];
  for (let atMs = 10_000; atMs < 15_000; atMs += 100) {
    const reason = `is empty for the time ${atMs}`;
    events.push(settled(`${atMs}`, atMs), examined([{ path: `/certs/${atMs}`, reason }], atMs));
  }
  const { state, actions } = go(events);
  assert.equal(linesOf(actions).length, 1);
  assert.deepEqual(actions.at(-1), { name: "set_timer", delayMs: 100 });
  const { state: after } = go([settled("once more", 15_000)], state);
  assert.deepEqual(expectState(after, "reloading").attempt.cause, { tag: "change" });
});

Deno.test("a file that made a reload fail is not waited for again until it changes", () => {
  const tried = [...WAITING, { name: "timer_due" }, settled("half", 15_010)] as const;
  const { state } = go([...tried, failed({ mayPass: false }, 15_100)]);
  assert.equal(expectService(state, "serving").rejected?.awaited, undefined);
  const { digest, files } = withNewcomer("half");
  const changed = new Map([...files, ["/haproxy.cfg", content("new").files.get("/haproxy.cfg")!]]);
  const fingerprint = { digest: `${digest} new`, files: changed };
  expectState(go([{ name: "settled", fingerprint, atMs: 20_000 }], state).state, "reloading");
  expectState(go([settled("otherwise", 20_000)], state).state, "hot_applying");
});
