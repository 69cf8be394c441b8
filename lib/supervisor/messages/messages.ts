/** What the supervisor says of its decisions, one entry each. Pure. */
import { EXIT } from "../../exit_codes.ts";
import { KILL_AFTER_MS } from "../../haproxy/drain/draining.ts";
import { describeFailure, type Failure } from "../../haproxy/failure/failure.ts";
import type { PauseEnd } from "../../haproxy/handoff/pause.ts";
import { describeEnding } from "../../haproxy/process/process.ts";
import type { Applied, Refused } from "../../hot_apply/hot_apply.ts";
import type { NotWhole } from "../../hot_apply/newcomers.ts";
import type { Use } from "../../loaded/targets.ts";
import type { LogEntry } from "../../system/log.ts";
import { formatDuration } from "../../text/duration.ts";
import type { DrainSignal, StopSignal } from "../../system/signals.ts";
import type { LastGood } from "../../last_good/manifest.ts";
import { abridged } from "../../watch/scan/fingerprint.ts";
import type { Attempt, Cause, Generation, Left } from "../state/events.ts";
import { describeLeft } from "./leftover_messages.ts";

export interface ServesFacts {
  readonly generation: number;
  readonly durationMs: number;
  readonly cause: Cause;
  /** `null`: nobody knows. */
  readonly changed: readonly string[] | null;
  readonly draining: number;
}

export function serves(
  { generation, durationMs, cause, changed, draining }: ServesFacts,
): LogEntry {
  const ready = `generation ${generation} serves, ready after ${formatDuration(durationMs)}`;
  const files = changed?.length === 0 ? ", nothing changed" : listOf(changed, ", changed: ");
  return {
    level: "info",
    text: cause.tag === "start"
      ? ready
      : `${ready}; ${describeCause(cause)}${files}; ${
        count(draining, "old process", "es")
      } draining`,
    fields: {
      generation,
      reason: describeCause(cause),
      durationMs: Math.round(durationMs),
      ...changed === null ? {} : { changed: abridged(changed) },
      draining,
    },
  };
}

export function notStarted(
  { number: generation, cause }: Pick<Attempt, "number" | "cause">,
  { failure, exitCode, left = [] }: {
    readonly failure: Failure;
    readonly exitCode: number;
    readonly left?: readonly Left[] | undefined;
  },
): LogEntry {
  const reason = describeFailure(failure);
  const serving = left.length === 0 ? "nothing serves" : describeLeft(left);
  const which = cause.tag === "last_good" ? `, ${describeCause(cause)},` : "";
  return {
    level: "error",
    text: `generation ${generation}${which} did not start: ${reason}; ` +
      `${serving}, ending with ${exitCode}`,
    fields: { generation, reason, exitCode },
  };
}

export function fellBack(
  generation: number,
  { failure, lastGood }: { readonly failure: Failure; readonly lastGood: LastGood },
): LogEntry {
  const reason = describeFailure(failure);
  const { keptMs, directory } = lastGood;
  return {
    level: "error",
    text: `generation ${generation} did not start: ${reason}; generation ${generation + 1} is ` +
      `started from what served last (${new Date(keptMs).toISOString()}, kept in "${directory}")`,
    fields: { generation, reason },
  };
}

export interface RejectedFacts {
  readonly generation: number;
  readonly serving: Pick<Generation, "number" | "lastGood">;
  readonly failure: Failure;
  /** `null`: there is none. */
  readonly retryMs: number | null;
  /** Whether changes are watched for. */
  readonly watch: boolean;
  /** `null`: nobody knows. */
  readonly changed: readonly string[] | null;
}

export function rejected(facts: RejectedFacts): LogEntry {
  const { generation, serving, failure, retryMs, watch, changed } = facts;
  const reason = describeFailure(failure);
  const next = retryMs === null
    ? `tried again ${watch ? "when a source changes" : "at the next signal"}`
    : `tried again in ${formatDuration(retryMs)}`;
  const files = changed?.length ? ` (changed: ${quoted(changed)})` : "";
  const origin = serving.lastGood === undefined ? "" : " from what served last,";
  return {
    level: "error",
    text: `generation ${generation} rejected: ${reason}${files}; ` +
      `generation ${serving.number} keeps serving,${origin} ${next}`,
    fields: { generation, reason, ...changed === null ? {} : { changed: abridged(changed) } },
  };
}

export function notListed(generation: number): LogEntry {
  return {
    level: "warning",
    text: `generation ${generation} does not say which files it loaded, or says too many; ` +
      "until the next reload only those that the configuration names are watched, and none is changed in place",
    fields: { generation, reason: "no answer" },
  };
}

export function serverStateLost(
  generation: number,
  { from, reason }: { readonly from: number | null; readonly reason: string },
): LogEntry {
  return {
    level: "warning",
    text: `cannot keep the state of generation ${from}'s servers: ${reason}; ` +
      `generation ${generation} starts with what the configuration says of them`,
    fields: { generation, reason },
  };
}

export function pauseEnded(end: PauseEnd): LogEntry {
  const { serving, generation, frontends, durationMs: ms } = end;
  const durationMs = Math.round(ms);
  const which = `${frontends.length === 1 ? "frontend" : "frontends"} ${quoted(frontends)}`;
  const paused =
    `for ${durationMs} ms nobody listened for ${which}: paused in generation ${serving}`;
  return {
    level: end.tag === "not_resumed" ? "error" : "warning",
    text: `${paused} so that generation ${generation} could bind its ports; ${PAUSE_ENDS[end.tag]}`,
    fields: { generation, reason: "bind conflict", durationMs },
  };
}

const PAUSE_ENDS: Readonly<Record<PauseEnd["tag"], string>> = {
  superseded: "that one listens now",
  resumed: "that did not serve, and the old one listens again",
  not_resumed: "that did not serve, and the old one does not listen again: restart the wrapper",
};

/** One line for each of the first files, and one for all others. */
export function hotApplied(all: readonly Applied[], generation: number): LogEntry[] {
  const lines = all.slice(0, MOST_PATHS).map((one) => hotAppliedOne(one, generation));
  const others = all.slice(MOST_PATHS).map(({ use }) => use.path);
  if (others.length === 0) return lines;
  const text = `${others.length} more files updated in generation ${generation} without a reload`;
  return [...lines, { level: "info", text, fields: { generation, reason: "hot_applied" } }];
}

function hotAppliedOne({ use, detail, durationMs }: Applied, generation: number): LogEntry {
  const elapsedMs = Math.round(durationMs);
  return {
    level: "info",
    text: `${NOUNS[use.tag]} "${use.path}" updated in generation ${generation} ` +
      `without a reload in ${elapsedMs} ms (${detail})`,
    fields: { generation, reason: "hot_applied", durationMs: elapsedMs, changed: [use.path] },
  };
}

/** One line for each of the first files, and one for all others. `isReloaded`: for another reason. */
export function refused(
  all: readonly Refused[],
  generation: number,
  { isReloaded }: { readonly isReloaded: boolean },
): LogEntry[] {
  const lines = all.slice(0, MOST_PATHS).map(({ use, reason, awaited }): LogEntry => ({
    level: "warning",
    text: `${NOUNS[use.tag]} "${use.path}" ${reason}; ` +
      (isReloaded
        ? "the reload that is needed for something else takes it as it is"
        : `generation ${generation} keeps the old one and awaits ${awaited}`),
    fields: { generation, reason, changed: [use.path] },
  }));
  const others = all.length - lines.length;
  if (others === 0) return lines;
  const text = `${others} more files are unfit` +
    (isReloaded ? "" : `; generation ${generation} keeps the old ones`);
  return [...lines, { level: "warning", text, fields: { generation, reason: "refused" } }];
}

export function notAllReplaced(reason: string, generation: number): LogEntry {
  return {
    level: "warning",
    text: `generation ${generation} was not given every renewed certificate: ${reason}`,
    fields: { generation, reason },
  };
}

export function notReplaced(reason: string, generation: number): LogEntry {
  return {
    level: "info",
    text: `cannot change generation ${generation} in place, reloading: ${reason}`,
    fields: { generation, reason },
  };
}

export function awaitsTables(generation: number, waitMs: number): LogEntry {
  return {
    level: "info",
    text: `reload waits, at most ${formatDuration(waitMs)}, until generation ${generation} can ` +
      "pass its stick-tables on",
    fields: { generation, reason: "stick-tables" },
  };
}

/** One line for all, since one hand writes them. */
export function awaitsFiles(files: readonly NotWhole[], waitMs: number): LogEntry {
  const told = files.slice(0, MOST_PATHS).map(({ path, reason }) => `"${path}" ${reason}`);
  const others = files.length - told.length;
  const more = others === 0 ? "" : ` and ${others} more`;
  return {
    level: "info",
    text: `reload waits, at most ${formatDuration(waitMs)}, for new files to be whole: ${
      told.join(", ")
    }${more}`,
    fields: {
      reason: files[0]!.reason,
      changed: abridged(files.map(({ path }) => path)),
    },
  };
}

export function reverted(serving: number): LogEntry {
  return {
    level: "info",
    text: `the sources are again what generation ${serving} serves; no reload is needed`,
    fields: { generation: serving },
  };
}

export function stopping(signal: StopSignal): LogEntry {
  return {
    level: "info",
    text: `${signal} received: passed on to all HAProxy processes, what is left in ${
      formatDuration(KILL_AFTER_MS)
    } is killed`,
    fields: { signal },
  };
}

export function killing(signal: StopSignal): LogEntry {
  return {
    level: "warning",
    text: `${signal} received again: killing what is left`,
    fields: { signal },
  };
}

export function draining(signal: DrainSignal): LogEntry {
  return {
    level: "info",
    text: `${signal} received: HAProxy finishes its connections, then the wrapper ends`,
    fields: { signal },
  };
}

export function leaving(signal: DrainSignal, delayMs: number): LogEntry {
  const delay = formatDuration(delayMs);
  return {
    level: "info",
    text: `${signal} received: not ready any more, HAProxy serves on for ${delay}, then finishes ` +
      "its connections",
    fields: { signal, durationMs: delayMs },
  };
}

export function drainingNow(): LogEntry {
  return {
    level: "info",
    text: "HAProxy finishes its connections, then the wrapper ends",
    fields: { reason: "drain-delay" },
  };
}

/** `isLast`: no other one will be told. */
export function bug(description: string, { isLast }: { readonly isLast: boolean }): LogEntry {
  const rest = isLast ? "; further ones are only counted, as bugs_total" : "";
  return {
    level: "error",
    text: `a bug in the wrapper, please report it: ${description}; ` +
      `HAProxy is left alone unless the next lines say otherwise${rest}`,
    fields: { reason: description },
  };
}

export function endsForBug(fate: string): LogEntry {
  return {
    level: "error",
    text: `after that bug HAProxy ${fate}, ending with ${EXIT.SOFTWARE}`,
    fields: { reason: "bug", exitCode: EXIT.SOFTWARE },
  };
}

export function ended(exitCode: number): LogEntry {
  return {
    level: "info",
    text: `all HAProxy processes are gone, ending with ${exitCode}`,
    fields: { exitCode },
  };
}

const NOUNS: Readonly<Record<Use["tag"], string>> = {
  certificate: "certificate",
  ca_file: "CA file",
  crl_file: "CRL file",
  map: "map",
  acl: "ACL",
};

/** Why a generation was started, as a field and in a sentence. */
export function describeCause(cause: Cause): string {
  switch (cause.tag) {
    case "start":
      return "start";
    case "change":
      return "reloaded for a change";
    case "order":
      return `reloaded by ${cause.order}`;
    case "changed_during_read":
      return "reloaded since the sources changed during the last reload";
    case "retry":
      return "reloaded by a retry";
    case "respawn":
      return `respawned since generation ${cause.lost} ${describeEnding(cause.ending)}`;
    case "last_good":
      return "started from what served last";
    default:
      return cause satisfies never;
  }
}

/** A pipe takes 4 kB at once without waiting, and a line is best written as a whole. */
const MOST_PATHS = 5;

const listOf = (paths: readonly string[] | null, intro: string) =>
  paths === null ? "" : `${intro}${quoted(paths)}`;

function quoted(paths: readonly string[]): string {
  const named = paths.slice(0, MOST_PATHS).map((path) => `"${path}"`).join(", ");
  return paths.length > MOST_PATHS ? `${named} and ${paths.length - MOST_PATHS} more` : named;
}

export const count = (number: number, noun: string, plural: string) =>
  `${number} ${noun}${number === 1 ? "" : plural}`;
