/** Caches a value for a moment, so that a flood of requests cannot take all the time. */

export interface ShortCache<Value> {
  get(): Value;
  /** Makes the next `get` compute it again. */
  forget(): void;
}

export function shortCache<Value>(make: () => Value): ShortCache<Value> {
  let kept: { readonly value: Value; readonly madeMs: number } | null = null;
  return {
    get() {
      const nowMs = performance.now();
      if (kept === null || nowMs - kept.madeMs >= MOMENT_MS) {
        kept = { value: make(), madeMs: nowMs };
      }
      return kept.value;
    },
    forget: () => kept = null,
  };
}

const MOMENT_MS = 100;
