import assert from "node:assert/strict";
import { decide, firstDecision } from "../../../../lib/supervisor/decisions/decide.ts";
import type { Action, EventName } from "../../../../lib/supervisor/state/events.ts";
import type { State, StateName } from "../../../../lib/supervisor/state/state.ts";
import { content, EVENTS, names, POLICY, STATES } from "../samples.ts";

type Cell = readonly [next: StateName, ...actions: Action["name"][]];

const STOP = ["stopping", "log", "cancel_handoff", "clear_timer", "terminate_all"] as const;
const DRAIN = ["draining", "log", "cancel_handoff", "clear_timer", "drain_all"] as const;
/** The wait for a process that is still starting has a limit. */
const DRAIN_HANDOFF = [
  ...["draining", "log", "cancel_handoff", "clear_timer", "discard", "drain_all"],
] as const;
const RELOAD = ["reloading", "clear_timer", "start_handoff"] as const;

/** The effects of the sample events on the sample states. Every other event must leave the state as it is. */
const EXPECTED: { readonly [S in StateName]: { readonly [E in EventName]?: Cell } } = {
  starting: {
    settled: ["starting"],
    reload_requested: ["starting"],
    handoff_ended: ["serving", "log"],
    stop_requested: STOP,
    drain_requested: DRAIN_HANDOFF,
    bug: DRAIN_HANDOFF,
  },
  serving: {
    renewals_shown: ["serving"],
    changing: ["serving", "stand_by"],
    settled: RELOAD,
    reload_requested: RELOAD,
    process_ended: STOP,
    stop_requested: STOP,
    drain_requested: DRAIN,
    pass_on_requested: ["serving", "pass_on"],
  },
  delaying: {
    renewals_shown: ["delaying"],
    settled: RELOAD,
    reload_requested: RELOAD,
    process_ended: STOP,
    stop_requested: STOP,
    drain_requested: DRAIN,
    pass_on_requested: ["delaying", "pass_on"],
    timer_due: ["delaying", "scan_for_retry"],
  },
  retrying: {
    renewals_shown: ["retrying"],
    changed_during_read: ["retrying", "scan_soon"],
    changing: ["retrying", "stand_by"],
    settled: RELOAD,
    reload_requested: RELOAD,
    process_ended: STOP,
    stop_requested: STOP,
    drain_requested: DRAIN,
    pass_on_requested: ["retrying", "pass_on"],
    timer_due: ["retrying", "scan_for_retry"],
  },
  reloading: {
    renewals_shown: ["reloading"],
    memory_short: ["reloading", "log", "terminate"],
    settled: ["reloading"],
    reload_requested: ["reloading"],
    handoff_ended: ["serving", "drain", "log"],
    process_ended: STOP,
    stop_requested: STOP,
    drain_requested: DRAIN_HANDOFF,
    pass_on_requested: ["reloading", "pass_on"],
  },
  hot_applying: {
    renewals_shown: ["hot_applying"],
    settled: ["hot_applying"],
    reload_requested: ["hot_applying"],
    hot_apply_ended: ["serving"],
    process_ended: STOP,
    stop_requested: STOP,
    drain_requested: DRAIN,
    pass_on_requested: ["hot_applying", "pass_on"],
  },
  leaving: {
    renewals_shown: ["leaving"],
    process_ended: STOP,
    stop_requested: STOP,
    drain_requested: DRAIN,
    pass_on_requested: ["leaving", "pass_on"],
    timer_due: DRAIN,
  },
  draining: {
    process_ended: ["draining", "log"],
    stop_requested: STOP,
    fleet_empty: ["ended", "log"],
  },
  stopping: {
    stop_requested: ["stopping", "log", "kill_all"],
    fleet_empty: ["ended", "log"],
  },
  ended: {},
};

for (const state of Object.values<State>(STATES)) {
  Deno.test(`each event has its one effect while ${state.name}`, () => {
    for (const event of Object.values(EVENTS)) {
      const [next, actions] = decide(state, event, POLICY);
      const expected = EXPECTED[state.name][event.name];
      if (expected === undefined) assert.deepEqual([next, actions], [state, []], event.name);
      else assert.deepEqual([next.name, ...names(actions)], expected, event.name);
    }
  });
}

Deno.test("the first decision starts generation 1, whether its files could be read or not", () => {
  for (const fingerprint of [content("new"), null]) {
    const attempt = { ...STATES.starting.attempt, fingerprint };
    assert.deepEqual(firstDecision(fingerprint), [
      { ...STATES.starting, attempt },
      [{ name: "start_handoff", attempt, takeOverFrom: null }],
    ]);
  }
});
