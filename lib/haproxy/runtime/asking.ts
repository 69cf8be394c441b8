/** Asks a process that may hang, without waiting for it twice. */
import { ask as askProcess, type StatsSocket } from "./client.ts";

/** Sends a command, and gives HAProxy's answer; `null` if there is none. */
export type Ask = (command: string) => Promise<string | null>;

/**
 * Makes what asks the process behind `socket`. Once it has not answered it is not asked again, and
 * neither is it after an abort of `cancel`.
 */
export function createAsk(socket: StatsSocket, cancel?: AbortSignal): Ask {
  let isLost = false;
  return async (command) => {
    if (isLost || cancel?.aborted) return null;
    const limit = AbortSignal.timeout(ANSWER_LIMIT_MS);
    const stop = cancel === undefined ? limit : AbortSignal.any([cancel, limit]);
    const answer = await askProcess(socket, command, stop);
    isLost = answer === null || stop.aborted;
    return isLost ? null : answer;
  };
}

/** An answer takes some milliseconds; a map of a million entries, or a machine that is overloaded, seconds. */
const ANSWER_LIMIT_MS = 5_000;
