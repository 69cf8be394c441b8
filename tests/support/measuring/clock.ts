/** One clock for all threads of the bench. */

/** Milliseconds since 1970, in fractions. */
export const nowMs = () => performance.timeOrigin + performance.now();
