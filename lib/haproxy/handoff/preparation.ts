/** Prepares a start: environment, private files, and the command line. */
import type { Needs } from "../../config/needs.ts";
import { EXIT } from "../../exit_codes.ts";
import type { HaproxyArguments } from "../../settings/haproxy_arguments.ts";
import type { Settings } from "../../settings/settings.ts";
import { systemReason } from "../../text/system_reason.ts";
import type { PrivateFolder } from "../private_folder/private_folder.ts";
import { hasZeroWarning, startArguments } from "../process/arguments.ts";
import { describeEnvFile, readEnvFile } from "../process/env_file_reader.ts";
import { isListening, pathOf, type PrivateSocket, type StatsSocket } from "../runtime/client.ts";
import { type Failed, failed } from "./outcome.ts";

export interface StartRequest {
  readonly generation: number;
  /** The generation that serves now; `null` if none does. */
  readonly takeOverFrom: number | null;
  /** The source files, in which to find the line at fault. */
  readonly files: readonly string[];
  readonly origin: Origin;
}

/** What HAProxy loads: what is on disk, or what served last. */
export interface Origin {
  readonly haproxy: HaproxyArguments;
  readonly envFile: string | null;
  /** What its configuration needs in the wrapper's files, according to the last scan. */
  readonly needs: () => Needs;
}

export interface PreparationParts {
  readonly settings: Pick<Settings, "userSocket">;
  readonly folder: PrivateFolder;
}

export interface Prepared {
  readonly tag: "prepared";
  readonly words: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** Whose servers' state is saved just before the start; `null` if none is. */
  readonly stateFrom: StatsSocket | null;
}

/** Does not affect the running processes. */
export async function prepare(
  { generation, takeOverFrom, origin }: StartRequest,
  { settings: { userSocket }, folder }: PreparationParts,
): Promise<Prepared | Failed> {
  const { haproxy, envFile } = origin;
  const file = await readEnvFile(envFile);
  if (file.tag !== "read") {
    const reason = describeEnvFile(envFile, file).join("; ");
    return failed({ tag: "not_prepared", reason, exitCode: EXIT.USAGE });
  }
  const own = takeOverFrom === null ? null : folder.socket(takeOverFrom);
  const lost = userSocket === null ? own?.problem() ?? null : null;
  if (lost !== null) return cannotCreate(describeLost(own!, lost));
  try {
    const needs = origin.needs();
    const injected = await folder.prepare(generation, needs);
    const takeover = await chooseTakeover(own, userSocket);
    const words = startArguments(haproxy, injected, takeover && pathOf(takeover));
    const keepsState = needs.loadsServerState && forbidsWarnings(haproxy, needs) === null;
    const stateFrom = keepsState ? takeover : null;
    return { tag: "prepared", words, environment: file.variables, stateFrom };
  } catch (error) {
    await folder.forget(generation);
    return cannotCreate(
      `cannot write to the private folder "${folder.path}": ${systemReason(error)}`,
    );
  }
}

/**
 * What makes HAProxy refuse to start after a warning; `null` if nothing does. It warns of each server whose last
 * state is down or draining (2.6 to 3.4), so a strict configuration does not get that state.
 */
export function forbidsWarnings(haproxy: HaproxyArguments, { noted }: Needs): string | null {
  return noted.zero_warning ?? (hasZeroWarning(haproxy) ? '"-dW" among the arguments' : null);
}

const cannotCreate = (reason: string) =>
  failed({ tag: "not_prepared", reason, exitCode: EXIT.CANNOT_CREATE }, { mayPass: true });

const describeLost = ({ path }: PrivateSocket, problem: string) =>
  `the private socket "${path}" ${problem}: the next process takes over through it, so restart ` +
  "the wrapper (--socket would provide a second way)";

/** The private socket, or the user's own if nothing listens on the private one. */
async function chooseTakeover(
  own: PrivateSocket | null,
  user: string | null,
): Promise<StatsSocket | null> {
  if (own === null || user === null) return own;
  return await isListening(own) ? own : user;
}
