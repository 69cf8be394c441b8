/** How long to wait after that many failures in a row: 1 s, 2 s, 4 s and so on, at most a minute. Pure. */
export const retryDelayMs = (failures: number) =>
  Math.min(LONGEST_RETRY_MS, 1_000 * 2 ** (failures - 1));

const LONGEST_RETRY_MS = 60_000;
