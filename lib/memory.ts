/** Gives back the memory that a reload has used: the only user of V8's `gc`, which `--expose-gc` makes known. */

/** Long enough after a reload that nobody waits for the few milliseconds that it takes. */
const PAUSE_MS = 100;

/**
 * Makes the function that collects garbage soon, once for several calls. A program that allocates only
 * now and then would otherwise grow for hundreds of reloads before V8 finds that worth a collection.
 */
export function createGarbageCollector(): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  return () => {
    timer ??= setTimeout(() => {
      timer = undefined;
      (globalThis as { gc?: () => void }).gc?.();
    }, PAUSE_MS);
  };
}
