/** Waits for work, but no longer than a time, nor than somebody lets it. */

export type Cut =
  | { readonly tag: "timed_out"; readonly afterMs: number }
  | { readonly tag: "cancelled" };

/** Waits for `work` no longer than `timeoutMs`, nor than `cancel` lets it. */
export async function cutOff<Result>(
  work: Promise<Result>,
  { timeoutMs, cancel }: { readonly timeoutMs: number; readonly cancel: AbortSignal },
): Promise<Result | Cut> {
  const { promise: cut, resolve } = Promise.withResolvers<Cut>();
  const onCancel = () => resolve({ tag: "cancelled" });
  const timer = setTimeout(() => resolve({ tag: "timed_out", afterMs: timeoutMs }), timeoutMs);
  cancel.addEventListener("abort", onCancel);
  try {
    return await Promise.race([work, cut]);
  } finally {
    clearTimeout(timer);
    cancel.removeEventListener("abort", onCancel);
  }
}
