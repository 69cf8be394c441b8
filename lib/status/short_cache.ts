/** Makes something once for all who ask within a moment, since a flood of requests would take all the time otherwise. */

export interface OfAMoment<Value> {
  get(): Value;
  /** It is different now. */
  forget(): void;
}

export function ofAMoment<Value>(make: () => Value): OfAMoment<Value> {
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
