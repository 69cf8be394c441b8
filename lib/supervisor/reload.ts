/** Decides when a reload is started. Pure. */
import type { Fingerprint } from "../watch/fingerprint.ts";
import type { Cause, Decision, EventOf, Pending, Service, State, StateOf } from "./events.ts";
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

/** A reload is likely, and starts sooner if its process waits already. */
export function expectChange(
  state: Idle,
  { fingerprint, atMs }: EventOf<"changing">,
  { minReloadIntervalMs }: Policy,
): Decision {
  const { serving, rejected, lastGeneration, lastStartMs } = state;
  const known = [serving.fingerprint?.digest, rejected?.fingerprint?.digest];
  const isHeld = lastStartMs + minReloadIntervalMs > atMs;
  if (known.includes(fingerprint.digest) || isHeld) return [state, []];
  return [state, [{
    name: "stand_by",
    generation: lastGeneration + 1,
    takeOverFrom: serving.number,
    files: [...fingerprint.files.keys()],
  }]];
}

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

/**
 * A reload that has been asked for does not wait. A signal's, or one after a move, does not even need a
 * change; one by a timer may find that the sources have gone back or cannot be read.
 */
export function considerRequest(
  state: Idle,
  event: EventOf<"reload_requested">,
): Decision {
  const { cause, fingerprint } = event;
  if (cause.tag === "signal" || cause.tag === "moved") return startReload(state, event);
  if (fingerprint === null) return waitForSources(state);
  const isRejected = fingerprint.digest === state.rejected?.fingerprint?.digest;
  if (isRejected && cause.tag !== "retry") return [idle(state), [{ name: "clear_timer" }]];
  const isServed = fingerprint.digest === state.serving.fingerprint?.digest;
  return isServed && !isRejected ? settleBack(state) : startReload(state, event);
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

/** Of a change the detector tells when the sources can be read again; a retry has to ask by itself. */
function waitForSources(state: Idle): Decision {
  if (state.name !== "retrying") return [idle(state), [{ name: "clear_timer" }]];
  return [state, [{ name: "set_timer", delayMs: retryDelayMs(state.rejected.failures) }]];
}

const LONGEST_RETRY_MS = 60_000;

/** 1 s, 2 s, 4 s and so on, at most a minute, after that many failures in a row. */
export const retryDelayMs = (failures: number) =>
  Math.min(LONGEST_RETRY_MS, 1_000 * 2 ** (failures - 1));

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
  return [idle({ ...state, rejected: null }), [{ name: "clear_timer" }, { name: "log", entry }]];
}

const idle = (service: Service): State => ({
  ...serviceOf(service),
  name: "serving",
  deadline: "none",
});

/** What all states have in common in which a generation serves, without what is special to this one. */
export function serviceOf(state: Service): Service {
  const { serving, draining, ending, lastGeneration, lastStartMs, rejected } = state;
  return { serving, draining, ending, lastGeneration, lastStartMs, rejected };
}
