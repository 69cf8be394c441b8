/** Finds out why a generation failed: what HAProxy says, whether that may pass, and which line is at fault. */
import { readTextFile } from "../../system/contents.ts";
import { MOST_TEXT_BYTES } from "../../config/tokens.ts";
import { alertsOf } from "../failure/alerts.ts";
import { checkArguments } from "../process/arguments.ts";
import type { Failure } from "../failure/failure.ts";
import type { Fleet } from "../drain/fleet.ts";
import { firstAnswer } from "../runtime/instance.ts";
import {
  type PreparationOptions,
  prepare,
  type Prepared,
  type StartRequest,
} from "./preparation.ts";
import type { Ending, HaproxyProcess } from "../process/process.ts";
import type { StatsSocket } from "../runtime/client.ts";

export interface DiagnosisOptions extends PreparationOptions {
  readonly fleet: Fleet;
  readonly prepared: Prepared;
  readonly readyTimeoutMs: number;
  /** How long the start took to fail. */
  readonly failedAfterMs: number;
  /** Nobody waits for the answer any more: what runs for it is ended, and nothing more is started. */
  readonly stop: AbortSignal;
}

export interface Diagnosis {
  /** Whether the same files may be taken later. */
  readonly mayPass: boolean;
  readonly alerts: readonly string[];
  /** What says more than that the process has died. */
  readonly failure?: Failure;
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
  const checked = await check(options);
  if (checked === null) return UNKNOWN;
  const { ending, output } = checked;
  if (ending.tag === "exited" && REPORTS.includes(ending.code)) {
    const failure = await findProgramSection(request.files, output);
    return { mayPass: PASSING_ERRORS.test(output), alerts: alertsOf(output), ...failure };
  }
  const said = await rehearse(request, options);
  return { mayPass: true, alerts: alertsOf(said), ...withheldSockets(said, request, options) };
}

const UNKNOWN: Diagnosis = { mayPass: true, alerts: [] };

interface Checked {
  readonly ending: Ending;
  readonly output: string;
}

/** `null` if it could not be done, or what is to be checked cannot be written, as on a full disk. */
async function check(options: DiagnosisOptions): Promise<Checked | null> {
  const { haproxy, fleet, folder, needs, prepared: { environment }, readyTimeoutMs, stop } =
    options;
  if (stop.aborted) return null;
  try {
    const injected = await folder.prepare("check", needs()).catch(() => null);
    if (injected === null || stop.aborted) return null;
    const words = checkArguments(haproxy, injected);
    const spawned = fleet.spawn("check", words, { environment, output: "captured" });
    if (spawned.tag === "not_spawned") return null;
    const { process } = spawned;
    const limit = AbortSignal.any([stop, AbortSignal.timeout(readyTimeoutMs)]);
    limit.addEventListener("abort", () => process.signal("SIGKILL"));
    const [ending, output] = await Promise.all([process.ended, process.output]);
    return { ending, output };
  } finally {
    await folder.forget("check");
  }
}

/** The exit statuses of a check, HAProxy 2.4 to 3.4: an error, no listener. */
const REPORTS: readonly number[] = [1, 2];

/** What HAProxy reports as an error of the configuration although the world around it is at fault. */
const PASSING_ERRORS = /could not resolve address|cannot allocate memory|too many open files/i;

/**
 * Only a start tells what is wrong with ports, users and the like. Should this one serve, since the cause
 * has passed meanwhile, it is a sound process: it drains like any other, and nothing is lost.
 */
async function rehearse(request: StartRequest, options: DiagnosisOptions): Promise<string> {
  const { fleet, folder, stop } = options;
  if (stop.aborted) return "";
  // What the failed start had is gone with its process.
  const prepared = await prepare(request, options);
  if (prepared.tag === "failed" || stop.aborted) return "";
  const { words, environment } = prepared;
  const spawned = fleet.spawn("check", words, { environment, output: "captured" });
  const output = spawned.tag === "spawned"
    ? await listen(spawned.process, { ...options, socket: folder.socket(request.generation) })
    : "";
  await folder.forget(request.generation);
  return output;
}

/** What HAProxy 2.4 to 3.4 say when they have waited a second for the sockets of the process before. */
const WITHHELD = /Failed to get the number of sockets to be transferred/;

function withheldSockets(
  output: string,
  { takeOverFrom }: StartRequest,
  { folder }: DiagnosisOptions,
): Pick<Diagnosis, "failure"> {
  if (takeOverFrom === null || !WITHHELD.test(output)) return {};
  const connections = folder.connectionsOf(takeOverFrom);
  return { failure: { tag: "withheld_sockets", from: takeOverFrom, connections } };
}

async function listen(
  process: HaproxyProcess,
  { fleet, socket, ...options }: DiagnosisOptions & { readonly socket: StatsSocket },
): Promise<string> {
  const limitMs = Math.min(options.readyTimeoutMs, 1_000 + 2 * options.failedAfterMs);
  const known = new AbortController();
  const stop = AbortSignal.any([options.stop, known.signal, AbortSignal.timeout(limitMs)]);
  const end = await Promise.race([
    process.output.then((output) => ({ tag: "ended", output }) as const),
    firstAnswer(socket, stop).then(() => ({ tag: "serves" }) as const),
    new Promise<{ readonly tag: "hangs" }>((resolve) =>
      stop.addEventListener("abort", () => resolve({ tag: "hangs" }))
    ),
  ]);
  known.abort();
  switch (end.tag) {
    case "ended":
      return end.output;
    case "serves":
      fleet.retire(process);
      return "";
    case "hangs":
      fleet.dismiss(process);
      return "";
    default:
      return end satisfies never;
  }
}

/** Where in `files` the keyword `master-worker` stands, as `"/path" line 3`; `null` if nowhere. */
export const findMasterWorker = (files: Iterable<string>) =>
  findLine(files, /^[^\S\n]*master-worker\b/m);

/** What HAProxy says of such a section, up to 3.2 and from 3.3 on. */
const NO_PROGRAMS = /'program' section|unknown keyword 'program'/;

async function findProgramSection(
  files: readonly string[],
  output: string,
): Promise<Pick<Diagnosis, "failure">> {
  if (!NO_PROGRAMS.test(output)) return {};
  const line = await findLine(files, /^[^\S\n]*program[^\S\n]+\S+[^\S\n]*(?:#.*)?$/m);
  return line === null ? {} : { failure: { tag: "program_section", line } };
}

async function findLine(files: Iterable<string>, keyword: RegExp): Promise<string | null> {
  for (const path of files) {
    const text = await readTextFile(path, MOST_TEXT_BYTES).catch(() => "");
    const index = text.search(keyword);
    if (index >= 0) return `"${path}" line ${text.slice(0, index).split("\n").length}`;
  }
  return null;
}
