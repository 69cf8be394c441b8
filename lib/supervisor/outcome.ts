/** Decides what the outcome of a handoff means: for the new generation, the old one, and a next try. Pure. */
import { exitCodeOf, type Failure } from "../haproxy/failure.ts";
import { changedPaths } from "../watch/fingerprint.ts";
import type {
  Action,
  Decision,
  EventOf,
  Generation,
  Rejected,
  Service,
  StateOf,
} from "./events.ts";
import * as messages from "./messages.ts";
import { type Policy, retryDelayMs, serviceOf } from "./reload.ts";

/** The first handoff has ended: without a generation that serves there is nothing to keep. */
export function endStart(
  state: StateOf<"starting">,
  { outcome }: EventOf<"handoff_ended">,
): Decision {
  const { attempt } = state;
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
          serving: loaded(state),
          draining: [],
          ending: [],
          lastGeneration: attempt.number,
          lastStartMs: -Infinity,
          rejected: null,
        },
        [
          { name: "log", entry: messages.serves({ ...facts, changed: [], draining: 0 }) },
          followUp(state),
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
      return keepServing(state, outcome, policy);
    default:
      return outcome satisfies never;
  }
}

function replaceServing(
  state: StateOf<"reloading">,
  durationMs: number,
  { maxDraining }: Policy,
): Decision {
  const { attempt, serving } = state;
  const all = [...state.draining, serving.number];
  const surplus = all.slice(0, Math.max(0, all.length - maxDraining));
  const draining = all.slice(surplus.length);
  const service: Service = {
    ...serviceOf(state),
    serving: loaded(state),
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
      followUp(state),
    ],
  ];
}

function keepServing(
  state: StateOf<"reloading">,
  { failure, mayPass }: { readonly failure: Failure; readonly mayPass: boolean },
  { watch }: Policy,
): Decision {
  const { attempt, serving } = state;
  const failures = attempt.cause.tag === "retry" ? (state.rejected?.failures ?? 0) + 1 : 1;
  const { number: generation, ...content } = loaded(state);
  const rejected: Rejected = { ...content, generation, failures };
  const retryMs = mayPass ? retryDelayMs(failures) : null;
  const service = { ...serviceOf(state), rejected };
  const changed = changedPaths(serving.fingerprint, attempt.fingerprint);
  const facts = { generation, serving: serving.number, failure, retryMs, changed, watch };
  const always: Action[] = [
    { name: "log", entry: messages.rejected(facts) },
    { name: "discard", generation },
    followUp(state),
  ];
  return retryMs === null
    ? [{ ...service, name: "serving", deadline: "none" }, always]
    : [{ ...service, name: "retrying", deadline: "timer", isDue: false }, [
      ...always,
      { name: "set_timer", delayMs: retryMs },
    ]];
}

function loaded({ attempt, pending }: StateOf<"starting" | "reloading">): Generation {
  return { number: attempt.number, fingerprint: attempt.fingerprint, moved: pending.moved };
}

/** A reload that was asked for during the handoff comes next; else a look tells whether one is needed. */
function followUp({ attempt, pending }: StateOf<"starting" | "reloading">): Action {
  const { number: generation, fingerprint } = attempt;
  if (pending.signal !== null) return { name: "look_and_reload", signal: pending.signal };
  if (pending.moved || fingerprint === null) return { name: "look_soon" };
  return { name: "verify", generation, fingerprint };
}
