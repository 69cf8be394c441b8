/** A sample of each state and each event, and helpers of the supervisor's tests. */
import { NO_NEEDS } from "../../../lib/config/needs.ts";
import type { OldProcesses } from "../../../lib/haproxy/drain/limits.ts";
import type { HotApplyOutcome } from "../../../lib/hot_apply/hot_apply.ts";
import type { LastGood } from "../../../lib/last_good/manifest.ts";
import type { RestoredSet } from "../../../lib/last_good/restore.ts";
import { NO_TARGETS } from "../../../lib/loaded/targets.ts";
import { decide } from "../../../lib/supervisor/decisions/decide.ts";
import { NOTHING_PENDING } from "../../../lib/supervisor/decisions/pending.ts";
import type {
  Action,
  Broken,
  Decision,
  Event,
  EventName,
  HandoffEnd,
  Policy,
} from "../../../lib/supervisor/state/events.ts";
import type {
  Loaded,
  Past,
  Rejected,
  ReloadOrder,
  Service,
  Serving,
  State,
  StateName,
  StateOf,
} from "../../../lib/supervisor/state/state.ts";
import type { Fingerprint } from "../../../lib/watch/scan/fingerprint.ts";

export const POLICY: Policy = {
  maxDraining: 50,
  respawn: 0,
  minReloadIntervalMs: 0,
  watch: true,
  hotApply: true,
  drainDelayMs: 0,
  gracefulTerm: false,
};

/** The fingerprint of one configuration file that holds `text`. */
export function content(text: string): Fingerprint {
  return {
    digest: text,
    files: new Map([["/haproxy.cfg", { content: text, modifiedMs: 0, stamp: text }]]),
  };
}

/** Generation 3 serves the content "served", generation 2 drains. */
export const SERVICE: Service = {
  serving: {
    number: 3,
    version: "3.4.0",
    fingerprint: content("served"),
    changedDuringRead: false,
    targets: NO_TARGETS,
  },
  lastGeneration: 3,
  rejected: null,
  past: { old: { draining: [2], ending: [] }, lastStartMs: 1_000, respawnedMs: [] },
};

/** By default, generation 4 was rejected with the content `text`. */
export function rejected<More extends Partial<Rejected>>(text: string, more?: More) {
  const fingerprint = content(text);
  const all = { generation: 4, fingerprint, changedDuringRead: false, failures: 1, ...more };
  return all satisfies Rejected;
}

/** A generation that is being started has the content "new". */
export const STATES = {
  starting: {
    name: "starting",
    attempt: { number: 1, fingerprint: content("new"), cause: { tag: "start" } },
    pending: NOTHING_PENDING,
    lost: null,
    past: { old: { draining: [], ending: [] }, lastStartMs: -Infinity, respawnedMs: [] },
  },
  serving: { name: "serving", service: SERVICE },
  delaying: {
    name: "delaying",
    service: SERVICE,
    awaits: "interval",
    order: null,
    isRetried: false,
  },
  retrying: {
    name: "retrying",
    service: { ...SERVICE, lastGeneration: 4, rejected: rejected("rejected") },
    isDue: false,
  },
  reloading: {
    name: "reloading",
    service: { ...SERVICE, lastGeneration: 4 },
    attempt: { number: 4, fingerprint: content("new"), cause: { tag: "change" } },
    pending: NOTHING_PENDING,
  },
  hot_applying: {
    name: "hot_applying",
    service: SERVICE,
    attempt: { fingerprint: content("new"), cause: { tag: "change" } },
    pending: NOTHING_PENDING,
    rejection: null,
  },
  leaving: { name: "leaving", service: SERVICE },
  draining: { name: "draining", lastServing: 3, exitCode: 0 },
  stopping: { name: "stopping", exitCode: 143 },
  ended: { name: "ended", exitCode: 0 },
} as const satisfies { [S in StateName]: StateOf<S> };

export const EVENTS = {
  changing: changing("new"),
  settled: settled("new"),
  reload_requested: reloadRequested("SIGHUP", "new"),
  changed_during_read: { name: "changed_during_read", generation: 4 },
  resynced: { name: "resynced", generation: 3 },
  renewals_shown: {
    name: "renewals_shown",
    generation: 3,
    shown: { isRenewing: false, expiries: new Map() },
    atMs: 10_000,
  },
  certificate_saved: {
    name: "certificate_saved",
    generation: 3,
    changes: [{ before: content("loaded"), after: content("saved") }],
  },
  handoff_ended: ready("new"),
  hot_apply_ended: hotApplyEnded(),
  process_ended: processEnded(3),
  memory_short: { name: "memory_short", shortage: { needed: 300, available: 100, limit: 500 } },
  stop_requested: { name: "stop_requested", signal: "SIGTERM" },
  drain_requested: { name: "drain_requested" },
  pass_on_requested: { name: "pass_on_requested", signal: "SIGQUIT" },
  timer_due: { name: "timer_due" },
  fleet_empty: { name: "fleet_empty" },
  bug: bug(null),
} as const satisfies { [E in EventName]: Event & { readonly name: E } };

/** A bug that interrupted `broken`. */
export function bug(broken: Broken) {
  return { name: "bug", description: "TypeError: x is undefined", broken, atMs: 10_000 } as const;
}

export function changing(text: string, atMs = 10_000) {
  return { name: "changing", fingerprint: content(text), atMs } as const;
}

export function settled(text: string, atMs = 10_000) {
  return { name: "settled", fingerprint: content(text), atMs } as const;
}

/** `text` is what the scan for the request found; `null`: the files could not be read. */
export function reloadRequested(order: ReloadOrder, text: string | null, atMs = 10_000) {
  const fingerprint = text === null ? null : content(text);
  return { name: "reload_requested", order, fingerprint, atMs } as const;
}

/** What starts from the recorded set. */
export const restoredSet = (lastGood: LastGood): RestoredSet => ({
  lastGood,
  haproxy: { options: [], configurations: [], filesAfterDashes: null, directory: null },
  envFile: null,
  needs: () => NO_NEEDS,
});

/** A handoff succeeds, and the generation has loaded `text`. */
export function ready(text: string, more: Partial<Loaded> = {}, version = "3.4.0") {
  const loaded = {
    fingerprint: content(text),
    changedDuringRead: false,
    targets: NO_TARGETS,
    ...more,
  };
  return {
    name: "handoff_ended",
    outcome: { tag: "ready", durationMs: 30, pid: 1_000, version, loaded },
    atMs: 10_000,
  } as const;
}

/** A hot apply succeeds, except for what `outcome` says. */
export function hotApplyEnded(outcome: Partial<HotApplyOutcome> = {}, atMs = 10_000) {
  const well: HotApplyOutcome = {
    fingerprint: content("new"),
    applied: [],
    refused: [],
    unconfirmed: [],
    fitInMs: null,
    next: { tag: "nothing" },
  };
  return { name: "hot_apply_ended", outcome: { ...well, ...outcome }, atMs } as const;
}

export function failed({ mayPass }: { mayPass: boolean }, atMs = 10_000) {
  const outcome: HandoffEnd = {
    tag: "failed",
    failure: { tag: "died", ending: { tag: "exited", code: 1 } },
    mayPass,
    alerts: [],
  };
  return { name: "handoff_ended", outcome, atMs } as const;
}

export function processEnded(generation: number, code = 0, atMs = 10_000) {
  const ending = { tag: "exited", code } as const;
  const end = { generation, ending, drainEnd: "by_itself", endReason: null } as const;
  return {
    name: "process_ended",
    end: { ...end, drainMs: 20, connections: null },
    atMs,
  } as const;
}

export const withService = <S extends Serving>(state: S, more: Partial<Service>): S => ({
  ...state,
  service: { ...state.service, ...more },
});

export const withPast = <S extends Serving>(state: S, more: Partial<Past>): S =>
  withService(state, { past: { ...state.service.past, ...more } });

export const withOld = <S extends Serving>(state: S, more: Partial<OldProcesses>): S =>
  withPast(state, { old: { ...state.service.past.old, ...more } });

/** The last decision after `events` in turn. */
export function decideAll(state: State, events: readonly Event[], policy = POLICY): Decision {
  return events.reduce<Decision>(([current], event) => decide(current, event, policy), [state, []]);
}

export function names(actions: readonly Action[]): Action["name"][] {
  return actions.map(({ name }) => name);
}

/** The first action of that name. */
export function find<Name extends Action["name"]>(actions: readonly Action[], name: Name) {
  return actions.find((action): action is Action & { name: Name } => action.name === name);
}

/** The lines that `actions` log. */
export const linesOf = (actions: readonly Action[]): string[] =>
  actions.flatMap((action) => action.name === "log" ? [action.entry.text] : []);

/** `state` with the name that the test expects. */
export function expectState<Name extends StateName>(state: State, name: Name): StateOf<Name> {
  if (state.name !== name) throw new Error(`the state is "${state.name}", wanted "${name}"`);
  return state as StateOf<Name>;
}

/** The service of `state`, which must have that name. */
export const expectService = (state: State, name: Serving["name"]): Service =>
  expectState(state, name).service;
