/** Gets ready what the start of a generation needs: environment, private files, and the words of the command. */
import { systemReason } from "../../text/system_reason.ts";
import type { HaproxyArguments } from "../../settings/haproxy_arguments.ts";
import { hasZeroWarning, startArguments } from "../process/arguments.ts";
import { EXIT } from "../../exit_codes.ts";
import { describeEnvFile, readEnvFile } from "../process/env_file_reader.ts";
import type { Needs } from "../../config/needs.ts";
import type { Failure } from "../failure/failure.ts";
import type { PrivateFolder } from "../private_folder/private_folder.ts";
import { isListening, pathOf, type PrivateSocket, type StatsSocket } from "../runtime/client.ts";
import type { ServerStateCopy } from "../private_folder/server_state.ts";

export interface StartRequest {
  readonly generation: number;
  /** The generation that serves now; `null` at the first start. */
  readonly takeOverFrom: number | null;
  /** The source files, to tell which line of them is at fault. */
  readonly files: readonly string[];
}

export interface PreparationOptions {
  readonly haproxy: HaproxyArguments;
  readonly envFile: string | null;
  readonly userSocket: string | null;
  readonly folder: PrivateFolder;
  /** What the configuration needs of the wrapper's files. */
  readonly needs: () => Needs;
}

export type Preparation =
  | {
    readonly tag: "prepared";
    readonly words: readonly string[];
    readonly environment: Readonly<Record<string, string>>;
    /** To be made just before the start; `null` if there is none to be made. */
    readonly serverState: ServerStateCopy | null;
  }
  | {
    readonly tag: "failed";
    readonly failure: Failure;
    readonly mayPass: boolean;
    readonly alerts: readonly [];
  };

export type Prepared = Extract<Preparation, { tag: "prepared" }>;

/** Prepares a start; nothing of it is seen by the processes that run. */
export async function prepare(
  { generation, takeOverFrom }: StartRequest,
  { haproxy, envFile, userSocket, folder, needs: currentNeeds }: PreparationOptions,
): Promise<Preparation> {
  const file = await readEnvFile(envFile);
  if (file.tag !== "read") {
    const reason = describeEnvFile(envFile, file).join("; ");
    return notPrepared({ reason, exitCode: EXIT.USAGE, mayPass: false });
  }
  const own = takeOverFrom === null ? null : folder.socket(takeOverFrom);
  const lost = userSocket === null ? own?.problem() ?? null : null;
  if (lost !== null) {
    const reason = describeLost(own!, lost);
    return notPrepared({ reason, exitCode: EXIT.CANNOT_CREATE, mayPass: true });
  }
  try {
    const needs = currentNeeds();
    const injected = await folder.prepare(generation, needs);
    const takeover = await chooseTakeover(own, userSocket);
    const words = startArguments(haproxy, injected, takeover && pathOf(takeover));
    const keepsState = needs.loadsServerState && forbidsWarnings(haproxy, needs) === null;
    const serverState = keepsState && takeover !== null
      ? { from: takeover, to: folder.serverState(generation) }
      : null;
    return { tag: "prepared", words, environment: file.variables, serverState };
  } catch (error) {
    await folder.forget(generation);
    const reason = `cannot write to the private folder "${folder.path}": ${systemReason(error)}`;
    return notPrepared({ reason, exitCode: EXIT.CANNOT_CREATE, mayPass: true });
  }
}

/**
 * What makes HAProxy refuse to start after a warning; `null` if nothing does. It warns of each server that
 * is down or drains by its last state (2.6 to 3.4), which a strict configuration is therefore not given.
 */
export function forbidsWarnings(haproxy: HaproxyArguments, { noted }: Needs): string | null {
  return noted.zero_warning ?? (hasZeroWarning(haproxy) ? '"-dW" among the arguments' : null);
}

function notPrepared(
  { reason, exitCode, mayPass }: { reason: string; exitCode: number; mayPass: boolean },
): Preparation {
  return { tag: "failed", failure: { tag: "not_prepared", reason, exitCode }, mayPass, alerts: [] };
}

const describeLost = ({ path }: PrivateSocket, problem: string) =>
  `the private socket "${path}" ${problem}: the next process would take over from it, so restart ` +
  "the wrapper (--socket would name a second way)";

/** The private socket, unless nobody listens there any more and the user has named another. */
async function chooseTakeover(
  own: PrivateSocket | null,
  user: string | null,
): Promise<StatsSocket | null> {
  if (own === null || user === null) return own;
  return await isListening(own) ? own : user;
}
