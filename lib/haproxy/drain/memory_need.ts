/** How much memory the next HAProxy process will take, judged by the one that serves. Pure. */

/**
 * What to have ready for one more process like that of `status`, its `/proc/PID/status`, in bytes;
 * `null` if that says nothing.
 */
export function memoryNeed(status: string): number | null {
  const kilobytes = OWN.map((name) => new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(status)?.[1]);
  if (kilobytes[0] === undefined) return null;
  const own = kilobytes.reduce((sum, text) => sum + Number(text ?? 0), 0) * 1_024;
  return Math.ceil(own * MARGIN) + WRAPPER_BYTES;
}

/** All that belongs to the process alone; the program and its libraries are in memory already. */
const OWN = ["RssAnon", "RssShmem", "VmSwap", "VmPTE"];

/**
 * HAProxy 2.6.12 needs no more while it reads a configuration than afterwards (5,000 and 50,000
 * backends), and what the kernel needs for it comes to 0.1 % beside these. The rest is for a
 * configuration that has grown since.
 */
const MARGIN = 1.1;

/** What the wrapper takes for a moment during a handoff. */
const WRAPPER_BYTES = 4 * 2 ** 20;
