/** Gives back the memory that a reload has used: the only user of V8's `gc`, which `--expose-gc` makes known. */

export interface GarbageCollection {
  /** Collects soon, once for several calls. */
  collectSoon(): void;
  close(): void;
}

/** Long enough after a reload that nobody waits for the few milliseconds that it takes. */
const PAUSE_MS = 100;

/**
 * A program that allocates only now and then would otherwise grow for hundreds of reloads before V8
 * finds that worth a collection.
 */
export function createGarbageCollection(): GarbageCollection {
  let timer: ReturnType<typeof setTimeout> | undefined;
  return {
    collectSoon() {
      clearTimeout(timer);
      timer = setTimeout(() => (globalThis as { gc?: () => void }).gc?.(), PAUSE_MS);
    },
    close: () => clearTimeout(timer),
  };
}
