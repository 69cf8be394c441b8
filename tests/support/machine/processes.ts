/** Processes as the kernel shows them in /proc, and signals to them. */
import { linkIfThere, namesIfThere, namesIn, readIfThere } from "./files.ts";
import { waitFor } from "../wait.ts";

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

/** Whether a process has a socket that listens on that port of 127.0.0.1. One that has just ended has none. */
export function listensOn(pid: number, port: number): boolean {
  const address = `0100007F:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  const sockets = readIfThere(`/proc/${pid}/net/tcp`).split("\n")
    .map((line) => line.trim().split(/\s+/));
  const listening = sockets.filter(([, local, , state]) => local === address && state === LISTEN)
    .map((fields) => `socket:[${fields[9]}]`);
  const fds = `/proc/${pid}/fd`;
  return namesIfThere(fds).some((name) => listening.includes(linkIfThere(`${fds}/${name}`)));
}

/** A state in /proc/net/tcp, see proc_net_tcp(5). */
const LISTEN = "0A";

/** Whether a process is told about events in that directory, see inotify(7) and proc(5). */
export function watches(pid: number, directory: string): boolean {
  const inode = Deno.statSync(directory).ino!.toString(16);
  const fds = `/proc/${pid}/fdinfo`;
  return namesIfThere(fds).some((name) => readIfThere(`${fds}/${name}`).includes(` ino:${inode} `));
}

/** Sends a signal, if the process is still there. */
export function killQuietly(pid: number, signal: Deno.Signal = "SIGKILL"): void {
  try {
    Deno.kill(pid, signal);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
