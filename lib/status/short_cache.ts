/** Caches a value for a moment, so that a flood of requests cannot take all of the CPU. */

export interface ShortCache<Value> {
  get(): Value;
  /** Makes the next `get` compute it again. */
  forget(): void;
}

export function shortCache<Value>(make: () => Value): ShortCache<Value> {
  let cached: { readonly value: Value; readonly madeMs: number } | null = null;
  return {
    get() {
      const nowMs = performance.now();
      if (cached === null || nowMs - cached.madeMs >= MOMENT_MS) {
        cached = { value: make(), madeMs: nowMs };
      }
      return cached.value;
    },
    forget: () => cached = null,
  };
}

const MOMENT_MS = 100;
