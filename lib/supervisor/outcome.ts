/** Decides what the outcome of a handoff means: for the new generation, the old one, and a next try. Pure. */
import { exitCodeOf, type Failure } from "../haproxy/failure.ts";
import { changedPaths } from "../watch/fingerprint.ts";
import type { Action, Decision, EventOf, Pending, Rejected, Service, StateOf } from "./events.ts";
import * as messages from "./messages.ts";
import { type Policy, retryDelayMs, serviceOf } from "./reload.ts";

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
          ending: [],
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
  const all = [...state.draining, serving.number];
  const surplus = all.slice(0, Math.max(0, all.length - maxDraining));
  const draining = all.slice(surplus.length);
  const service: Service = {
    ...serviceOf(state),
    serving: attempt,
    draining,
    ending: [...state.ending, ...surplus],
    rejected: null,
  };
  const entry = messages.serves({
    generation: attempt.number,
    durationMs,
    cause: attempt.cause,
    changed: changedPaths(serving.fingerprint, attempt.fingerprint),
    draining: draining.length,
  });
  return [
    { ...service, name: "serving", deadline: "none" },
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

/** What was asked for during a handoff, with a new look, since the one before is out of date. */
function followUp({ signal, moved }: Pending): Action {
  if (signal !== null) return { name: "look_and_reload", cause: { tag: "signal", signal } };
  if (moved) return { name: "look_and_reload", cause: { tag: "moved" } };
  return { name: "look_soon" };
}
