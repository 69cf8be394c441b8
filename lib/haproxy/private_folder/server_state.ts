/** Saves the state of all servers of a process, such as maintenance and weights, for its successor to load. */
import { formatDuration } from "../../text/duration.ts";
import { maskedMessage } from "../../secrets/masked_message.ts";
import { systemReason } from "../../text/system_reason.ts";
import { NO_SERVERS, type PrivateFile } from "./private_folder.ts";
import type { StatsSocket } from "../runtime/client.ts";
import { isServersState, showServersState } from "../runtime/servers.ts";

export interface ServerStateCopy {
  /** The stats socket of the process that has it. */
  readonly from: StatsSocket;
  /** The file that its successor loads. */
  readonly to: PrivateFile;
}

/**
 * Gives `null`, or why it could not be saved: then the file, which has to be there, holds no server.
 * Nothing is written to it any more when this has ended, soon after an abort of `cancel` or the limit.
 */
export async function saveServerState(
  { from, to }: ServerStateCopy,
  cancel: AbortSignal,
): Promise<string | null> {
  const stop = AbortSignal.any([cancel, AbortSignal.timeout(ANSWER_LIMIT_MS)]);
  const answer = await showServersState(from, stop);
  if (answer === null) {
    return `no answer, which is awaited for at most ${formatDuration(ANSWER_LIMIT_MS)}`;
  }
  if (!isServersState(answer)) {
    return `found "${maskedMessage(answer.trim().slice(0, 80))}", wanted a list`;
  }
  try {
    await to.write(answer);
    return null;
  } catch (error) {
    // Half of it may be there, which would be half true.
    await to.write(NO_SERVERS).catch(() => {});
    return `cannot write "${to.path}": ${systemReason(error)}`;
  }
}

/** Ten times what HAProxy 2.6 and 3.0 take for 50,000 servers, of 3.5 MB. */
const ANSWER_LIMIT_MS = 3_000;
