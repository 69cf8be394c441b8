/** Ports of 127.0.0.1 for tests that run at the same time. */

/**
 * A port that nobody listens on and that this process has not been given before. It is below those
 * that the kernel gives to clients (32,768 on Linux), whose connections could otherwise take it.
 */
export function freePort(): number {
  for (;;) {
    const port = FIRST + Math.floor(Math.random() * COUNT);
    if (!given.has(port) && isFree(port)) {
      given.add(port);
      return port;
    }
  }
}

const FIRST = 10_000;
const COUNT = 22_000;

const given = new Set<number>();

function isFree(port: number): boolean {
  try {
    Deno.listen({ hostname: "127.0.0.1", port }).close();
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.AddrInUse) return false;
    throw error;
  }
}
