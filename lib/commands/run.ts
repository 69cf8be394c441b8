/** Runs HAProxy until the end: builds what that takes, runs the supervisor, and closes what it has built. */
import { EXIT } from "../exit_codes.ts";
import { findLeftovers } from "../haproxy/leftovers/leftovers.ts";
import { reportStrays } from "../haproxy/leftovers/strays.ts";
import { createClaim } from "../haproxy/private_folder/claim.ts";
import { describeNotMade, makePrivateFolder } from "../haproxy/private_folder/private_folder.ts";
import { describeForeignProgram, findForeignProgram } from "../haproxy/process/program_path.ts";
import type { LastGoodSet } from "../last_good/last_good.ts";
import type { LoadedFiles } from "../loaded/loaded_files.ts";
import type { Settings } from "../settings/settings.ts";
import type { ManagerNotices, ManagerNoticesOptions } from "../status/manager_notices.ts";
import type { Status, StatusOptions } from "../status/status.ts";
import { RealEffects } from "../supervisor/actions/effects.ts";
import { createKeeper } from "../supervisor/actions/keeper.ts";
import { describeLeftovers, describeUntouched } from "../supervisor/messages/leftover_messages.ts";
import { servingIn } from "../supervisor/state/state.ts";
import { type Step, Supervisor } from "../supervisor/supervisor.ts";
import { ownUser } from "../system/files/ownership.ts";
import { createGarbageCollector } from "../system/garbage.ts";
import type { Libc } from "../system/libc.ts";
import { complain, createLog, describeLostLines, type Log } from "../system/log.ts";
import type { Signals } from "../system/signals.ts";
import { createStdout, STDOUT } from "../system/stdout.ts";
import { catchBugs } from "../system/uncaught_errors.ts";
import { describeMountedFile, findMountedFiles } from "../watch/scan/mounted_files.ts";
import type { Scanner, ScanResult } from "../watch/scan/scan.ts";
import { haproxyDirectory, type Source } from "../watch/scan/sources.ts";

/** What is ready before anything starts. */
export interface Prepared {
  readonly signals: Signals;
  readonly libc: Libc | null;
  readonly wrapperVersion: string;
  /** What PATH says; `null` if it cannot be read. */
  readonly path: string | null;
  /** What NOTIFY_SOCKET said; empty if nothing. */
  readonly notifySocket: string;
  readonly sources: readonly Source[];
  readonly scanner: Scanner;
  readonly scan: ScanResult;
  readonly loadedFiles: LoadedFiles;
  readonly lastGood: LastGoodSet | null;
}

/** Returns the exit status. */
export async function run(settings: Settings, prepared: Prepared): Promise<number> {
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

  const status = await createStatus(settings, prepared, {
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
  await warnOfForeignProgram(prepared.path, { settings, log });
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
  { wrapperVersion }: Prepared,
  options: Omit<StatusOptions, "settings" | "versions" | "directory">,
): Promise<Status | null> {
  if (settings.statusListen === null) return null;
  const { Status } = await import("../status/status.ts");
  const versions = { wrapper: wrapperVersion, deno: Deno.version.deno };
  const directory = haproxyDirectory(settings, Deno.cwd());
  return new Status({ ...options, settings, versions, directory });
}

/** Without NOTIFY_SOCKET none of its modules are loaded. */
async function createManagerNotices(
  name: string,
  options: Omit<ManagerNoticesOptions, "name">,
): Promise<ManagerNotices | null> {
  if (name === "") return null;
  const { ManagerNotices } = await import("../status/manager_notices.ts");
  return new ManagerNotices({ ...options, name });
}

async function warnOfForeignProgram(
  path: string | null,
  { settings, log }: { readonly settings: Settings; readonly log: Log },
): Promise<void> {
  if (path === null) return;
  try {
    const reason = await findForeignProgram(path, ownUser(settings.runtimeParents));
    if (reason !== null) log(describeForeignProgram(reason));
  } catch {
    // If the owner cannot be determined, as on a full disk, only this warning is lost.
  }
}

function cannotCreate(problem: string): number {
  complain(problem);
  return EXIT.CANNOT_CREATE;
}
