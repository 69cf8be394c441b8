/** What follows when the serving generation ends by itself: a respawn, or the end of the wrapper. Pure. */
import { retryDelayMs } from "../../backoff.ts";
import { exitCodeOf, type Failure } from "../../haproxy/failure/failure.ts";
import * as messages from "../messages/respawn_messages.ts";
import type { Decision, EventOf, Policy } from "../state/events.ts";
import type { Attempt, Lost, Serving, StateOf } from "../state/state.ts";
import { NOTHING_PENDING, pendingAfter } from "./pending.ts";
import { terminateAll } from "./shutdown.ts";

/** Respawns, unless a reload is already starting a generation, which then takes the dead one's place. */
export function servingDied(
  state: Serving,
  { end, atMs }: EventOf<"process_ended">,
  policy: Policy,
): Decision {
  const { ending } = end;
  const { respawn: limit } = policy;
  const { serving, past: before } = state.service;
  if (state.name === "leaving") return terminateAll(ending.code, messages.servingDied(end, 0));
  const respawnedMs = countRespawn(before.respawnedMs, atMs, limit);
  if (respawnedMs === null) return terminateAll(ending.code, messages.servingDied(end, limit));
  const past = { ...before, respawnedMs };
  const lost: Lost = { generation: serving, ending, failures: 0 };
  const counts = { respawn: respawnedMs.length, limit };
  if (state.name === "reloading") {
    const { attempt, pending } = state;
    const facts = { generation: attempt.number, isStarted: true, ...counts };
    const log = { name: "log", entry: messages.respawning(end, facts) } as const;
    return [{ name: "starting", attempt, pending, lost, past }, [log]];
  }
  const attempt = attemptAfter(state, lost, policy);
  const facts = { generation: attempt.number, isStarted: false, ...counts };
  return [
    { name: "starting", attempt, pending: NOTHING_PENDING, lost, past },
    [
      { name: "log", entry: messages.respawning(end, facts) },
      ...state.name === "hot_applying" ? [{ name: "cancel_hot_apply" } as const] : [],
      { name: "clear_timer" },
      { name: "start_handoff", attempt, takeOverFrom: null },
    ],
  ];
}

/** Starts from the files on disk without a scan, which would take time; the scan afterwards compares them. */
function attemptAfter(
  state: Exclude<Serving, StateOf<"reloading" | "leaving">>,
  lost: Lost,
  { watch }: Policy,
): Attempt {
  const { serving, rejected, lastGeneration } = state.service;
  const seen = state.name === "hot_applying"
    ? state.attempt.fingerprint
    : rejected?.fingerprint ?? serving.fingerprint;
  // Without a watch no scan follows.
  return { number: lastGeneration + 1, fingerprint: watch ? seen : null, cause: causeOf(lost) };
}

const causeOf = ({ generation: { number }, ending }: Lost) =>
  ({ tag: "respawn", lost: number, ending }) as const;

type Respawning = StateOf<"starting"> & { readonly lost: Lost };

/**
 * Tries again unless the respawns are used up. The limit per minute also limits failures in a row, because a
 * start that hangs takes a minute.
 */
export function respawnFailed(
  state: Respawning,
  { failure, atMs }: { readonly failure: Failure; readonly atMs: number },
  policy: Policy,
): Decision {
  const { attempt, pending, lost, past } = state;
  // A reload's failure does not count: it was taking over from a process that is gone.
  if (!isRespawn(attempt)) return startAgain(state, { failure, pauseMs: 0, policy });
  const failures = lost.failures + 1;
  const hasNews = pending.order !== null || pending.changedDuringRead;
  const pauseMs = hasNews ? 0 : respawnPauseMs(failures);
  const respawnedMs = failures < policy.respawn
    ? countRespawn(past.respawnedMs, atMs + pauseMs, policy.respawn)
    : null;
  const next = { ...state, lost: { ...lost, failures } };
  return respawnedMs === null
    ? giveUp(next, failure, policy)
    : startAgain({ ...next, past: { ...past, respawnedMs } }, { failure, pauseMs, policy });
}

/** From the files on disk, or from the last good set after these have failed. */
const isRespawn = ({ cause }: Attempt) => cause.tag === "respawn" || cause.tag === "last_good";

function startAgain(
  { failed, ...state }: Respawning,
  { failure, pauseMs, policy: { respawn: limit, watch } }: {
    readonly failure: Failure;
    readonly pauseMs: number;
    readonly policy: Policy;
  },
): Decision {
  const { attempt: { number: generation }, lost, past } = state;
  const { fingerprint } = failed?.attempt ?? state.attempt;
  const attempt: Attempt = {
    number: generation + 1,
    fingerprint: watch ? fingerprint : null,
    cause: causeOf(lost),
  };
  const respawn = past.respawnedMs.length;
  const entry = messages.respawnFailed({ generation, failure, pauseMs, respawn, limit });
  const pause = pauseMs > 0 ? { pauseMs } : {};
  return [
    // The next start reads any change from the disk.
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

/** As in every start, but new content ends a pause, and the next attempt is compared with it. */
export function noteSettled(state: StateOf<"starting">, event: EventOf<"settled">): Decision {
  const { attempt } = state;
  const { fingerprint } = attempt.cause.tag === "respawn" ? event : attempt;
  const pending = pendingAfter(state, event);
  return cutPauseShort({ ...state, attempt: { ...attempt, fingerprint }, pending });
}

/** As in every start, but an order ends a pause. */
export function noteOrder(
  state: StateOf<"starting">,
  { order }: EventOf<"reload_requested">,
): Decision {
  return cutPauseShort({ ...state, pending: { ...state.pending, order } });
}

function cutPauseShort(state: StateOf<"starting">): Decision {
  const { lost, pending: { order, changedDuringRead } } = state;
  const mayPause = lost !== null && lost.failures > 0;
  const isCut = mayPause && (order !== null || changedDuringRead);
  return [state, isCut ? [{ name: "hurry_handoff" }] : []];
}

const MINUTE_MS = 60_000;

/** The respawns in the minute before `atMs` plus one at `atMs`; `null` if that exceeds `limit`. */
function countRespawn(
  respawnedMs: readonly number[],
  atMs: number,
  limit: number,
): readonly number[] | null {
  const recent = respawnedMs.filter((startedMs) => startedMs > atMs - MINUTE_MS);
  return recent.length < limit ? [...recent, atMs] : null;
}

const LONGEST_PAUSE_MS = 5_000;

/** 1 s, 2 s, 4 s, then 5 s each: short, because nothing serves meanwhile. */
const respawnPauseMs = (failures: number) => Math.min(LONGEST_PAUSE_MS, retryDelayMs(failures));
