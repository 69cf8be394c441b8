/** The threads of a process, from /proc. */

export interface Thread {
  readonly id: string;
  /** Its first 15 characters. */
  readonly name: string;
  /** How often it has left the CPU so far. */
  readonly switches: number;
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
  const counts = [...status.matchAll(/^(?:non)?voluntary_ctxt_switches:\s+(\d+)$/gm)];
  return {
    name: /^Name:\s+(.*)$/m.exec(status)![1]!,
    switches: counts.reduce((sum, [, count]) => sum + Number(count), 0),
  };
}
