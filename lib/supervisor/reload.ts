/** The part of the decisions that is about reloads: when to start one, and what its outcome means. Pure. */
import { exitCodeOf, type Failure } from "../haproxy/failure.ts";
import { changedPaths, type Fingerprint } from "../watch/fingerprint.ts";
import type {
  Action,
  Cause,
  Decision,
  EventOf,
  Pending,
  Rejected,
  Service,
  State,
  StateOf,
} from "./events.ts";
import * as messages from "./messages.ts";

/** The settings that decisions depend on. */
export interface Policy {
  readonly maxDraining: number;
  readonly minReloadIntervalMs: number;
}

/** The state before anything was started, with the action that starts the first generation. */
export function firstDecision(fingerprint: Fingerprint | null): Decision {
  const attempt = { number: 1, fingerprint, cause: { tag: "start" } } as const;
  return [
    { name: "starting", deadline: "ready timeout", attempt, pending: NOTHING_PENDING },
    [{ name: "start_handoff", attempt, takeOverFrom: null }],
  ];
}

type Idle = StateOf<"serving" | "holding" | "retrying">;
type Busy = StateOf<"starting" | "reloading">;

const NOTHING_PENDING: Pending = { signal: null, moved: false };

/** The sources have settled while no handoff runs. */
export function considerChange(
  state: Idle,
  { fingerprint, atMs }: EventOf<"settled">,
  { minReloadIntervalMs }: Policy,
): Decision {
  const { digest } = fingerprint;
  if (state.rejected?.fingerprint?.digest === digest) return [state, []];
  if (state.serving.fingerprint?.digest === digest) return settleBack(state);
  const waitMs = state.lastStartMs + minReloadIntervalMs - atMs;
  if (waitMs <= 0) return startReload(state, { fingerprint, cause: { tag: "change" }, atMs });
  return state.name === "holding" ? [state, []] : [
    { ...serviceOf(state), name: "holding", deadline: "timer" },
    [{ name: "set_timer", delayMs: waitMs }],
  ];
}

/** A reload that has been asked for does not wait, and a signal's not even for a change. */
export function reloadUnlessApplied(
  state: Idle,
  event: EventOf<"reload_requested">,
): Decision {
  const { cause, fingerprint } = event;
  const isForced = cause.tag === "signal" || cause.tag === "moved";
  const isApplied = fingerprint?.digest === state.serving.fingerprint?.digest;
  return isForced || !isApplied ? startReload(state, event) : settleBack(state);
}

export function reloadNow(state: Idle, event: EventOf<"reload_requested">): Decision {
  return startReload(state, event);
}

/** The sources have settled during a handoff: on something else than what it was started with? */
export function noteMove<S extends Busy>(state: S, { fingerprint }: EventOf<"settled">): Decision {
  const moved = fingerprint.digest !== state.attempt.fingerprint?.digest;
  return [{ ...state, pending: { ...state.pending, moved: state.pending.moved || moved } }, []];
}

export function noteRequest<S extends Busy>(
  state: S,
  { cause }: EventOf<"reload_requested">,
): Decision {
  const signal = cause.tag === "signal" ? cause.signal : state.pending.signal;
  return [{ ...state, pending: { ...state.pending, signal } }, []];
}

/** The first handoff has ended: without a generation that serves there is nothing to keep. */
export function endStart(
  state: StateOf<"starting">,
  { outcome }: EventOf<"handoff_ended">,
): Decision {
  const { attempt, pending } = state;
  switch (outcome.tag) {
    case "cancelled":
      return [state, []];
    case "ready": {
      const { durationMs } = outcome;
      const facts = { generation: attempt.number, durationMs, cause: attempt.cause };
      return [
        {
          name: "serving",
          deadline: "none",
          serving: attempt,
          draining: [],
          lastGeneration: attempt.number,
          lastStartMs: -Infinity,
          rejected: null,
        },
        [
          { name: "log", entry: messages.serves({ ...facts, changed: [], draining: 0 }) },
          followUp(pending),
        ],
      ];
    }
    case "failed": {
      const exitCode = exitCodeOf(outcome.failure);
      return [
        { name: "stopping", deadline: "kill timer", exitCode },
        [
          { name: "log", entry: messages.notStarted(attempt.number, outcome.failure, exitCode) },
          { name: "terminate_all", signal: "SIGTERM" },
        ],
      ];
    }
    default:
      return outcome satisfies never;
  }
}

/** A reload's handoff has ended: the new generation takes the old one's place, or goes. */
export function endReload(
  state: StateOf<"reloading">,
  { outcome }: EventOf<"handoff_ended">,
  policy: Policy,
): Decision {
  switch (outcome.tag) {
    case "cancelled":
      return [state, []];
    case "ready":
      return replaceServing(state, outcome.durationMs, policy);
    case "failed":
      return keepServing(state, outcome.failure, outcome.mayPass);
    default:
      return outcome satisfies never;
  }
}

function replaceServing(
  state: StateOf<"reloading">,
  durationMs: number,
  { maxDraining }: Policy,
): Decision {
  const { attempt, pending, serving } = state;
  const draining = [...state.draining, serving.number];
  const surplusOf = (generations: readonly number[]) =>
    Math.max(0, generations.length - maxDraining);
  // Those that were too many before have been ended already and may not be gone yet.
  const surplus = draining.slice(surplusOf(state.draining), surplusOf(draining));
  const entry = messages.serves({
    generation: attempt.number,
    durationMs,
    cause: attempt.cause,
    changed: changedPaths(serving.fingerprint, attempt.fingerprint),
    draining: draining.length,
  });
  return [
    {
      ...serviceOf(state),
      name: "serving",
      deadline: "none",
      serving: attempt,
      draining,
      rejected: null,
    },
    [
      { name: "drain", generation: serving.number },
      { name: "log", entry },
      ...surplus.flatMap((generation): Action[] => [
        { name: "log", entry: messages.tooManyDrain(generation, maxDraining) },
        { name: "terminate", generation },
      ]),
      followUp(pending),
    ],
  ];
}

function keepServing(
  state: StateOf<"reloading">,
  failure: Failure,
  mayPass: boolean,
): Decision {
  const { attempt, pending, serving } = state;
  const failures = attempt.cause.tag === "retry" ? (state.rejected?.failures ?? 0) + 1 : 1;
  const rejected: Rejected = { fingerprint: attempt.fingerprint, failures };
  const retryMs = mayPass ? retryDelayMs(failures) : null;
  const service = { ...serviceOf(state), rejected };
  const changed = changedPaths(serving.fingerprint, attempt.fingerprint);
  const facts = { generation: attempt.number, serving: serving.number, failure, retryMs, changed };
  const always: Action[] = [
    { name: "log", entry: messages.rejected(facts) },
    { name: "discard", generation: attempt.number },
    // Of a move nothing is left to do: the look tells what is on disk now.
    followUp({ ...pending, moved: false }),
  ];
  return retryMs === null
    ? [{ ...service, name: "serving", deadline: "none" }, always]
    : [{ ...service, name: "retrying", deadline: "timer" }, [
      ...always,
      { name: "set_timer", delayMs: retryMs },
    ]];
}

const LONGEST_RETRY_MS = 60_000;

/** 1 s, 2 s, 4 s and so on, at most a minute, after that many failures in a row. */
const retryDelayMs = (failures: number) => Math.min(LONGEST_RETRY_MS, 1_000 * 2 ** (failures - 1));

/** What was asked for during a handoff, with a new look, since the one before is out of date. */
function followUp({ signal, moved }: Pending): Action {
  if (signal !== null) return { name: "look_and_reload", cause: { tag: "signal", signal } };
  if (moved) return { name: "look_and_reload", cause: { tag: "moved" } };
  return { name: "look_soon" };
}

function startReload(
  state: Idle,
  { fingerprint, cause, atMs }: {
    readonly fingerprint: Fingerprint | null;
    readonly cause: Cause;
    readonly atMs: number;
  },
): Decision {
  const number = state.lastGeneration + 1;
  const attempt = { number, fingerprint, cause };
  return [
    {
      ...serviceOf(state),
      name: "reloading",
      deadline: "ready timeout",
      lastGeneration: number,
      lastStartMs: atMs,
      attempt,
      pending: NOTHING_PENDING,
    },
    [
      { name: "clear_timer" },
      { name: "start_handoff", attempt, takeOverFrom: state.serving.number },
    ],
  ];
}

/** What is on disk is what is served, so that no failure and no wait is left. */
function settleBack(state: Idle): Decision {
  if (state.name === "serving" && state.rejected === null) return [state, []];
  const entry = messages.reverted(state.serving.number);
  return [
    { ...serviceOf(state), name: "serving", deadline: "none", rejected: null },
    [{ name: "clear_timer" }, { name: "log", entry }],
  ];
}

function serviceOf(state: State & Service): Service {
  const { serving, draining, lastGeneration, lastStartMs, rejected } = state;
  return { serving, draining, lastGeneration, lastStartMs, rejected };
}
