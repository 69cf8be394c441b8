/** Has HAProxy check the configuration as a start would load it, but for the private stats socket. */
import { EXIT } from "../../exit_codes.ts";
import type { Needs } from "../../config/needs.ts";
import type { StopSignal } from "../../system/signals.ts";
import type { Settings } from "../../settings/settings.ts";
import { systemReason } from "../../text/system_reason.ts";
import { checkArguments, type InjectedFiles } from "../process/arguments.ts";
import { describeEnvFile, readEnvFile } from "../process/env_file_reader.ts";
import { describeFailure, exitCodeOf } from "./failure.ts";
import {
  describeNotMade,
  makePrivateFolder,
  type PrivateFolder,
} from "../private_folder/private_folder.ts";
import { spawnHaproxy } from "../process/process.ts";

export interface CheckOptions {
  readonly needs: Needs;
  /** Called when the check can be stopped. */
  readonly onStarted: (stop: (signal: StopSignal) => void) => void;
}

export type CheckEnd =
  /** HAProxy has said what there is to say. */
  | { readonly tag: "checked"; readonly exitCode: number }
  | {
    readonly tag: "not_checked";
    readonly problems: readonly string[];
    readonly exitCode: number;
  };

/** With its output where the wrapper's goes. Nothing of it stays on disk. */
export async function checkConfiguration(
  settings: Settings,
  options: CheckOptions,
): Promise<CheckEnd> {
  const made = await makePrivateFolder(settings.runtimeParents);
  if (made.tag === "not_made") return notChecked(EXIT.CANNOT_CREATE, describeNotMade(made.reason));
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
  if (file.tag !== "read") return notChecked(EXIT.USAGE, ...describeEnvFile(envFile, file));
  const injected = await prepareIn(folder, needs);
  if (typeof injected === "string") return notChecked(EXIT.CANNOT_CREATE, injected);
  const words = checkArguments(haproxy, injected);
  const spawned = spawnHaproxy(words, { environment: file.variables, output: "inherit" });
  if (spawned.tag === "not_spawned") {
    return notChecked(exitCodeOf(spawned), describeFailure(spawned));
  }
  onStarted(spawned.process.signal);
  return { tag: "checked", exitCode: (await spawned.process.ended).code };
}

/** The files, or why there are none. */
async function prepareIn(folder: PrivateFolder, needs: Needs): Promise<InjectedFiles | string> {
  try {
    return await folder.prepare("check", needs);
  } catch (error) {
    return `cannot write to the private folder "${folder.path}": ${systemReason(error)}`;
  }
}

const notChecked = (exitCode: number, ...problems: readonly string[]): CheckEnd => ({
  tag: "not_checked",
  problems,
  exitCode,
});
