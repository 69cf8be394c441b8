/**
 * What follows a bug in the wrapper: the serving generation keeps serving, and what broke counts as failed.
 * The wrapper ends only if it was asked to, or cannot continue. Pure.
 */
import { EXIT } from "../../exit_codes.ts";
import type { HotApplyOutcome, HotApplyRequest } from "../../hot_apply/hot_apply.ts";
import { pathsOf } from "../../loaded/targets.ts";
import { UNKNOWN_MARK } from "../../watch/scan/fingerprint.ts";
import * as messages from "../messages/reload_messages.ts";
import type { Decision, Event, EventOf } from "../state/events.ts";
import type { Serving, StateOf } from "../state/state.ts";
import { drainAll, finish, terminateAll } from "./shutdown.ts";

type Bug = EventOf<"bug">;

/** Stands in for the end of a start or hot apply that never comes, or on which the decision failed. */
export function standIn({ broken, description, atMs }: Bug): Event | null {
  switch (broken?.name) {
    case "start_handoff":
    case "handoff_ended": {
      const failure = { tag: "bug", description } as const;
      const outcome = { tag: "failed", failure, mayPass: true, alerts: [] } as const;
      return { name: "handoff_ended", outcome, atMs };
    }
    case "hot_apply":
      return { name: "hot_apply_ended", outcome: interrupted(broken.request), atMs };
    case "hot_apply_ended":
      return { name: "hot_apply_ended", outcome: unconfirmed(broken.outcome), atMs };
    default:
      return null;
  }
}

/** After a timer's event was lost, the timer is set to this. */
const LOST_TIMER_MS = 1_000;

/** Keeps serving, unless the bug swallowed a request to end or the end of the serving process. */
export function serveOn(state: Serving, { broken }: Bug): Decision {
  switch (broken?.name) {
    case "process_ended":
      if (broken.end.generation !== state.service.serving.number) return [state, []];
      return drainForBug(state);
    case "stop_requested":
    case "drain_requested":
      return drainForBug(state);
    case "timer_due":
      return [state, [{ name: "set_timer", delayMs: LOST_TIMER_MS }]];
    default:
      return [state, []];
  }
}

/** Nothing serves, so ending loses nothing, and a restart gives a fresh wrapper. */
export function giveUpStart(state: StateOf<"starting">, { broken }: Bug): Decision {
  const isEnd = broken?.name === "stop_requested" || broken?.name === "drain_requested";
  return broken === null || isEnd ? drainForBug(state) : [state, []];
}

/** Old processes finish their connections, provided that they were asked to. */
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

/** There may be no process left to wait for. */
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

/** Which files the process has now is unknown, so a reload must follow. */
function interrupted({ changed, before }: HotApplyRequest): HotApplyOutcome {
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
  applied: [],
  refused: [],
  fitInMs: null,
  next: { tag: "reload", reason: "a bug in the wrapper" },
} as const;
