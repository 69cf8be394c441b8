/** Waits with a time limit and a cancellation. */

export type Cut =
  | { readonly tag: "timed_out"; readonly afterMs: number }
  | { readonly tag: "cancelled" };

/** Waits for `work`, at most `timeoutMs` or until `cancel` aborts. The work itself continues. */
export async function cutOff<Result>(
  work: Promise<Result>,
  { timeoutMs, cancel }: { readonly timeoutMs: number; readonly cancel: AbortSignal },
): Promise<Result | Cut> {
  const end = new AbortController();
  const cut = sleep(timeoutMs, cancel, end.signal).then((): Cut =>
    cancel.aborted ? { tag: "cancelled" } : { tag: "timed_out", afterMs: timeoutMs }
  );
  try {
    return await Promise.race([work, cut]);
  } finally {
    end.abort();
  }
}

/** `null` after `limitMs`; the promise itself continues. */
export async function within<Value>(
  limitMs: number,
  promise: Promise<Value>,
): Promise<Value | null> {
  const { promise: over, resolve } = Promise.withResolvers<null>();
  const timer = setTimeout(resolve, limitMs, null);
  try {
    return await Promise.race([promise, over]);
  } finally {
    clearTimeout(timer);
  }
}

/** Resolves after `ms`, or as soon as one of `signals` aborts. */
export async function sleep(ms: number, ...signals: readonly AbortSignal[]): Promise<void> {
  const limit = new AbortController();
  const timer = setTimeout(() => limit.abort(), ms);
  await aborted(...signals, limit.signal);
  clearTimeout(timer);
}

/**
 * Resolves when one of `signals` aborts, and leaves nothing behind at the others, which may live for weeks. Does not use
 * `AbortSignal.any`: Deno 2.6 garbage-collects its result if only a listener refers to it, and then it never aborts.
 */
export function aborted(...signals: readonly AbortSignal[]): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const end = () => {
    signals.forEach((signal) => signal.removeEventListener("abort", end));
    resolve();
  };
  signals.forEach((signal) => signal.addEventListener("abort", end));
  if (signals.some(({ aborted }) => aborted)) end();
  return promise;
}
