/** Leaves the reason of a failed start where Kubernetes looks for it: the container's termination message. */
import type { Libc } from "./libc.ts";
import { visible } from "../text/visible.ts";

/** Writes `lines`, if there is such a file, as in every container that Kubernetes runs. */
export function writeTerminationLog(libc: Libc | null, lines: readonly string[]): void {
  const text = lines.map((line) => `${visible(line)}\n`).join("");
  const bytes = new TextEncoder().encode(text);
  libc?.overwrite(PATH, bytes.subarray(0, MOST_BYTES));
}

/** The default of Kubernetes' `terminationMessagePath`. Deno allows nothing in /dev to be written. */
const PATH = "/dev/termination-log";

/** Kubernetes cuts what is longer. */
const MOST_BYTES = 4_096;
