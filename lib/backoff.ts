/** Tells how long to wait before something that has failed is tried again. Pure. */

/** 1 s, 2 s, 4 s and so on, at most a minute, after that many failures in a row. */
export const retryDelayMs = (failures: number) =>
  Math.min(LONGEST_RETRY_MS, 1_000 * 2 ** (failures - 1));

const LONGEST_RETRY_MS = 60_000;
