/** Waits for work until a time limit or a cancellation cuts the wait off. */

export type Cut =
  | { readonly tag: "timed_out"; readonly afterMs: number }
  | { readonly tag: "cancelled" };

/** Waits for `work`, at most `timeoutMs` and until `cancel` aborts. The work itself goes on. */
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
 * Resolves when one of `signals` aborts. Not by `AbortSignal.any`: Deno 2.6 collects its result as garbage if
 * nothing but a listener refers to it, and then it never aborts.
 */
export const aborted = (...signals: readonly AbortSignal[]) =>
  new Promise<void>((resolve) => {
    for (const signal of signals) {
      if (signal.aborted) resolve();
      else signal.addEventListener("abort", () => resolve(), { once: true });
    }
  });
