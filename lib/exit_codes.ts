/** The exit statuses that the wrapper itself gives; all others are HAProxy's or 128 and a signal's number. */

export const EXIT = {
  /** As in sysexits(3). */
  USAGE: 64,
  SOFTWARE: 70,
  CANNOT_CREATE: 73,
  /** As a shell has it for a program that cannot be started, or is missing. */
  NOT_EXECUTABLE: 126,
  NOT_FOUND: 127,
} as const;
