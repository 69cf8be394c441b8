/** Decides when a reload is started. Pure. */
import type { Fingerprint } from "../watch/fingerprint.ts";
import type {
  Action,
  Cause,
  Content,
  Decision,
  EventOf,
  Pending,
  Service,
  State,
  StateOf,
} from "./events.ts";
import * as messages from "./messages.ts";

/** The settings that decisions depend on. */
export interface Policy {
  readonly maxDraining: number;
  readonly minReloadIntervalMs: number;
  /** Whether changes are watched for. */
  readonly watch: boolean;
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
  const known = [digestOf(serving), digestOf(rejected)];
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
  if (digestOf(state.rejected) === digest) {
    return considerRetry(state, { fingerprint, atMs });
  }
  if (digestOf(state.serving) === digest) return settleBack(state);
  const isSame = state.serving.fingerprint?.digest === digest;
  const cause: Cause = { tag: isSame ? "moved" : "change" };
  const waitMs = state.lastStartMs + minReloadIntervalMs - atMs;
  if (waitMs <= 0) return startReload(state, { fingerprint, cause, atMs });
  return state.name === "holding" ? [state, []] : [
    { ...serviceOf(state), name: "holding", deadline: "timer" },
    [{ name: "set_timer", delayMs: Math.ceil(waitMs) }],
  ];
}

/** What was rejected is on disk still, or again. */
function considerRetry(
  state: Idle,
  { fingerprint, atMs }: { readonly fingerprint: Fingerprint; readonly atMs: number },
): Decision {
  if (state.name === "holding") return [idle(state), [{ name: "clear_timer" }]];
  if (state.name === "serving" || !state.isDue) return [state, []];
  return startReload(state, { fingerprint, cause: { tag: "retry" }, atMs });
}

/** The pause of a retry is over; the sources may be in the middle of a change. */
export function retryWhenSettled(state: StateOf<"retrying">): Decision {
  return [{ ...state, isDue: true }, [{ name: "look_for_retry" }]];
}

/** A signal's reload waits for nothing, and does not need a change. */
export function reloadNow(
  state: Idle,
  { signal, fingerprint, atMs }: EventOf<"reload_requested">,
): Decision {
  return startReload(state, { fingerprint, cause: { tag: "signal", signal }, atMs });
}

/** The sources have settled during a handoff: on something else than what it was started with? */
export function noteSettled<S extends Busy>(
  state: S,
  { fingerprint }: EventOf<"settled">,
): Decision {
  const moved = fingerprint.digest !== state.attempt.fingerprint?.digest;
  return [{ ...state, pending: { ...state.pending, moved: state.pending.moved || moved } }, []];
}

export function noteRequest<S extends Busy>(
  state: S,
  { signal }: EventOf<"reload_requested">,
): Decision {
  return [{ ...state, pending: { ...state.pending, signal } }, []];
}

/** Nobody knows what that generation has read, so what is on disk counts as another content. */
export function forgetContent<S extends Idle | StateOf<"reloading">>(
  state: S,
  { generation }: EventOf<"moved">,
): Decision {
  const look: Action = { name: "look_soon" };
  if (state.serving.number === generation) {
    return [{ ...state, serving: { ...state.serving, moved: true } }, [look]];
  }
  if (state.rejected?.generation !== generation) return [state, []];
  return [{ ...state, rejected: { ...state.rejected, moved: true } }, [look]];
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

/** What is known to have been read; `null` if that is nothing. */
function digestOf(content: Content | null): string | null {
  return content === null || content.moved ? null : content.fingerprint?.digest ?? null;
}

/** What all states have in common in which a generation serves, without what is special to this one. */
export function serviceOf(state: Service): Service {
  const { serving, draining, ending, lastGeneration, lastStartMs, rejected } = state;
  return { serving, draining, ending, lastGeneration, lastStartMs, rejected };
}
