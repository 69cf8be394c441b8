/** Processes as the kernel shows them in /proc, and signals to them. */
import { namesIn, readIfThere } from "./files.ts";
import { waitFor } from "./wait.ts";

/** The children of a process that it has not reaped, as pids. */
export function childrenOf(pid: number): string[] {
  return readIfThere(`/proc/${pid}/task/${pid}/children`).split(" ").filter((one) => one.trim());
}

/** The state of a process or thread, such as `T` (stopped) or `Z` (a zombie); `null` if it has gone. */
export const stateOf = (pid: number): string | null =>
  /\) (\S) /.exec(readIfThere(`/proc/${pid}/stat`))?.[1] ?? null;

/** Stops a process and waits until all its threads are stopped: a SIGTERM that arrives sooner would end it. */
export async function freeze(pid: number): Promise<void> {
  Deno.kill(pid, "SIGSTOP");
  const isStopped = (thread: string) => stateOf(Number(thread)) === "T";
  await waitFor("the process to stop", () => namesIn(`/proc/${pid}/task`).every(isStopped));
}

/** Sends a signal, if the process is still there. */
export function killQuietly(pid: number, signal: Deno.Signal = "SIGKILL"): void {
  try {
    Deno.kill(pid, signal);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
