/** Finds out why a generation failed: what HAProxy says, whether that may pass, and where `master-worker` stands. */
import { readTextFile } from "../contents.ts";
import { MOST_TEXT_BYTES } from "../loaded/configuration_words.ts";
import { alertsOf } from "./alerts.ts";
import { checkArguments } from "./arguments.ts";
import type { Fleet } from "./fleet.ts";
import { firstAnswer } from "./instance.ts";
import {
  type PreparationOptions,
  prepare,
  type Prepared,
  type StartRequest,
} from "./preparation.ts";
import type { HaproxyProcess } from "./process.ts";
import type { StatsSocket } from "./runtime_api.ts";

export interface DiagnosisOptions extends PreparationOptions {
  readonly fleet: Fleet;
  readonly prepared: Prepared;
  readonly readyTimeoutMs: number;
  /** How long a process may drain; `null`: without a limit. */
  readonly shutdownWaitMs: number | null;
  /** How long the start took to fail. */
  readonly failedAfterMs: number;
  /** Nobody waits for the answer any more: what runs for it is ended, and nothing more is started. */
  readonly stop: AbortSignal;
}

export interface Diagnosis {
  /** Whether the same files may be taken later. */
  readonly mayPass: boolean;
  readonly alerts: readonly string[];
}

/**
 * Asks HAProxy again what is wrong, with its output captured: the failed start wrote the same for the
 * user to read. A start may pass later unless `haproxy -c` reports an error in the configuration itself.
 * A program that does not even come to that, such as one whose libraries are just being upgraded, is no
 * fault of the configuration.
 */
export async function diagnose(
  request: StartRequest,
  options: DiagnosisOptions,
): Promise<Diagnosis> {
  const { haproxy, fleet, prepared: { environment }, readyTimeoutMs, stop } = options;
  if (stop.aborted) return UNKNOWN;
  const spawned = fleet.spawn("check", checkArguments(haproxy), {
    environment,
    output: "captured",
  });
  if (spawned.tag === "not_spawned") return UNKNOWN;
  const { process } = spawned;
  const kill = () => process.signal("SIGKILL");
  const timer = setTimeout(kill, readyTimeoutMs);
  stop.addEventListener("abort", kill);
  const [ending, output] = await Promise.all([process.ended, process.output]);
  clearTimeout(timer);
  stop.removeEventListener("abort", kill);
  const reportsError = ending.tag === "exited" && REPORTS.includes(ending.code);
  return reportsError
    ? { mayPass: PASSING_ERRORS.test(output), alerts: alertsOf(output) }
    : { mayPass: true, alerts: await rehearse(request, options) };
}

const UNKNOWN: Diagnosis = { mayPass: true, alerts: [] };

/** The exit statuses of a check, HAProxy 2.4 to 3.4: an error, no listener. */
const REPORTS: readonly number[] = [1, 2];

/** What HAProxy reports as an error of the configuration although the world around it is at fault. */
const PASSING_ERRORS = /could not resolve address|cannot allocate memory|too many open files/i;

/**
 * Only a start tells what is wrong with ports, users and the like. Should this one serve, since the cause
 * has passed meanwhile, it is a sound process: it drains like any other, and nothing is lost.
 */
async function rehearse(
  request: StartRequest,
  options: DiagnosisOptions,
): Promise<readonly string[]> {
  const { fleet, folder, stop } = options;
  if (stop.aborted) return [];
  // What the failed start had is gone with its process.
  const prepared = await prepare(request, options);
  if (prepared.tag === "failed" || stop.aborted) return [];
  const { words, environment } = prepared;
  const spawned = fleet.spawn("check", words, { environment, output: "captured" });
  const alerts = spawned.tag === "spawned"
    ? await listen(spawned.process, { ...options, socket: folder.socket(request.generation) })
    : [];
  await folder.forget(request.generation);
  return alerts;
}

async function listen(
  process: HaproxyProcess,
  { fleet, socket, ...options }: DiagnosisOptions & { readonly socket: StatsSocket },
): Promise<readonly string[]> {
  const stop = new AbortController();
  const onStop = () => stop.abort();
  options.stop.addEventListener("abort", onStop);
  const limitMs = Math.min(options.readyTimeoutMs, 1_000 + 2 * options.failedAfterMs);
  const timer = setTimeout(onStop, limitMs);
  const end = await Promise.race([
    process.output.then((output) => ({ tag: "ended", output }) as const),
    firstAnswer(socket, stop.signal).then(() => ({ tag: "serves" }) as const),
    new Promise<{ readonly tag: "hangs" }>((resolve) =>
      stop.signal.addEventListener("abort", () => resolve({ tag: "hangs" }))
    ),
  ]);
  clearTimeout(timer);
  options.stop.removeEventListener("abort", onStop);
  stop.abort();
  switch (end.tag) {
    case "ended":
      return alertsOf(end.output);
    case "serves":
      fleet.retire(process, options.shutdownWaitMs);
      return [];
    case "hangs":
      fleet.dismiss(process);
      return [];
    default:
      return end satisfies never;
  }
}

/** Where in `files` the keyword `master-worker` stands, as `"/path" line 3`; `null` if nowhere. */
export async function findMasterWorker(files: Iterable<string>): Promise<string | null> {
  for (const path of files) {
    const text = await readTextFile(path, MOST_TEXT_BYTES).catch(() => "");
    const index = text.search(/^[^\S\n]*master-worker\b/m);
    if (index >= 0) return `"${path}" line ${text.slice(0, index).split("\n").length}`;
  }
  return null;
}
