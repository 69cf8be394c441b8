/** Ports of 127.0.0.1 for tests that run at the same time, in this process and in others. */

/**
 * A port that nobody listens on, which is given to no other process, and to this one again only after all others of
 * its block. It is below those that the kernel gives to clients (32,768 on Linux), whose connections could otherwise
 * take it.
 */
export function freePort(): number {
  for (let tried = 1; tried < BLOCK; tried++) {
    offset = offset % (BLOCK - 1) + 1;
    const listener = tryToListen(block + offset);
    listener?.close();
    if (listener !== null) return block + offset;
  }
  throw new Error(`none of the ports from ${block + 1} on is free`);
}

const FIRST = 10_000;
const BLOCKS = 110;
const BLOCK = 200;

const block = claimBlock();
let offset = 0;

/** The listener on its first port claims a block. The kernel closes it with the process, however that ends. */
function claimBlock(): number {
  const start = Math.floor(Math.random() * BLOCKS);
  for (let tried = 0; tried < BLOCKS; tried++) {
    const port = FIRST + (start + tried) % BLOCKS * BLOCK;
    const listener = tryToListen(port);
    listener?.unref();
    if (listener !== null) return port;
  }
  throw new Error(`all ${BLOCKS} blocks of ports are claimed`);
}

function tryToListen(port: number): Deno.TcpListener | null {
  try {
    return Deno.listen({ hostname: "127.0.0.1", port });
  } catch (error) {
    if (error instanceof Deno.errors.AddrInUse) return null;
    throw error;
  }
}
