/** The state in one word and one sentence, for an operator. Pure. */
import { describeEnding } from "../../haproxy/process/process.ts";
import type { Serving, StateOf } from "../../supervisor/state/state.ts";
import type { OpenFailure } from "../model/history.ts";
import { describeSeconds, describeTime } from "./times.ts";
import type { Snapshot } from "../model/snapshot.ts";

export interface Verdict {
  readonly tone: Tone;
  readonly word: string;
  readonly sentence: string;
}

/** `well`: what is wanted is served. `busy`: it will be in a moment. `bad`: nothing is served. */
export type Tone = "well" | "busy" | "degraded" | "leaving" | "bad";

export function verdictOf(snapshot: Snapshot): Verdict {
  const { state, history } = snapshot;
  switch (state.name) {
    case "starting":
      return starting(state);
    case "serving":
    case "delaying":
    case "retrying":
    case "reloading":
    case "hot_applying":
      return history.failure === null
        ? serving(state, snapshot)
        : degraded(state, history.failure, { snapshot });
    case "leaving":
      return leaving(state, snapshot);
    case "draining":
      return draining(state, snapshot);
    case "stopping":
      return stopping(state, snapshot);
    case "ended":
      return {
        ...{ tone: "bad", word: "Ended" },
        sentence: `All HAProxy processes are gone; the wrapper ends with ${state.exitCode}.`,
      };
    default:
      return state satisfies never;
  }
}

type Staying = Exclude<Serving, { readonly name: "leaving" }>;

function starting({ attempt, lost }: StateOf<"starting">): Verdict {
  const start = `Generation ${attempt.number} is starting`;
  return lost === null
    ? { tone: "busy", word: "Starting", sentence: `${start}; nothing serves yet.` }
    : {
      ...{ tone: "bad", word: "Respawning" },
      sentence: `Generation ${lost.generation.number} ${
        describeEnding(lost.ending)
      } although it was to serve. ${start} in its place; nothing serves until then.`,
    };
}

function serving(state: Staying, snapshot: Snapshot): Verdict {
  const { history, nowMs } = snapshot;
  const { number } = state.service.serving;
  const sinceMs = history.processes.get(number)?.servingSinceMs;
  const serves = sinceMs === undefined
    ? `Generation ${number} serves`
    : `Generation ${number} has served for ${describeSeconds(nowMs - sinceMs)}`;
  const isQuiet = state.name === "serving";
  const rest = isQuiet ? describeQuiet(snapshot) : describeNext(state, snapshot);
  return {
    tone: isQuiet ? "well" : "busy",
    word: isQuiet ? "Serving" : "Serving, changing",
    sentence: `${serves}; ${rest}.`,
  };
}

function describeQuiet({ history, settings }: Snapshot): string {
  const [last] = history.changes;
  if (!settings.watch) return "changes wait for a signal";
  if (last === undefined || last.reason === "start") return "nothing has changed since the start";
  if (last.kind === "start") return "it took the place of one that ended by itself";
  return last.result === "success"
    ? "the last change is live"
    : "the files are again what it serves";
}

function degraded(
  state: Staying,
  { sinceMs, reason }: OpenFailure,
  { snapshot }: { readonly snapshot: Snapshot },
): Verdict {
  const { number, lastGood } = state.service.serving;
  const time = (ms: number) => `${describeTime(ms, snapshot.nowMs)} UTC`;
  const serves = lastGood === undefined
    ? `Generation ${number} serves`
    : `Generation ${number} serves from files that were recorded (${time(lastGood.recordedMs)})`;
  const change = lastGood === undefined
    ? `the change of ${time(sinceMs)} was rejected`
    : "what is on disk does not start";
  const next = describeNext(state, snapshot);
  return {
    ...{ tone: "degraded", word: "Degraded" },
    sentence: `${serves}; ${change}: ${reason}; ${next}.`,
  };
}

function describeNext(state: Staying, snapshot: Snapshot): string {
  switch (state.name) {
    case "serving":
      return `tried again ${
        snapshot.settings.watch ? "when a source changes" : "at the next signal"
      }`;
    case "delaying": {
      const what = state.order === null ? "a new change" : `the reload by ${state.order}`;
      return state.awaits === "interval"
        ? `${what} waits${describeWait(snapshot, " ")}, as reloads are kept apart`
        : `${what} waits${
          describeWait(snapshot, ", at most ")
        }, until it can pass its stick-tables on`;
    }
    case "retrying": {
      if (state.service.rejected?.awaited !== undefined) {
        return `a reload waits${describeWait(snapshot, " at most ")} for new files to be whole`;
      }
      const wait = state.isDue ? "" : describeWait(snapshot, " in ");
      return `tried again${wait || " as soon as the files are quiet"}`;
    }
    case "reloading":
      return `generation ${state.attempt.number} is starting`;
    case "hot_applying":
      return "changed files are being given to it";
    default:
      return state satisfies never;
  }
}

/** Nothing where the wait is over. */
function describeWait({ history, nowMs }: Snapshot, intro: string): string {
  const waitMs = (history.timerDueMs ?? nowMs) - nowMs;
  return waitMs > 0 ? `${intro}${describeSeconds(Math.max(waitMs, 1_000))}` : "";
}

function leaving({ service: { serving } }: StateOf<"leaving">, snapshot: Snapshot): Verdict {
  const wait = describeWait(snapshot, " for ") || " for a moment";
  return {
    ...{ tone: "leaving", word: "Leaving" },
    sentence:
      `Not ready any more: generation ${serving.number} serves on${wait}, then finishes its connections.`,
  };
}

function draining({ exitCode }: StateOf<"draining">, { history }: Snapshot): Verdict {
  const number = history.processes.size;
  const finishing = number === 1 ? "1 process finishes" : `${number} processes finish`;
  return {
    ...{ tone: "leaving", word: "Draining" },
    sentence:
      `No new connection is accepted: ${finishing} what is left, then the wrapper ends with ${exitCode}.`,
  };
}

function stopping({ exitCode }: StateOf<"stopping">, { history }: Snapshot): Verdict {
  const { failure, lastSuccessMs } = history;
  const what = failure === null || lastSuccessMs !== null
    ? "All HAProxy processes are being ended"
    : `Generation ${failure.generation} did not start: ${failure.reason}; nothing serves`;
  return {
    ...{ tone: "bad", word: "Stopping" },
    sentence: `${what}; the wrapper ends with ${exitCode}.`,
  };
}
