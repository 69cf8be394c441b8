/** Waits for conditions instead of for time. */

/** No test takes longer for it, so that it may be as long as a machine with a lot of other work needs. */
const DEADLINE_MS = 60_000;

/** Asks `condition` again and again until it gives a truthy value, and fails with `explain()` after `deadlineMs`. */
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

/** Part of what a test does, such as a writer's pause; never a wait for something to happen. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
