/** Reaps orphaned processes, which become the wrapper's children when it is process 1, as `tini` does. */
import type { Libc } from "./libc.ts";

export interface OrphansOptions {
  readonly libc: Pick<Libc, "endedChild" | "reap">;
  /** Whether Deno waits for that process, whose status is then left to Deno. */
  readonly isOwnChild: (pid: number) => boolean;
  /** Calls `work` after `delayMs`. */
  readonly later?: (work: () => void, delayMs: number) => void;
}

/** Returns the function to call whenever a child has ended. */
export function createReaper({ libc, isOwnChild, later = setTimeout }: OrphansOptions): () => void {
  let isWaiting = false;
  function reapAll(): void {
    let pid = libc.endedChild();
    while (pid !== null && !isOwnChild(pid)) {
      libc.reap(pid);
      pid = libc.endedChild();
    }
    if (pid !== null) waitForDeno();
  }
  /** The kernel shows one ended child at a time: our own hides the others until Deno has reaped it. */
  function waitForDeno(): void {
    if (isWaiting) return;
    isWaiting = true;
    later(() => {
      isWaiting = false;
      reapAll();
    }, DENO_REAPS_MS);
  }
  return reapAll;
}

/** Ample time: Deno reaps a child within a millisecond or so. */
const DENO_REAPS_MS = 50;
