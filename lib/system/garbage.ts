/** Collects garbage and gives memory back: the only user of V8's `gc`, which `--expose-gc` makes known. */

/** So long after a reload hardly anybody waits for the 10 ms or so that a collection takes. */
const PAUSE_MS = 1_000;

/**
 * V8's most thorough collection: without it the wrapper holds 2 MB more after some dozens of reloads. Deno 2.6
 * and 2.9 know its options.
 */
const THOROUGH = { type: "major", execution: "sync", flavor: "last-resort" } as const;

type Gc = (options: { readonly [Key in keyof typeof THOROUGH]?: string }) => void;

const collect: Gc = (options) => (globalThis as { gc?: Gc }).gc?.(options);

/**
 * Collects garbage at once. After a scan of 10,000 files that takes 40 ms, by which the next scan is faster;
 * left to itself V8 would let four scans pass and hold 90 MB.
 */
export const collectGarbage = () => collect({ type: "major", execution: "sync" });

/**
 * Makes the function that collects garbage soon, once for several calls, and then has `trim` give the C
 * library's free pages back, which is worth another megabyte. V8 would otherwise let a program that allocates
 * only now and then grow for hundreds of reloads.
 */
export function createGarbageCollector(trim: () => void): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  return () => {
    timer ??= setTimeout(() => {
      timer = undefined;
      collect(THOROUGH);
      trim();
    }, PAUSE_MS);
  };
}
