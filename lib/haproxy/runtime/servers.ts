/** Servers by the Runtime API. */
import { ask, type StatsSocket } from "./client.ts";

/** The state of all servers, as `server-state-file` takes it; `null` without an answer before `stop` aborts. */
export async function showServersState(
  socket: StatsSocket,
  stop: AbortSignal,
): Promise<string | null> {
  const answer = await ask(socket, "show servers state", stop);
  return stop.aborted ? null : answer;
}

/** Whether an answer is such a state, which may hold no server. Pure. */
export const isServersState = (answer: string) => answer.startsWith("1\n# ");
