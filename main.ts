/** The program: reads its arguments and environment, does what they ask for, and exits once. */
import denoJson from "./deno.json" with { type: "json" };
import { run } from "./lib/commands/run.ts";
import { EXIT } from "./lib/exit_codes.ts";
import { describeEnvFile, readEnvFile } from "./lib/haproxy/process/env_file_reader.ts";
import { isOwnChild } from "./lib/haproxy/process/process.ts";
import type { LastGoodSet } from "./lib/last_good/last_good.ts";
import { createLoadedFiles } from "./lib/loaded/loaded_files.ts";
import { VARIABLES } from "./lib/settings/options.ts";
import { readInvocation, type Settings } from "./lib/settings/settings.ts";
import { describeBug } from "./lib/supervisor/supervisor.ts";
import { type Libc, openLibc } from "./lib/system/libc.ts";
import { complain } from "./lib/system/log.ts";
import { createReaper } from "./lib/system/orphans.ts";
import {
  listenToSignals,
  onChildEnd,
  SIGNAL_NUMBERS,
  type SignalMeaning,
  type Signals,
} from "./lib/system/signals.ts";
import { systemReason } from "./lib/text/system_reason.ts";
import { Directories } from "./lib/watch/directories/directories.ts";
import { createScanner, type ScanResult } from "./lib/watch/scan/scan.ts";
import { haproxyDirectory, sourcesOf } from "./lib/watch/scan/sources.ts";

if (import.meta.main) {
  // First, because most signals end the process by default.
  const signals = listenToSignals();
  const libc = await openLibc();
  if (libc !== null && Deno.pid === 1) reapOrphans(libc);
  Deno.exit(await main(signals, libc).catch(reportBug));
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
  const parts = { signals, sources, scanner, scan, loadedFiles, lastGood };
  switch (tag) {
    case "check":
      return await (await importCommands()).check(settings, parts);
    case "list_watched":
      return await (await importCommands()).listWatched(settings, parts);
    case "run": {
      const wrapperVersion = denoJson.version;
      return await run(settings, {
        ...parts,
        libc,
        wrapperVersion,
        path: readPath(),
        notifySocket,
      });
    }
    default:
      return tag satisfies never;
  }
}

/** Rarely needed, and modules stay in memory. */
async function importCommands() {
  return await import("./lib/commands/commands.ts");
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

/** `null` if it is not UTF-8. */
function readPath(): string | null {
  try {
    return Deno.env.get("PATH") ?? "";
  } catch {
    return null;
  }
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
