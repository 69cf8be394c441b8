/** The wrapper's own exit statuses. All others are HAProxy's, or 128 plus a signal's number. */

export const EXIT = {
  UNHEALTHY: 1,
  /** As in sysexits(3). */
  USAGE: 64,
  SOFTWARE: 70,
  CANNOT_CREATE: 73,
  /** As in a shell, for a program that cannot be started or is missing. */
  NOT_EXECUTABLE: 126,
  NOT_FOUND: 127,
} as const;
