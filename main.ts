/** The program: reads its arguments and environment, builds the parts, runs them, and exits once. */
import denoJson from "./deno.json" with { type: "json" };
import { checkConfiguration } from "./lib/haproxy/failure/check.ts";
import { describeEnvFile, readEnvFile } from "./lib/haproxy/process/env_file_reader.ts";
import { EXIT } from "./lib/exit_codes.ts";
import { describeFailure, exitCodeOf } from "./lib/haproxy/failure/failure.ts";
import { createClaim } from "./lib/haproxy/private_folder/claim.ts";
import { findLeftovers } from "./lib/haproxy/leftovers/leftovers.ts";
import { describeNotMade, makePrivateFolder } from "./lib/haproxy/private_folder/private_folder.ts";
import { isOwnChild, spawnHaproxy } from "./lib/haproxy/process/process.ts";
import { lookForStrays } from "./lib/haproxy/leftovers/strays.ts";
import { describeForeignProgram, findForeignProgram } from "./lib/haproxy/process/program_path.ts";
import { type Libc, openLibc } from "./lib/system/libc.ts";
import type { LastGoodSet } from "./lib/last_good/last_good.ts";
import { createLoadedFiles, type LoadedFiles } from "./lib/loaded/loaded_files.ts";
import type { Needs } from "./lib/config/needs.ts";
import { createLog, describeLostLines, type Log, writeToStdout } from "./lib/system/log.ts";
import { createGarbageCollector } from "./lib/system/garbage.ts";
import { createReaper } from "./lib/system/orphans.ts";
import {
  listenToSignals,
  onChildEnd,
  SIGNAL_NUMBERS,
  type SignalMeaning,
  type Signals,
} from "./lib/system/signals.ts";
import { ownUser } from "./lib/system/ownership.ts";
import { helpText } from "./lib/settings/help.ts";
import { VARIABLES } from "./lib/settings/options.ts";
import { readInvocation, type Settings } from "./lib/settings/settings.ts";
import type { StatusListening } from "./lib/status/http/listener.ts";
import { describeListening, describeNotListening } from "./lib/status/messages.ts";
import type { Status, StatusOptions } from "./lib/status/status.ts";
import { createStdout, STDOUT } from "./lib/system/stdout.ts";
import { RealEffects } from "./lib/supervisor/actions/effects.ts";
import {
  describeLeftovers,
  describeUntouched,
} from "./lib/supervisor/messages/leftover_messages.ts";
import { describeBug, type Step, Supervisor } from "./lib/supervisor/supervisor.ts";
import { servingIn } from "./lib/supervisor/state/state.ts";
import { systemReason } from "./lib/text/system_reason.ts";
import { describeWatched, findShortfalls } from "./lib/watch/list_watched.ts";
import { Directories } from "./lib/watch/directories/directories.ts";
import { createScanner, type Scanner, type ScanResult } from "./lib/watch/scan/scan.ts";
import {
  describeMountedFile,
  findMountedFiles,
  type MountedFile,
} from "./lib/watch/scan/mounted_files.ts";
import { visible } from "./lib/text/visible.ts";
import { haproxyDirectory, type Source, sourcesOf } from "./lib/watch/scan/sources.ts";

if (import.meta.main) {
  // First of all, since the default action of most signals is to end the process.
  const signals = listenToSignals();
  const libc = await openLibc();
  if (libc !== null && Deno.pid === 1) reapOrphans(libc);
  Deno.exit(await main(signals, libc).catch(reportBug));
}

/** Also those that ended before this program took the place of a shell. */
function reapOrphans(libc: Libc): void {
  const reap = createReaper({ libc, isOwnChild });
  onChildEnd(reap);
  reap();
}

async function main(signals: Signals, libc: Libc | null): Promise<number> {
  const surrounding = problemsAround();
  if (surrounding.length > 0) return refuse(surrounding);
  const environment = Deno.env.toObject();
  const invocation = readInvocation(Deno.args, environment);
  if (invocation.tag === "help") return say(helpText());
  if (invocation.tag === "version") return say(await versionText());
  if (invocation.tag === "haproxy_prints") return await letHaproxyPrint(invocation.flag);
  const { tag, settings } = invocation;
  const sources = sourcesOf(settings, Deno.cwd());
  const loadedFiles = createLoadedFiles({
    ...settings,
    environment,
    workingDirectory: haproxyDirectory(settings, Deno.cwd()),
  });
  const directories = new Directories(libc?.openDirectory ?? null);
  const scanner = createScanner(sources, loadedFiles.findNamed, directories);
  // On a slow disk the first scan may take long, and nothing has been started that would have to end first.
  const early: SignalMeaning[] = [];
  signals.deliverTo((meaning) => endAtOnce(meaning) ?? early.push(meaning));
  const scan = await scanner.scan();
  const { seen, inventory } = scan;
  signals.hold(early);
  const onDisk = await problemsOnDisk(settings, seen);
  const problems = [...invocation.problems, ...onDisk];
  const lastGood = await openLastGood(settings, environment);
  const mayServeInstead = tag === "run" && invocation.problems.length === 0 ? lastGood : null;
  if (problems.length > 0 && !await canServe(mayServeInstead)) return refuse(problems);
  if (tag === "check") return await check(settings, { needs: loadedFiles.needs(), signals });
  if (tag === "list_watched") {
    const shortfalls = await findShortfalls([...sources, ...scan.references], scan);
    return say(describeWatched(inventory, { ...settings, ...shortfalls }));
  }
  const mountedFiles = findMountedFiles(inventory.files, libc?.isMountRoot ?? (() => false));
  const path = environment.PATH ?? "";
  const parts = { sources, scanner, loadedFiles, mountedFiles, lastGood };
  return await run(settings, { ...parts, libc, path, seen, signals });
}

function endAtOnce(meaning: SignalMeaning): void {
  if (meaning.tag === "stop") Deno.exit(128 + SIGNAL_NUMBERS[meaning.signal]);
  if (meaning.tag === "drain") Deno.exit(0);
}

interface RunOptions {
  readonly sources: readonly Source[];
  readonly scanner: Scanner;
  readonly loadedFiles: LoadedFiles;
  readonly mountedFiles: readonly MountedFile[];
  readonly lastGood: LastGoodSet | null;
  readonly libc: Libc | null;
  /** As the variable has it. */
  readonly path: string;
  /** What was on disk when the settings were checked. */
  readonly seen: ScanResult["seen"];
  readonly signals: Signals;
}

async function run(
  settings: Settings,
  { libc, path, seen, signals, ...parts }: RunOptions,
): Promise<number> {
  const service = {
    words: [...settings.haproxy.options, ...settings.haproxy.filesAfterDashes ?? []],
    envFile: settings.envFile,
    directory: Deno.cwd(),
  };
  const claim = createClaim(libc, service);
  const made = await makePrivateFolder(settings.runtimeParents, claim);
  if (made.tag === "not_made") {
    complain(describeNotMade(made.reason));
    return EXIT.CANNOT_CREATE;
  }
  const stdout = createStdout({
    isWritable: () => libc?.isWritable(STDOUT) ?? true,
    onLost: (lines) => log(describeLostLines(lines)),
  });
  const log = createLog({
    format: settings.logFormat,
    level: settings.logLevel,
    pid: Deno.pid,
    write: stdout.writeLine,
  });
  const { folder } = made;
  const collectGarbageSoon = createGarbageCollector(libc?.trimMemory ?? (() => {}));
  const status = await createStatus(settings, {
    collectGarbageSoon,
    withUmask: libc?.withUmask ?? null,
    onBug: (bug) => supervisor.postBug(bug, { name: "status" }),
  });
  const recorder = parts.lastGood?.createRecorder({ log, onGathered: collectGarbageSoon });
  const record = ({ after }: Step) => recorder?.observe(servingIn(after));
  const observers = [status?.observe, record].filter((one) => one !== undefined);
  const supervisor = new Supervisor(settings, observers);
  const { post, postBug } = supervisor;
  const reportBug = (error: unknown) => postBug(error, null);
  const listening = await listen(settings, { status, log });
  if (listening?.tag === "not_listening") {
    complain(describeNotListening(settings.statusListen!, listening.reason));
    await folder.remove();
    return EXIT.CANNOT_CREATE;
  }
  parts.mountedFiles.forEach((file) => log(describeMountedFile(file)));
  await warnOfForeignProgram(path, { settings, log });
  const places = { parents: settings.runtimeParents, folder: folder.path, libc };
  const leftovers = await findLeftovers({ ...places, service });
  describeLeftovers(leftovers).forEach(log);
  const effects = new RealEffects({
    ...parts,
    settings,
    folder,
    leftovers,
    log,
    post,
    postBug,
    collectGarbageSoon,
    readMemoryFile: libc?.readMemoryFile ?? (() => null),
  });
  status?.attach(effects);
  signals.deliverTo((meaning) => effects.receive(meaning));
  catchBugs(reportBug);
  const lookNow = lookForStrays(places, (found) => describeUntouched(found).forEach(log));
  const exitCode = await supervisor.run(effects, seen.tag === "taken" ? seen.fingerprint : null);
  lookNow();
  listening?.close();
  await recorder?.close();
  await effects.close();
  await stdout.end();
  return exitCode;
}

async function warnOfForeignProgram(
  path: string,
  { settings, log }: { readonly settings: Settings; readonly log: Log },
): Promise<void> {
  try {
    const reason = await findForeignProgram(path, ownUser(settings.runtimeParents));
    if (reason !== null) log(describeForeignProgram(reason));
  } catch {
    // A disk that is full now hides a warning, and nothing more.
  }
}

/** Where the status is not asked for, its parts are not even loaded. */
async function createStatus(
  settings: Settings,
  options: Pick<StatusOptions, "collectGarbageSoon" | "onBug" | "withUmask">,
): Promise<Status | null> {
  if (settings.statusListen === null) return null;
  const { Status } = await import("./lib/status/status.ts");
  const versions = { wrapper: denoJson.version, deno: Deno.version.deno };
  const directory = haproxyDirectory(settings, Deno.cwd());
  return new Status({ ...options, settings, versions, directory });
}

/** It answers before anything serves. */
async function listen(
  { statusListen }: Settings,
  { status, log }: { readonly status: Status | null; readonly log: Log },
): Promise<StatusListening | null> {
  if (statusListen === null || status === null) return null;
  const listening = await status.listen(statusListen);
  if (listening.tag === "listening") log(describeListening(statusListen));
  return listening;
}

/** Whatever nobody has caught must not leave HAProxy behind. */
function catchBugs(report: (error: unknown) => void): void {
  globalThis.addEventListener("error", (event) => {
    event.preventDefault();
    report(event.error);
  });
  globalThis.addEventListener("unhandledrejection", (event) => {
    event.preventDefault();
    report(event.reason);
  });
}

async function check(
  settings: Settings,
  { needs, signals }: { readonly needs: Needs; readonly signals: Signals },
): Promise<number> {
  const end = await checkConfiguration(settings, {
    needs,
    onStarted: (stop) =>
      signals.deliverTo((meaning) => meaning.tag === "stop" && stop(meaning.signal)),
  });
  end.problems.forEach(complain);
  return end.exitCode;
}

async function letHaproxyPrint(flag: string): Promise<number> {
  const spawned = spawnHaproxy([flag], { environment: {}, output: "inherit" });
  if (spawned.tag === "spawned") return (await spawned.process.ended).code;
  complain(describeFailure(spawned));
  return exitCodeOf(spawned);
}

async function versionText(): Promise<string> {
  const spawned = spawnHaproxy(["-v"], { environment: {}, output: "captured" });
  const haproxy = spawned.tag === "spawned"
    ? (await spawned.process.output).split("\n")[0]!
    : `haproxy: ${spawned.reason}`;
  return [`haproxy-reload-wrapper ${denoJson.version}`, `Deno ${Deno.version.deno}`, haproxy]
    .map((line) => visible(line)).join("\n");
}

/** Of what every setting rests on; Deno leaves variables out that are not UTF-8. */
function problemsAround(): string[] {
  return [
    ...problemOf("the working directory", () => Deno.cwd()),
    ...VARIABLES.flatMap((name) => problemOf(name, () => Deno.env.get(name))),
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

/** Where nothing is to be recorded, none of its parts is loaded. */
async function openLastGood(
  settings: Settings,
  environment: Readonly<Record<string, string>>,
): Promise<LastGoodSet | null> {
  if (settings.lastGood === null) return null;
  const { LastGoodSet } = await import("./lib/last_good/last_good.ts");
  const workingDirectory = Deno.cwd();
  return new LastGoodSet(settings.lastGood, settings, { environment, workingDirectory });
}

/** What is on disk will fail to start, and what is recorded is then started in its place. */
async function canServe(lastGood: LastGoodSet | null): Promise<boolean> {
  const problem = await lastGood?.problem();
  if (problem) complain(problem);
  return problem === null;
}

async function problemsOnDisk(settings: Settings, seen: ScanResult["seen"]): Promise<string[]> {
  const unreadable = seen.tag === "unreadable" ? seen.unreadable : [];
  const envFile = await readEnvFile(settings.envFile);
  return [
    ...unreadable.map(({ path, reason }) => `cannot read "${path}": ${reason}`),
    // One that cannot be read is among the sources.
    ...envFile.tag === "invalid" ? describeEnvFile(settings.envFile, envFile) : [],
  ];
}

function refuse(problems: readonly string[]): number {
  problems.forEach((problem) => complain(problem));
  complain('nothing was started; "--help" lists all settings');
  return EXIT.USAGE;
}

/** Of a bug outside the supervisor, which has its own way to end HAProxy. */
function reportBug(error: unknown): number {
  complain(`a bug in the wrapper: ${describeBug(error)}`);
  return EXIT.SOFTWARE;
}

function say(text: string): 0 {
  writeToStdout(text);
  return 0;
}

function complain(text: string): void {
  console.error(`haproxy-reload-wrapper: ${visible(text)}`);
}
