/**
 * Decides what follows a bug in the wrapper: what serves keeps serving, and what broke counts as failed. Only
 * what was to end, or has nothing to go on with, ends by it. Pure.
 */
import { EXIT } from "../../exit_codes.ts";
import type { HotApplyOutcome, HotApplyRequest } from "../../hot_apply/hot_apply.ts";
import { pathsOf } from "../../loaded/targets.ts";
import { UNKNOWN_MARK } from "../../watch/scan/fingerprint.ts";
import { drainAll, finish, type Serving, terminateAll } from "./shutdown.ts";
import type { Decision, Event, EventOf, StateOf } from "../state/events.ts";
import * as messages from "../messages/messages.ts";

type Bug = EventOf<"bug">;

/** What stands for the end of a start or a change in place that never comes, or that nobody could decide on. */
export function standIn({ broken, description, atMs }: Bug): Event | null {
  switch (broken?.name) {
    case "start_handoff":
    case "handoff_ended": {
      const failure = { tag: "bug", description } as const;
      const outcome = { tag: "failed", failure, mayPass: true, alerts: [] } as const;
      return { name: "handoff_ended", outcome, atMs };
    }
    case "hot_apply":
      return { name: "hot_apply_ended", outcome: brokenOff(broken.request), atMs };
    case "hot_apply_ended":
      return { name: "hot_apply_ended", outcome: unconfirmed(broken.outcome), atMs };
    default:
      return null;
  }
}

/** How long it takes until what broke is tried again. */
const AGAIN_MS = 1_000;

/** It serves on, unless the bug has kept it from hearing that it is to end, or that it has ended. */
export function serveOn<S extends Serving>(state: S, { broken }: Bug): Decision {
  switch (broken?.name) {
    case "process_ended":
      return broken.end.generation === state.serving.number ? drainForBug(state) : [state, []];
    case "stop_requested":
    case "drain_requested":
      return drainForBug(state);
    case "timer_due":
      return [state, [{ name: "set_timer", delayMs: AGAIN_MS }]];
    default:
      return [state, []];
  }
}

/** Nothing serves, so ending loses nothing, and the restarted wrapper is a sound one. */
export function giveUpStart(state: StateOf<"starting">, { broken }: Bug): Decision {
  const isEnd = broken?.name === "stop_requested" || broken?.name === "drain_requested";
  return broken === null || isEnd ? drainForBug(state) : [state, []];
}

/** Old processes finish what they have, if they were asked to drain. */
export function drainOn(state: StateOf<"draining">, { broken }: Bug): Decision {
  switch (broken?.name) {
    case "fleet_empty":
      return finish({ exitCode: EXIT.SOFTWARE });
    case "drain_all":
    case "stop_requested":
      return terminateAll(EXIT.SOFTWARE, messages.endsForBug("is terminated"));
    default:
      return [state, []];
  }
}

/** There may be no process left. */
export function stopOn(state: StateOf<"stopping">, { broken }: Bug): Decision {
  switch (broken?.name) {
    case "fleet_empty":
      return finish({ exitCode: EXIT.SOFTWARE });
    case "terminate_all":
    case "stop_requested":
      return [{ ...state, exitCode: EXIT.SOFTWARE }, [
        { name: "log", entry: messages.endsForBug("is killed") },
        { name: "kill_all" },
      ]];
    default:
      return [state, []];
  }
}

const drainForBug = (state: Serving | StateOf<"starting">): Decision =>
  drainAll(state, EXIT.SOFTWARE, messages.endsForBug("is asked to drain"));

/** Nobody knows which of the files the process has now, so only a reload makes sure. */
function brokenOff({ changed, before }: HotApplyRequest): HotApplyOutcome {
  const paths = changed.flatMap(pathsOf);
  const unknown = paths.filter((path) => before.files.has(path))
    .map((path) => [path, UNKNOWN_MARK] as const);
  const fingerprint = { digest: "unknown", files: new Map([...before.files, ...unknown]) };
  return { ...RELOADED, fingerprint, unconfirmed: changed };
}

function unconfirmed({ fingerprint, applied, unconfirmed }: HotApplyOutcome): HotApplyOutcome {
  const targets = applied.map(({ target }) => target);
  return { ...RELOADED, fingerprint, unconfirmed: [...targets, ...unconfirmed] };
}

const RELOADED = {
  ...{ applied: [], refused: [], fitInMs: null },
  next: { tag: "reload", reason: "a bug in the wrapper" },
} as const;
