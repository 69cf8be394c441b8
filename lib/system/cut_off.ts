/** Waits for work, but no longer than a time, nor than somebody lets it. */

export type Cut =
  | { readonly tag: "timed_out"; readonly afterMs: number }
  | { readonly tag: "cancelled" };

/** Waits for `work` no longer than `timeoutMs`, nor than `cancel` lets it. */
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
 * Resolves when one of `signals` aborts. Not by `AbortSignal.any`: what that makes is garbage to Deno 2.6 when only its
 * listeners refer to anything, and then never aborts.
 */
export const aborted = (...signals: readonly AbortSignal[]) =>
  new Promise<void>((resolve) => {
    for (const signal of signals) {
      if (signal.aborted) resolve();
      else signal.addEventListener("abort", () => resolve(), { once: true });
    }
  });
