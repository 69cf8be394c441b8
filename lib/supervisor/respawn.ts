/** Decides what follows when the generation that served ended by itself: another in its place, or the end. Pure. */
import { exitCodeOf, type Failure } from "../haproxy/failure.ts";
import { giveUpStart, type Serving, terminateAll } from "./ending.ts";
import type { Action, Attempt, Decision, EventOf, Lost, StateOf } from "./events.ts";
import { lastingOf, NOTHING_PENDING, type Policy, retryDelayMs } from "./reload.ts";
import * as messages from "./respawn_messages.ts";

/** Nobody serves any more, unless a new process has the listeners already. */
export function servingDied(
  state: Serving,
  { end, atMs }: EventOf<"process_ended">,
  policy: Policy,
): Decision {
  const { ending } = end;
  const limit = policy.respawn;
  if (state.name === "leaving") return terminateAll(ending.code, messages.servingDied(end, 0));
  const respawnedMs = countRespawn(state.respawnedMs, atMs, limit);
  if (respawnedMs === null) return terminateAll(ending.code, messages.servingDied(end, limit));
  const lost: Lost = { generation: state.serving, ending, failures: 0 };
  const lasting = { ...lastingOf(state), respawnedMs };
  const isStarted = state.name === "reloading";
  const attempt = isStarted ? state.attempt : attemptAfter(state, lost, policy);
  const facts = { generation: attempt.number, isStarted, respawn: respawnedMs.length, limit };
  const pending = isStarted ? state.pending : NOTHING_PENDING;
  return [
    { ...lasting, name: "starting", deadline: "ready timeout", attempt, pending, lost },
    [
      { name: "log", entry: messages.respawning(end, facts) },
      ...isStarted ? [] : startInstead(state, attempt),
    ],
  ];
}

function startInstead({ name }: Serving, attempt: Attempt): readonly Action[] {
  return [
    ...name === "replacing" ? [{ name: "cancel_replace" } as const] : [],
    { name: "clear_timer" },
    { name: "start_handoff", attempt, takeOverFrom: null },
  ];
}

/**
 * What is on disk is started without a look at it first, which would only take time: the look after the
 * start tells whether it was what has been seen last.
 */
function attemptAfter(
  state: Exclude<Serving, StateOf<"reloading" | "leaving">>,
  lost: Lost,
  { watch }: Policy,
): Attempt {
  const { serving, rejected, lastGeneration } = state;
  const seen = state.name === "replacing"
    ? state.attempt.fingerprint
    : rejected?.fingerprint ?? serving.fingerprint;
  // Where changes are not watched for, no look follows either.
  return { number: lastGeneration + 1, fingerprint: watch ? seen : null, cause: causeOf(lost) };
}

const causeOf = ({ generation: { number }, ending }: Lost) =>
  ({ tag: "respawn", lost: number, ending }) as const;

export interface FailedStart {
  readonly failure: Failure;
  readonly alerts: readonly string[];
  readonly atMs: number;
}

/**
 * A start in the place of what is lost has failed: it counts, and is tried again while there are tries
 * left. As many as are allowed in a minute are also the most in a row, since one that hangs takes a minute.
 */
export function respawnFailed(
  state: StateOf<"starting"> & { readonly lost: Lost },
  { failure, alerts, atMs }: FailedStart,
  policy: Policy,
): Decision {
  const { attempt, pending, lost } = state;
  const limit = policy.respawn;
  // A reload that was under way tells nothing: it was to take over from a process that is gone.
  const isReload = attempt.cause.tag !== "respawn";
  const failures = isReload ? 0 : lost.failures + 1;
  const hasNews = pending.order !== null || pending.moved;
  const pauseMs = isReload || hasNews ? 0 : respawnPauseMs(failures);
  const respawnedMs = isReload
    ? state.respawnedMs
    : failures === limit
    ? null
    : countRespawn(state.respawnedMs, atMs + pauseMs, limit);
  const { number: generation } = attempt;
  if (respawnedMs === null) {
    // What ended by itself with 0 must not make that a good end.
    const exitCode = lost.ending.code || exitCodeOf(failure);
    const facts = { generation, failure, limit, haveAllFailed: failures === limit, exitCode };
    return giveUpStart(exitCode, messages.respawnsUsedUp(facts), alerts);
  }
  const fingerprint = policy.watch ? attempt.fingerprint : null;
  const next: Attempt = { number: generation + 1, fingerprint, cause: causeOf(lost) };
  const respawn = respawnedMs.length;
  const entry = messages.respawnFailed({ generation, failure, pauseMs, respawn, limit });
  return [
    {
      ...{ ...state, respawnedMs, attempt: next, lost: { ...lost, failures } },
      // What is on disk by then is what is started.
      pending: NOTHING_PENDING,
    },
    [
      { name: "log", entry },
      { name: "discard", generation },
      {
        ...{ name: "start_handoff", attempt: next, takeOverFrom: null },
        ...pauseMs > 0 ? { pauseMs } : {},
      },
    ],
  ];
}

/** What is new on disk, or asked for, makes the pause after a failed start pointless. */
export function cutPauseShort([state, actions]: Decision): Decision {
  const mayPause = state.name === "starting" && state.lost !== null && state.lost.failures > 0;
  if (!mayPause) return [state, actions];
  const { order, moved } = state.pending;
  return [state, order === null && !moved ? actions : [...actions, { name: "hurry_handoff" }]];
}

const MINUTE_MS = 60_000;

/** The respawns of the minute before `atMs` and one more; `null` if that would be more than `limit`. */
function countRespawn(
  respawnedMs: readonly number[],
  atMs: number,
  limit: number,
): readonly number[] | null {
  const recent = respawnedMs.filter((one) => one > atMs - MINUTE_MS);
  return recent.length < limit ? [...recent, atMs] : null;
}

const LONGEST_PAUSE_MS = 5_000;

/** 1 s, 2 s, 4 s, 5 s, 5 s and so on: nothing serves meanwhile. */
const respawnPauseMs = (failures: number) => Math.min(LONGEST_PAUSE_MS, retryDelayMs(failures));
