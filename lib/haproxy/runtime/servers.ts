/** The Runtime API for servers. */
import { ask, type StatsSocket } from "./client.ts";

/** The state of all servers, in the format of `server-state-file`; `null` without an answer before `stop` aborts. */
export async function showServersState(
  socket: StatsSocket,
  stop: AbortSignal,
): Promise<string | null> {
  const answer = await ask(socket, "show servers state", stop);
  return stop.aborted ? null : answer;
}

/** Whether an answer is a state of servers, perhaps of none. Pure. */
export const isServersState = (answer: string) => answer.startsWith("1\n# ");
