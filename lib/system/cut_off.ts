/** Waits for work with a time limit and a cancellation. */

export type Cut =
  | { readonly tag: "timed_out"; readonly afterMs: number }
  | { readonly tag: "cancelled" };

/** Waits for `work`, at most `timeoutMs` or until `cancel` aborts. The work itself continues. */
export async function cutOff<Result>(
  work: Promise<Result>,
  { timeoutMs, cancel }: { readonly timeoutMs: number; readonly cancel: AbortSignal },
): Promise<Result | Cut> {
  const limit = new AbortController();
  const timer = setTimeout(() => limit.abort(), timeoutMs);
  const cut = aborted(cancel, limit.signal).then((): Cut =>
    cancel.aborted ? { tag: "cancelled" } : { tag: "timed_out", afterMs: timeoutMs }
  );
  try {
    return await Promise.race([work, cut]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Resolves when one of `signals` aborts. Does not use `AbortSignal.any`: Deno 2.6 garbage-collects its result if only
 * a listener refers to it, and then it never aborts.
 */
export const aborted = (...signals: readonly AbortSignal[]) =>
  new Promise<void>((resolve) => {
    for (const signal of signals) {
      if (signal.aborted) resolve();
      else signal.addEventListener("abort", () => resolve(), { once: true });
    }
  });
