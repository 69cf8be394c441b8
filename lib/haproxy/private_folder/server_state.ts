/** Passes the state of all servers, such as maintenance and weights, from one process to the next. */
import { cutOff } from "../../system/cut_off.ts";
import { formatDuration } from "../../text/duration.ts";
import { maskedMessage } from "../../secrets/masked_message.ts";
import { systemReason } from "../../text/system_reason.ts";
import type { StatsSocket } from "../runtime/client.ts";
import { isServersState, showServersState } from "../runtime/servers.ts";
import { NO_SERVERS } from "./injected.ts";
import type { PrivateFile } from "./private_folder.ts";

export interface SavingOptions {
  readonly cancel: AbortSignal;
  /** Corrects the process's answer for a successor that reads the files as they are now. */
  readonly passed?: ((state: string) => Promise<string>) | undefined;
}

/**
 * Saves the servers' state of the process behind `from`. Returns `null`, or why it could not be saved: then the file,
 * which must exist, holds no server. Returns soon after `cancel` aborts, and writes nothing after returning.
 */
export async function saveServerState(
  from: StatsSocket,
  to: PrivateFile,
  { cancel, passed = (state) => Promise.resolve(state) }: SavingOptions,
): Promise<string | null> {
  const stop = AbortSignal.any([cancel, AbortSignal.timeout(ANSWER_LIMIT_MS)]);
  const answer = await showServersState(from, stop);
  if (answer === null) {
    return stop.aborted ? `no answer within ${formatDuration(ANSWER_LIMIT_MS)}` : "no answer";
  }
  if (!isServersState(answer)) {
    return `found "${maskedMessage(answer.trim().slice(0, 80))}", wanted a list`;
  }
  // Only a file system that hangs takes that long.
  const right = await cutOff(passed(answer), { timeoutMs: ANSWER_LIMIT_MS, cancel });
  try {
    await to.write(typeof right === "string" ? right : answer);
    return null;
  } catch (error) {
    // The file may hold half of the state.
    await to.write(NO_SERVERS).catch(() => {});
    return `cannot write "${to.path}": ${systemReason(error)}`;
  }
}

/** Ten times what HAProxy 2.6 and 3.0 take for 50,000 servers (3.5 MB). */
const ANSWER_LIMIT_MS = 3_000;
