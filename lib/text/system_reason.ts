/** Finds out why a system call failed. Pure. */

/** In the C library's words: `No such file or directory`. */
export function systemReason(error: unknown): string {
  return error instanceof Error ? error.message.split(" (os error")[0]! : String(error);
}

/** Whether the path does not exist. */
export const isMissing = (error: unknown) =>
  error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory;

/** Whether the program or the machine has run out of file descriptors or memory. */
export const isShortage = (error: unknown) =>
  error instanceof Error && /\(os error (?:12|23|24)\)/.test(error.message);
