/** Leaves the reason of a failed start where Kubernetes looks for it: the container's termination message. */
import type { Libc } from "./libc.ts";

/** Writes `text`, if there is such a file, as in every container that Kubernetes runs. */
export function writeTerminationLog(libc: Libc | null, text: string): void {
  const bytes = new TextEncoder().encode(`${text}\n`);
  libc?.overwrite(PATH, bytes.subarray(0, MOST_BYTES));
}

/** The default of Kubernetes' `terminationMessagePath`. Deno allows nothing in /dev to be written. */
const PATH = "/dev/termination-log";

/** Kubernetes cuts what is longer. */
const MOST_BYTES = 4_096;
