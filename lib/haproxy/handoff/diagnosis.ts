/** Makes HAProxy say why a start failed: what is wrong, whether it may pass, and which line is at fault. */
import { MOST_TEXT_BYTES } from "../../config/tokens.ts";
import { readTextFile } from "../../system/files/contents.ts";
import { aborted, within } from "../../system/cut_off.ts";
import type { Fleet } from "../drain/fleet.ts";
import { alertsOf } from "../failure/alerts.ts";
import { checkArguments } from "../process/arguments.ts";
import type { Ending, HaproxyProcess } from "../process/process.ts";
import type { StatsSocket } from "../runtime/client.ts";
import { firstAnswer } from "../runtime/instance.ts";
import type { Failed } from "./outcome.ts";
import { type PreparationParts, prepare, type StartRequest } from "./preparation.ts";

export interface DiagnosisOptions {
  readonly parts: PreparationParts & {
    readonly settings: { readonly readyTimeoutMs: number };
    readonly fleet: Fleet;
  };
  /** Of the failed start. */
  readonly environment: Readonly<Record<string, string>>;
  readonly failedAfterMs: number;
  /** Aborts when the answer is no longer needed: running processes are ended, and no more are started. */
  readonly stop: AbortSignal;
}

/** `failure`: a cause more specific than that the process died. */
export type Diagnosis = Pick<Failed, "mayPass" | "alerts"> & Partial<Pick<Failed, "failure">>;

/**
 * Makes HAProxy repeat, with its output captured, what the failed start wrote to stderr. Another start may work
 * unless `haproxy -c` reports an error in the configuration itself. If the program cannot even check, for instance
 * while its libraries are being upgraded, the configuration is not at fault.
 */
export async function diagnose(
  request: StartRequest,
  options: DiagnosisOptions,
): Promise<Diagnosis> {
  const checked = await check(request, options);
  if (checked === null) return { mayPass: true, alerts: [] };
  const { ending, output: report } = checked;
  if (ending.tag === "exited" && REPORTS.includes(ending.code)) {
    const failure = await findProgramSection(request.files, report);
    return { mayPass: PASSING_ERRORS.test(report), alerts: alertsOf(report), ...failure };
  }
  const output = await rehearse(request, options);
  return { mayPass: true, alerts: alertsOf(output), ...withheldSockets(output, request, options) };
}

/** The exit statuses of a failed check (HAProxy 2.4 to 3.4): an error, or no listener. */
const REPORTS: readonly number[] = [1, 2];

/** What HAProxy reports as an error in the configuration although the cause lies outside it. */
const PASSING_ERRORS = /could not resolve address|cannot allocate memory|too many open files/i;

/** `null` if the check could not run, for instance because the disk is full. */
async function check(
  { origin: { haproxy, needs } }: StartRequest,
  { parts: { folder, fleet, settings }, environment, stop }: DiagnosisOptions,
): Promise<Report | null> {
  if (stop.aborted) return null;
  try {
    const injected = await folder.prepare("check", needs()).catch(() => null);
    if (injected === null || stop.aborted) return null;
    const words = checkArguments(haproxy, injected);
    const spawned = fleet.spawn("check", words, { environment, output: "captured" });
    if (spawned.tag === "not_spawned") return null;
    const limit = AbortSignal.timeout(settings.readyTimeoutMs);
    return await reportOf(spawned.process, aborted(stop, limit));
  } finally {
    await folder.forget("check");
  }
}

interface Report {
  readonly ending: Ending;
  readonly output: string;
}

/** Kills the process at the end of `limit`; `null` if the kernel does not let it end, as with a disk that hangs. */
async function reportOf(process: HaproxyProcess, limit: Promise<void>): Promise<Report | null> {
  const report = Promise.all([process.ended, process.output]);
  const isLate = await Promise.race([report.then(() => false), limit.then(() => true)]);
  if (isLate) process.signal("SIGKILL");
  const end = await within(KILLED_WITHIN_MS, report);
  if (end === null) return null;
  const [ending, output] = end;
  return { ending, output };
}

const KILLED_WITHIN_MS = 1_000;

/**
 * Only a start shows what is wrong with ports, users and the like. If this one serves because the cause has passed,
 * it drains like any other process, and no connection is lost.
 */
async function rehearse(request: StartRequest, options: DiagnosisOptions): Promise<string> {
  const { parts: { folder, fleet }, parts, stop } = options;
  if (stop.aborted) return "";
  // The files of the failed start were removed with its process.
  const prepared = await prepare(request, parts);
  if (prepared.tag === "failed" || stop.aborted) return "";
  const { words, environment } = prepared;
  const spawned = fleet.spawn("check", words, { environment, output: "captured" });
  const output = spawned.tag === "spawned"
    ? await listen(spawned.process, folder.socket(request.generation), options)
    : "";
  await folder.forget(request.generation);
  return output;
}

/** The output of a process that ends; empty if it serves or hangs. */
async function listen(
  process: HaproxyProcess,
  socket: StatsSocket,
  { parts: { fleet, settings }, failedAfterMs, stop }: DiagnosisOptions,
): Promise<string> {
  const limitMs = Math.min(settings.readyTimeoutMs, 1_000 + 2 * failedAfterMs);
  const known = new AbortController();
  const limit = AbortSignal.any([stop, known.signal, AbortSignal.timeout(limitMs)]);
  const end = await Promise.race([
    process.output.then((output) => ({ tag: "ended", output }) as const),
    firstAnswer(socket, limit).then(() => ({ tag: "serves" }) as const),
    aborted(limit).then(() => ({ tag: "hangs" }) as const),
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

/** What HAProxy 2.4 to 3.4 say after waiting a second for the sockets of the previous process. */
const WITHHELD = /Failed to get the number of sockets to be transferred/;

function withheldSockets(
  output: string,
  { takeOverFrom: from }: StartRequest,
  { parts: { folder } }: DiagnosisOptions,
): Partial<Diagnosis> {
  if (from === null || !WITHHELD.test(output)) return {};
  return { failure: { tag: "withheld_sockets", from, connections: folder.connectionsOf(from) } };
}

/** Where `files` say `master-worker`, as `"/path" line 3`; `null` if nowhere. */
export const findMasterWorker = (files: readonly string[]) =>
  findLine(files, /^[^\S\n]*master-worker\b/m);

/** What HAProxy says about a "program" section, up to 3.2 and from 3.3 on. */
const NO_PROGRAMS = /'program' section|unknown keyword 'program'/;

async function findProgramSection(
  files: readonly string[],
  output: string,
): Promise<Partial<Diagnosis>> {
  if (!NO_PROGRAMS.test(output)) return {};
  const line = await findLine(files, /^[^\S\n]*program[^\S\n]+\S+[^\S\n]*(?:#.*)?$/m);
  return line === null ? {} : { failure: { tag: "program_section", line } };
}

async function findLine(files: readonly string[], keyword: RegExp): Promise<string | null> {
  for (const path of files) {
    const text = await readTextFile(path, MOST_TEXT_BYTES).catch(() => "");
    const index = text.search(keyword);
    if (index >= 0) return `"${path}" line ${text.slice(0, index).split("\n").length}`;
  }
  return null;
}
