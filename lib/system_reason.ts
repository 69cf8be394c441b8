/** What a failed system call says, in the C library's words: `No such file or directory`. */
export function systemReason(error: unknown): string {
  return error instanceof Error ? error.message.split(" (os error")[0]! : String(error);
}
