/** HAProxy without a wrapper. */

/**
 * Silent, and in a session of its own, as the wrapper starts it: the kernel may share the CPU between
 * sessions (autogroups), so that a test's clients would slow it or speed it up.
 */
export const startHaproxy = (...args: readonly string[]): Deno.ChildProcess =>
  new Deno.Command("haproxy", {
    args: [...args],
    detached: true,
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();

/** Before a command: its standard error, so what HAProxy says, goes nowhere, as that of {@link startHaproxy}. */
export const SILENCED = ["sh", "-c", 'exec "$@" 2>/dev/null', "sh"] as const;
