/** Leaves no process and no file behind, even after a failure or an interrupt. */

/** Disposes of what `work` puts into the room when it ends. */
export async function swept<Result>(
  work: (room: AsyncDisposableStack) => Promise<Result>,
): Promise<Result> {
  await using room = new AsyncDisposableStack();
  const interrupt = () => void room.disposeAsync().finally(() => Deno.exit(130));
  for (const signal of INTERRUPTS) Deno.addSignalListener(signal, interrupt);
  try {
    return await work(room);
  } finally {
    for (const signal of INTERRUPTS) Deno.removeSignalListener(signal, interrupt);
  }
}

const INTERRUPTS = ["SIGINT", "SIGTERM"] as const;
