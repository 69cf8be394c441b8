/** Keeps long work from holding up the main thread: on Deno's other threads, as long as there are any, or in steps. */

/**
 * A thread ends after 10 s without work. Where none can be started then, because a limit of processes is
 * reached, Deno aborts (2.6 and 2.9). So from the first longer rest on, which a slow poll, none, or a
 * standstill of the whole program makes possible, all is done at once on the main thread, which a hung
 * network mount would hold up.
 */
const THREAD_LIVES_MS = 8_000;

let lastWorkMs = performance.now();

export async function work<Result>(
  onThread: () => Promise<Result>,
  atOnce: () => Result | Promise<Result>,
): Promise<Result> {
  if (performance.now() - lastWorkMs > THREAD_LIVES_MS) return await atOnce();
  try {
    return await onThread();
  } finally {
    lastWorkMs = performance.now();
  }
}

/** Lets signals, timers and requests come in between the portions of a long work. */
export const breathe = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0));

/** Takes all `steps`, and lets others in between any two of them. */
export async function inSteps<Result>(steps: Generator<void, Result>): Promise<Result> {
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
    await breathe();
  }
}

/** The same at once, where nobody else is to come in between. */
export function atOnce<Result>(steps: Generator<void, Result>): Result {
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
  }
}
