/** Asks a HAProxy process about itself. */
import { ask } from "./runtime_api.ts";

/** What a process says about itself. */
export interface Instance {
  readonly pid: number;
  /** Listeners that are not stats sockets: those of frontends, peers and log forwarders. */
  readonly userListeners: number;
}

/**
 * Asks the process behind `socket` about itself. `null` if nobody answers, what answers is no HAProxy,
 * or `signal` aborts, which closes the connection.
 */
export async function askInstance(socket: string, signal: AbortSignal): Promise<Instance | null> {
  const answer = await ask(socket, "show info;show cli sockets", signal);
  return answer === null ? null : parseInstance(answer);
}

/** Reads the answer to `show info;show cli sockets`. Pure. */
export function parseInstance(answer: string): Instance | null {
  const pid = numberOf(answer, "Pid");
  const listeners = numberOf(answer, "Listeners");
  if (pid === null || listeners === null) return null;
  const [, statsSockets = ""] = answer.split(/^# socket lvl.*\n/m);
  return {
    pid,
    userListeners: listeners - statsSockets.split("\n").filter((line) => line.trim()).length,
  };
}

function numberOf(answer: string, name: string): number | null {
  const value = new RegExp(`^${name}: (\\d+)$`, "m").exec(answer)?.[1];
  return value === undefined ? null : Number(value);
}
