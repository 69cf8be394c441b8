/** The threads of a process, from /proc. */

export interface Thread {
  readonly id: string;
  /** Its first 15 characters. */
  readonly name: string;
  /** How often it has gone to sleep so far. One that must give way to other work does not sleep. */
  readonly sleeps: number;
}

export function threadsOf(pid: number): Thread[] {
  const folder = `/proc/${pid}/task`;
  return [...Deno.readDirSync(folder)].flatMap(({ name: id }) => readThread(folder, id) ?? []);
}

/** `null` for one that has just ended. */
function readThread(folder: string, id: string): Thread | null {
  try {
    return { id, ...parseStatus(Deno.readTextFileSync(`${folder}/${id}/status`)) };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

function parseStatus(status: string): Omit<Thread, "id"> {
  const valueOf = (field: RegExp) => field.exec(status)![1]!;
  return {
    name: valueOf(/^Name:\s+(.*)$/m),
    sleeps: Number(valueOf(/^voluntary_ctxt_switches:\s+(\d+)$/m)),
  };
}
