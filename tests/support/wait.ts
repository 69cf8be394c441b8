/** Waits for conditions rather than for time. */

/** It delays no test that passes, so it may be long enough for a busy machine. */
const DEADLINE_MS = 60_000;

/** Polls `condition` until its value is truthy, and throws with `explain()` after `deadlineMs`. */
export async function waitFor<Value>(
  what: string,
  condition: () => Value | Promise<Value>,
  { deadlineMs = DEADLINE_MS, explain = () => "" }: {
    deadlineMs?: number;
    explain?: () => string;
  } = {},
): Promise<NonNullable<Exclude<Awaited<Value>, false>>> {
  const startedMs = performance.now();
  while (performance.now() - startedMs < deadlineMs) {
    const value = await condition();
    if (value) return value as NonNullable<Exclude<Awaited<Value>, false>>;
    await pause(5);
  }
  throw new Error(`waited ${deadlineMs} ms in vain for ${what}\n${explain()}`);
}

/** A pause that is part of a test, such as a writer's; never a wait for something to happen. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
