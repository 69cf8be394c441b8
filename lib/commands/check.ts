/** Makes HAProxy check the configuration as a start would load it, but without the private stats socket. */
import type { Needs } from "../config/needs.ts";
import { EXIT } from "../exit_codes.ts";
import type { Settings } from "../settings/settings.ts";
import type { StopSignal } from "../system/signals.ts";
import { systemReason } from "../text/system_reason.ts";
import {
  describeNotMade,
  makePrivateFolder,
  type PrivateFolder,
} from "../haproxy/private_folder/private_folder.ts";
import { checkArguments } from "../haproxy/process/arguments.ts";
import { describeEnvFile, readEnvFile } from "../haproxy/process/env_file_reader.ts";
import { spawnHaproxy } from "../haproxy/process/process.ts";
import { describeFailure, exitCodeOf, type Failure } from "../haproxy/failure/failure.ts";

export interface CheckOptions {
  readonly needs: Needs;
  /** Called once the check can be stopped. */
  readonly onStarted: (stop: (signal: StopSignal) => void) => void;
}

export interface CheckEnd {
  /** What HAProxy has not printed: why there was no check, or what only a start refuses. */
  readonly problems: readonly string[];
  readonly exitCode: number;
}

/** HAProxy writes to the wrapper's stdout and stderr. Nothing stays on disk. */
export async function checkConfiguration(
  settings: Settings,
  options: CheckOptions,
): Promise<CheckEnd> {
  const made = await makePrivateFolder(settings.runtimeParents);
  if (made.tag === "not_made") {
    return { problems: [describeNotMade(made.reason)], exitCode: EXIT.CANNOT_CREATE };
  }
  try {
    return await checkWith(made.folder, settings, options);
  } finally {
    await made.folder.remove();
  }
}

async function checkWith(
  folder: PrivateFolder,
  { haproxy, envFile }: Settings,
  { needs, onStarted }: CheckOptions,
): Promise<CheckEnd> {
  const file = await readEnvFile(envFile);
  if (file.tag !== "read") {
    return { problems: describeEnvFile(envFile, file), exitCode: EXIT.USAGE };
  }
  const injected = await folder.prepare("check", needs).catch(systemReason);
  if (typeof injected === "string") {
    const problem = `cannot write to the private folder "${folder.path}": ${injected}`;
    return { problems: [problem], exitCode: EXIT.CANNOT_CREATE };
  }
  const words = checkArguments(haproxy, injected);
  const spawned = spawnHaproxy(words, { environment: file.variables, output: "inherit" });
  if (spawned.tag === "not_spawned") {
    return { problems: [describeFailure(spawned)], exitCode: exitCodeOf(spawned) };
  }
  onStarted(spawned.process.signal);
  const { code } = await spawned.process.ended;
  const line = needs.masterWorker;
  if (code !== 0 || line === null) return { problems: [], exitCode: code };
  // `haproxy -c` starts no master.
  const failure: Failure = { tag: "master_worker", line };
  return { problems: [describeFailure(failure)], exitCode: exitCodeOf(failure) };
}
