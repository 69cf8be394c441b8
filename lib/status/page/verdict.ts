/** The state in one word and one sentence, for an operator. Pure. */
import { describeEnding } from "../../haproxy/process/process.ts";
import type { Awaited, Serving, StateOf } from "../../supervisor/state/state.ts";
import type { OpenFailure } from "../history/history.ts";
import { describeSeconds, describeTime } from "./times.ts";
import type { Snapshot } from "../history/snapshot.ts";

export interface Verdict {
  readonly tone: Tone;
  readonly word: string;
  readonly sentence: string;
}

/** `well`: what is on disk is served. `busy`: it soon will be. `bad`: nothing serves. */
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
        : degraded(state, history.failure, snapshot);
    case "leaving":
      return leaving(state, snapshot);
    case "draining":
      return draining(state, snapshot);
    case "stopping":
      return stopping(state, snapshot);
    case "ended":
      return verdict(
        "bad",
        "Ended",
        `All HAProxy processes are gone; the wrapper exits with ${state.exitCode}.`,
      );
    default:
      return state satisfies never;
  }
}

const verdict = (tone: Tone, word: string, sentence: string): Verdict => ({ tone, word, sentence });

type Staying = Exclude<Serving, { readonly name: "leaving" }>;

function starting({ attempt, lost }: StateOf<"starting">): Verdict {
  const start = `Generation ${attempt.number} is starting`;
  if (lost === null) return verdict("busy", "Starting", `${start}; nothing serves yet.`);
  const loss = `Generation ${lost.generation.number} ${describeEnding(lost.ending)} while serving`;
  return verdict("bad", "Respawning", `${loss}. ${start} in its place; nothing serves until then.`);
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
  return isQuiet
    ? verdict("well", "Serving", `${serves}; ${rest}.`)
    : verdict("busy", "Serving, changing", `${serves}; ${rest}.`);
}

function describeQuiet({ history, settings }: Snapshot): string {
  const [last] = history.changes;
  if (!settings.watch) return "changes wait for a signal";
  if (last === undefined || last.reason === "start") return "nothing has changed since the start";
  if (last.kind === "start") return "it replaced one that exited unexpectedly";
  return last.result === "success"
    ? "the last change is live"
    : "the last change was rejected and reverted";
}

function degraded(
  state: Staying,
  { sinceMs, reason }: OpenFailure,
  snapshot: Snapshot,
): Verdict {
  const { number, lastGood } = state.service.serving;
  const time = (ms: number) => `${describeTime(ms, snapshot.nowMs)} UTC`;
  const serves = lastGood === undefined
    ? `Generation ${number} serves`
    : `Generation ${number} serves the last good files (of ${time(lastGood.recordedMs)})`;
  const change = lastGood === undefined
    ? `the change of ${time(sinceMs)} was rejected`
    : "what is on disk does not start";
  const next = describeNext(state, snapshot);
  return verdict("degraded", "Degraded", `${serves}; ${change}: ${reason}; ${next}.`);
}

const WAITS: Readonly<Record<Awaited, readonly [intro: string, reason: string]>> = {
  interval: [" ", " (--min-reload-interval)"],
  tables: [" at most ", " until its stick-tables can be passed on"],
  renewal: [" at most ", " until it has obtained the certificate that it has ordered"],
};

function describeNext(state: Staying, snapshot: Snapshot): string {
  switch (state.name) {
    case "serving":
      return snapshot.settings.watch ? "retry when a file changes" : "retry at the next signal";
    case "delaying": {
      const what = state.order === null ? "a new change" : `the reload by ${state.order}`;
      const [intro, reason] = WAITS[state.awaits];
      return `${what} waits${describeWait(snapshot, intro)}${reason}`;
    }
    case "retrying": {
      if (state.service.rejected?.awaited !== undefined) {
        return `a reload waits${describeWait(snapshot, " at most ")} for new files to be whole`;
      }
      const wait = state.isDue ? "" : describeWait(snapshot, " in ");
      return `retry${wait || " as soon as the files are quiet"}`;
    }
    case "reloading":
      return `generation ${state.attempt.number} is starting`;
    case "hot_applying":
      return "changed files are being hot-applied";
    default:
      return state satisfies never;
  }
}

/** Empty once the wait is over. */
function describeWait({ history, nowMs }: Snapshot, intro: string): string {
  const waitMs = (history.timerDueMs ?? nowMs) - nowMs;
  return waitMs > 0 ? `${intro}${describeSeconds(Math.max(waitMs, 1_000))}` : "";
}

function leaving({ service: { serving } }: StateOf<"leaving">, snapshot: Snapshot): Verdict {
  const wait = describeWait(snapshot, " for another ") || " for another moment";
  return verdict(
    "leaving",
    "Leaving",
    `Not ready: generation ${serving.number} serves${wait}, then finishes its connections.`,
  );
}

function draining({ exitCode }: StateOf<"draining">, { history }: Snapshot): Verdict {
  const number = history.processes.size;
  const finishing = number === 1
    ? "1 process finishes its own"
    : `${number} processes finish theirs`;
  return verdict(
    "leaving",
    "Draining",
    `No new connections: ${finishing}, then the wrapper exits with ${exitCode}.`,
  );
}

function stopping({ exitCode }: StateOf<"stopping">, { history }: Snapshot): Verdict {
  const { failure, lastSuccessMs } = history;
  const what = failure === null || lastSuccessMs !== null
    ? "All HAProxy processes are being stopped"
    : `Generation ${failure.generation} did not start: ${failure.reason}; nothing serves`;
  return verdict("bad", "Stopping", `${what}; the wrapper exits with ${exitCode}.`);
}
