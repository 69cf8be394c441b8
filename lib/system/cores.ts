/** Whether this machine's cores are wanted. Pure. */
import type { ReadFile } from "./cgroup_memory.ts";

/** Whether another thread than this one runs or waits for a core; `true` if that is not known. */
export function areCoresWanted(read: ReadFile): boolean {
  const runnable = /^(?:\S+ ){3}(\d+)\//.exec(read("/proc/loadavg") ?? "")?.[1];
  return runnable === undefined || Number(runnable) > 1;
}
