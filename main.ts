/** The program: reads its arguments and environment, builds the parts, runs them, and exits once. */
import denoJson from "./deno.json" with { type: "json" };
import { EXIT } from "./lib/exit_codes.ts";
import { findLeftovers } from "./lib/haproxy/leftovers/leftovers.ts";
import { reportStrays } from "./lib/haproxy/leftovers/strays.ts";
import { createClaim } from "./lib/haproxy/private_folder/claim.ts";
import { describeNotMade, makePrivateFolder } from "./lib/haproxy/private_folder/private_folder.ts";
import { describeEnvFile, readEnvFile } from "./lib/haproxy/process/env_file_reader.ts";
import { isOwnChild } from "./lib/haproxy/process/process.ts";
import { describeForeignProgram, findForeignProgram } from "./lib/haproxy/process/program_path.ts";
import type { LastGoodSet } from "./lib/last_good/last_good.ts";
import { createLoadedFiles, type LoadedFiles } from "./lib/loaded/loaded_files.ts";
import { VARIABLES } from "./lib/settings/options.ts";
import { readInvocation, type Settings } from "./lib/settings/settings.ts";
import type { ManagerNotices, ManagerNoticesOptions } from "./lib/status/manager_notices.ts";
import type { Status, StatusOptions } from "./lib/status/status.ts";
import { RealEffects } from "./lib/supervisor/actions/effects.ts";
import { createKeeper } from "./lib/supervisor/actions/keeper.ts";
import {
  describeLeftovers,
  describeUntouched,
} from "./lib/supervisor/messages/leftover_messages.ts";
import { servingIn } from "./lib/supervisor/state/state.ts";
import { describeBug, type Step, Supervisor } from "./lib/supervisor/supervisor.ts";
import { ownUser } from "./lib/system/files/ownership.ts";
import { createGarbageCollector } from "./lib/system/garbage.ts";
import { type Libc, openLibc } from "./lib/system/libc.ts";
import { complain, createLog, describeLostLines, type Log } from "./lib/system/log.ts";
import { createReaper } from "./lib/system/orphans.ts";
import {
  listenToSignals,
  onChildEnd,
  SIGNAL_NUMBERS,
  type SignalMeaning,
  type Signals,
} from "./lib/system/signals.ts";
import { createStdout, STDOUT } from "./lib/system/stdout.ts";
import { catchBugs } from "./lib/system/uncaught_errors.ts";
import { systemReason } from "./lib/text/system_reason.ts";
import { Directories } from "./lib/watch/directories/directories.ts";
import { describeMountedFile, findMountedFiles } from "./lib/watch/scan/mounted_files.ts";
import { createScanner, type Scanner, type ScanResult } from "./lib/watch/scan/scan.ts";
import { haproxyDirectory, type Source, sourcesOf } from "./lib/watch/scan/sources.ts";

if (import.meta.main) {
  // First, because most signals end the process by default.
  const signals = listenToSignals();
  const libc = await openLibc();
  if (libc !== null && Deno.pid === 1) reapOrphans(libc);
  Deno.exit(await main(signals, libc).catch(reportBug));
}

/** What is ready before anything starts. */
interface Prepared {
  readonly signals: Signals;
  readonly libc: Libc | null;
  /** What NOTIFY_SOCKET said; empty if nothing. */
  readonly notifySocket: string;
  readonly sources: readonly Source[];
  readonly scanner: Scanner;
  readonly scan: ScanResult;
  readonly loadedFiles: LoadedFiles;
  readonly lastGood: LastGoodSet | null;
}

async function main(signals: Signals, libc: Libc | null): Promise<number> {
  const unreadable = problemsOfProcess();
  if (unreadable.length > 0) return refuse(unreadable);
  const notifySocket = takeNotifySocket();
  const environment = Deno.env.toObject();
  const workingDirectory = Deno.cwd();
  const invocation = readInvocation(Deno.args, environment);
  if (!("settings" in invocation)) {
    if ("problems" in invocation && invocation.problems.length > 0) {
      return refuse(invocation.problems);
    }
    return await (await importCommands()).print(invocation, denoJson.version);
  }
  const { tag, settings } = invocation;
  const sources = sourcesOf(settings, workingDirectory);
  const directory = haproxyDirectory(settings, workingDirectory);
  const loadedFiles = createLoadedFiles({ ...settings, environment, workingDirectory: directory });
  const directories = new Directories(libc?.openDirectory ?? null);
  const scanner = createScanner(sources, loadedFiles.findNamed, directories);
  const scan = await signals.holdDuring(() => scanner.scan(), { look: exitIfAsked });
  const problems = [...invocation.problems, ...await problemsOnDisk(settings, scan.seen)];
  const lastGood = await openLastGood(settings, environment);
  const fallback = tag === "run" && invocation.problems.length === 0 ? lastGood : null;
  if (problems.length > 0 && !await canServe(fallback)) return refuse(problems);
  const prepared = { signals, libc, notifySocket, sources, scanner, scan, loadedFiles, lastGood };
  switch (tag) {
    case "check":
      return await (await importCommands()).check(settings, prepared);
    case "list_watched":
      return await (await importCommands()).listWatched(settings, prepared);
    case "run":
      return await run(settings, prepared);
    default:
      return tag satisfies never;
  }
}

/** Rarely needed, and modules stay in memory. */
async function importCommands() {
  return await import("./lib/commands/commands.ts");
}

async function run(settings: Settings, prepared: Prepared): Promise<number> {
  const { libc, signals, lastGood, scan } = prepared;
  const service = {
    words: [...settings.haproxy.options, ...settings.haproxy.filesAfterDashes ?? []],
    envFile: settings.envFile,
    directory: Deno.cwd(),
  };
  const made = await makePrivateFolder(settings.runtimeParents, createClaim(libc, service));
  if (made.tag === "not_made") return cannotCreate(describeNotMade(made.reason));
  const { folder } = made;
  const { log, stdout } = openLog(settings, libc);
  const collectGarbageSoon = createGarbageCollector(libc?.trimMemory ?? (() => {}));

  const status = await createStatus(settings, {
    log,
    collectGarbageSoon,
    withUmask: libc?.withUmask ?? null,
    onBug: (bug) => supervisor.postBug(bug, { name: "status" }),
  });
  const recorder = lastGood?.createRecorder({ log, onGathered: collectGarbageSoon });
  const record = ({ after }: Step) => recorder?.observe(servingIn(after));
  const keep = (step: Step) => keeper.observe(step);
  const manager = await createManagerNotices(prepared.notifySocket, { libc, log });
  const observers = [status?.observe, record, keep, manager?.observe]
    .filter((observer) => observer !== undefined);
  const supervisor = new Supervisor(settings, observers);
  const { post, postBug } = supervisor;
  const keeper = createKeeper({ ...prepared, settings, folder, post, postBug, log });

  // The status answers before anything serves.
  const listening = settings.statusListen && await status?.listen(settings.statusListen);
  if (listening?.tag === "not_listening") {
    await folder.remove();
    return cannotCreate(`${listening.reason}; nothing was started`);
  }
  const mountedFiles = findMountedFiles(scan.inventory.files, libc?.isMountRoot ?? (() => false));
  mountedFiles.forEach((file) => log(describeMountedFile(file)));
  await warnOfForeignProgram(settings, log);
  const places = { parents: settings.runtimeParents, folder: folder.path, libc };
  const leftovers = await findLeftovers({ ...places, service });
  describeLeftovers(leftovers).forEach(log);
  const hurry = new AbortController();
  const isRescued = await signals.holdDuring(() => keeper.rescue(leftovers, hurry.signal), {
    look: ({ tag }) => tag !== "ignore" && hurry.abort(),
  });
  const { seen } = isRescued ? await prepared.scanner.scan() : scan;

  const effects = new RealEffects({
    ...prepared,
    settings,
    folder,
    leftovers,
    mountedFiles,
    log,
    post,
    postBug,
    collectGarbageSoon,
    askRenewals: () => keeper.askNow(),
    readKernelFile: libc?.readKernelFile ?? (() => null),
  });
  status?.attach(effects);
  signals.deliverTo((meaning) => effects.receive(meaning));
  catchBugs((error) => postBug(error, null));
  const reportStraysNow = reportStrays(places, (found) => describeUntouched(found).forEach(log));
  const fingerprint = seen.tag === "taken" ? seen.fingerprint : null;
  const exitCode = await supervisor.run(effects, fingerprint);

  keeper.close();
  reportStraysNow();
  listening?.close();
  await recorder?.close();
  await effects.close();
  manager?.close();
  await stdout.end();
  return exitCode;
}

function openLog({ logFormat: format, logLevel: level }: Settings, libc: Libc | null) {
  const stdout = createStdout({
    isWritable: () => libc?.isWritable(STDOUT) ?? true,
    onLost: (lines) => log(describeLostLines(lines)),
  });
  const log = createLog({ format, level, pid: Deno.pid, write: stdout.writeLine });
  return { log, stdout };
}

/** Without `--status-listen` none of its modules are loaded. */
async function createStatus(
  settings: Settings,
  options: Omit<StatusOptions, "settings" | "versions" | "directory">,
): Promise<Status | null> {
  if (settings.statusListen === null) return null;
  const { Status } = await import("./lib/status/status.ts");
  const versions = { wrapper: denoJson.version, deno: Deno.version.deno };
  const directory = haproxyDirectory(settings, Deno.cwd());
  return new Status({ ...options, settings, versions, directory });
}

/** Without NOTIFY_SOCKET none of its modules are loaded. */
async function createManagerNotices(
  name: string,
  options: Omit<ManagerNoticesOptions, "name">,
): Promise<ManagerNotices | null> {
  if (name === "") return null;
  const { ManagerNotices } = await import("./lib/status/manager_notices.ts");
  return new ManagerNotices({ ...options, name });
}

async function warnOfForeignProgram({ runtimeParents }: Settings, log: Log): Promise<void> {
  try {
    const reason = await findForeignProgram(Deno.env.get("PATH") ?? "", ownUser(runtimeParents));
    if (reason !== null) log(describeForeignProgram(reason));
  } catch {
    // If the owner cannot be determined, as on a full disk, only this warning is lost.
  }
}

function cannotCreate(problem: string): number {
  complain(problem);
  return EXIT.CANNOT_CREATE;
}

/** Before anything runs, a signal to stop or drain ends the program at once. */
function exitIfAsked(meaning: SignalMeaning): void {
  if (meaning.tag === "stop") Deno.exit(128 + SIGNAL_NUMBERS[meaning.signal]);
  if (meaning.tag === "drain") Deno.exit(0);
}

/** Also reaps children that ended before this program replaced a shell. */
function reapOrphans(libc: Libc): void {
  const reap = createReaper({ libc, isOwnChild });
  onChildEnd(reap);
  reap();
}

/** For the wrapper alone: HAProxy would inherit it. */
function takeNotifySocket(): string {
  const name = Deno.env.get("NOTIFY_SOCKET") ?? "";
  Deno.env.delete("NOTIFY_SOCKET");
  return name;
}

/** Every setting depends on these. Deno omits variables that are not UTF-8. */
function problemsOfProcess(): string[] {
  return [
    ...problemOf("the working directory", () => Deno.cwd()),
    ...[...VARIABLES, "NOTIFY_SOCKET"].flatMap((name) => problemOf(name, () => Deno.env.get(name))),
  ];
}

function problemOf(what: string, read: () => unknown): string[] {
  try {
    read();
    return [];
  } catch (error) {
    return [`cannot read ${what}: ${systemReason(error)}`];
  }
}

async function problemsOnDisk(settings: Settings, seen: ScanResult["seen"]): Promise<string[]> {
  const unreadable = seen.tag === "unreadable" ? seen.unreadable : [];
  const envFile = await readEnvFile(settings.envFile);
  return [
    ...unreadable.map(({ path, reason }) => `cannot read "${path}": ${reason}`),
    // An env file that cannot be read is among the unreadable sources.
    ...envFile.tag === "invalid" ? describeEnvFile(settings.envFile, envFile) : [],
  ];
}

/** Without `--last-good` none of its modules are loaded. */
async function openLastGood(
  settings: Settings,
  environment: Readonly<Record<string, string>>,
): Promise<LastGoodSet | null> {
  if (settings.lastGood === null) return null;
  const { LastGoodSet } = await import("./lib/last_good/last_good.ts");
  const workingDirectory = Deno.cwd();
  return new LastGoodSet(settings.lastGood, settings, { environment, workingDirectory });
}

/** Whether the last good set can serve, as it must when what is on disk fails to start. */
async function canServe(lastGood: LastGoodSet | null): Promise<boolean> {
  const problem = await lastGood?.problem();
  if (problem) complain(problem);
  return problem === null;
}

function refuse(problems: readonly string[]): number {
  problems.forEach(complain);
  complain('nothing was started; "--help" lists all settings');
  return EXIT.USAGE;
}

/** Reports a bug outside the supervisor, which has its own way to end HAProxy. */
function reportBug(error: unknown): number {
  complain(`a bug in the wrapper: ${describeBug(error)}`);
  return EXIT.SOFTWARE;
}
