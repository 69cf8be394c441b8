/** Keeps long work from blocking the main thread: on Deno's other threads, or in steps. */

/**
 * Deno's threads end after 10 s without work, and Deno aborts if it cannot start one, for instance at a limit
 * on processes (2.6 and 2.9). So after the first longer pause, because polls are rare or the whole program was frozen,
 * everything is done on the main thread, which a hung network mount would block.
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

/** Whether work has just come back from a thread: what it reached can then be reached on the main thread, too. */
export const hasJustWorked = (): boolean => performance.now() - lastWorkMs < JUST_MS;

/** In so short a time hardly any network mount begins to hang. */
const JUST_MS = 5;

/** Lets signals, timers and requests run between two portions of long work. */
export const breathe = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0));

/** Takes all `steps`, and lets other work run between them every few milliseconds. */
export async function inSteps<Result>(steps: Generator<void, Result>): Promise<Result> {
  for (let startedMs = performance.now();;) {
    const { done, value } = steps.next();
    if (done) return value;
    if (performance.now() - startedMs < STEP_MS) continue;
    await breathe();
    startedMs = performance.now();
  }
}

const STEP_MS = 5;

/** Takes all `steps` without a break. */
export function atOnce<Result>(steps: Generator<void, Result>): Result {
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
  }
}
