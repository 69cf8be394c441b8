/** What follows when the serving generation exits by itself: a respawn, or the end. Pure. */
import { retryDelayMs } from "../../backoff.ts";
import { exitCodeOf, type Failure } from "../../haproxy/failure/failure.ts";
import { type Serving, terminateAll } from "./shutdown.ts";
import type { Action, Attempt, Decision, EventOf, Lost, StateOf } from "../state/events.ts";
import type { Policy } from "../state/policy.ts";
import { pendingAfter } from "./reload.ts";
import * as messages from "../messages/respawn_messages.ts";
import { lastingOf, NOTHING_PENDING } from "../state/states.ts";

/** Nothing serves any more, unless a new process already has the listeners. */
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
    { ...lasting, name: "starting", attempt, pending, lost },
    [
      { name: "log", entry: messages.respawning(end, facts) },
      ...isStarted ? [] : startInstead(state, attempt),
    ],
  ];
}

function startInstead({ name }: Serving, attempt: Attempt): readonly Action[] {
  return [
    ...name === "hot_applying" ? [{ name: "cancel_hot_apply" } as const] : [],
    { name: "clear_timer" },
    { name: "start_handoff", attempt, takeOverFrom: null },
  ];
}

/**
 * Starts what is on disk without looking first, which would only take time: the look after the
 * start tells whether it was what was seen last.
 */
function attemptAfter(
  state: Exclude<Serving, StateOf<"reloading" | "leaving">>,
  lost: Lost,
  { watch }: Policy,
): Attempt {
  const { serving, rejected, lastGeneration } = state;
  const seen = state.name === "hot_applying"
    ? state.attempt.fingerprint
    : rejected?.fingerprint ?? serving.fingerprint;
  // If changes are not watched for, no look follows.
  return { number: lastGeneration + 1, fingerprint: watch ? seen : null, cause: causeOf(lost) };
}

const causeOf = ({ generation: { number }, ending }: Lost) =>
  ({ tag: "respawn", lost: number, ending }) as const;

type Respawning = StateOf<"starting"> & { readonly lost: Lost };

/**
 * A respawn has failed: it counts, and is retried while there are tries
 * left. The limit for a minute is also the limit in a row, because a start that hangs takes a minute.
 */
export function respawnFailed(
  state: Respawning,
  { failure, atMs }: { readonly failure: Failure; readonly atMs: number },
  policy: Policy,
): Decision {
  const { attempt, pending, lost } = state;
  // A reload in progress says nothing: it was taking over from a process that is gone.
  if (!isOwnStart(attempt)) return startAgain(state, { failure, pauseMs: 0, policy });
  const failures = lost.failures + 1;
  const hasNews = pending.order !== null || pending.changedDuringRead;
  const pauseMs = hasNews ? 0 : respawnPauseMs(failures);
  const respawnedMs = failures < policy.respawn
    ? countRespawn(state.respawnedMs, atMs + pauseMs, policy.respawn)
    : null;
  const next = { ...state, lost: { ...lost, failures } };
  return respawnedMs === null
    ? giveUp(next, failure, policy)
    : startAgain({ ...next, respawnedMs }, { failure, pauseMs, policy });
}

/** From what is on disk, or, since that failed, from what served last. */
const isOwnStart = ({ cause }: Attempt) => cause.tag === "respawn" || cause.tag === "last_good";

function startAgain(
  { failed, ...state }: Respawning,
  { failure, pauseMs, policy: { respawn: limit, watch } }: {
    readonly failure: Failure;
    readonly pauseMs: number;
    readonly policy: Policy;
  },
): Decision {
  const { attempt: { number: generation }, lost, respawnedMs } = state;
  const { fingerprint } = failed?.attempt ?? state.attempt;
  const attempt: Attempt = {
    number: generation + 1,
    fingerprint: watch ? fingerprint : null,
    cause: causeOf(lost),
  };
  const respawn = respawnedMs.length;
  const entry = messages.respawnFailed({ generation, failure, pauseMs, respawn, limit });
  const pause = pauseMs > 0 ? { pauseMs } : {};
  return [
    // What came up is on disk when that is started.
    { ...state, attempt, pending: NOTHING_PENDING },
    [
      { name: "log", entry },
      { name: "discard", generation },
      { name: "start_handoff", attempt, takeOverFrom: null, ...pause },
    ],
  ];
}

function giveUp(
  { attempt: { number: generation }, lost }: Respawning,
  failure: Failure,
  { respawn: limit }: Policy,
): Decision {
  // A serving process that exited with 0 must not make this a success.
  const exitCode = lost.ending.code || exitCodeOf(failure);
  const haveAllFailed = lost.failures === limit;
  const facts = { generation, failure, limit, haveAllFailed, exitCode };
  return terminateAll(exitCode, messages.respawnsUsedUp(facts));
}

/** As during every start, but new content ends a pause, and the next try is compared with it. */
export function noteSettled(state: StateOf<"starting">, event: EventOf<"settled">): Decision {
  const { attempt } = state;
  const { fingerprint } = attempt.cause.tag === "respawn" ? event : attempt;
  const pending = pendingAfter(state, event);
  return cutPauseShort({ ...state, attempt: { ...attempt, fingerprint }, pending });
}

/** As during every start, but an order ends a pause. */
export function noteRequest(
  state: StateOf<"starting">,
  { order }: EventOf<"reload_requested">,
): Decision {
  return cutPauseShort({ ...state, pending: { ...state.pending, order } });
}

function cutPauseShort(state: StateOf<"starting">): Decision {
  const { lost, pending: { order, changedDuringRead } } = state;
  const mayPause = lost !== null && lost.failures > 0;
  return [
    state,
    mayPause && (order !== null || changedDuringRead) ? [{ name: "hurry_handoff" }] : [],
  ];
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
