/** Speaks HAProxy's Runtime API over a unix socket (management guide, section 9.3). */

/** What a process says about itself. */
export interface Instance {
  readonly pid: number;
  /** Listeners that are not stats sockets: those of frontends, peers and log forwarders. */
  readonly userListeners: number;
}

/**
 * Asks the process behind `socket` about itself. `null` if nobody answers, what answers is no HAProxy,
 * or `signal` aborts, which closes the connection.
 */
export async function askInstance(socket: string, signal: AbortSignal): Promise<Instance | null> {
  const answer = await ask(socket, "show info;show cli sockets", signal);
  return answer === null ? null : parseInstance(answer);
}

/** Whether anybody listens on `socket`. */
export async function isListening(socket: string): Promise<boolean> {
  const connection = await connect(socket);
  connection?.close();
  return connection !== null;
}

/** Reads the answer to `show info;show cli sockets`. Pure. */
export function parseInstance(answer: string): Instance | null {
  const pid = numberOf(answer, "Pid");
  const listeners = numberOf(answer, "Listeners");
  if (pid === null || listeners === null) return null;
  const [, statsSockets = ""] = answer.split(/^# socket lvl.*\n/m);
  return {
    pid,
    userListeners: listeners - statsSockets.split("\n").filter((line) => line.trim()).length,
  };
}

/** Sends `commands`, with `;` between them, and reads until HAProxy closes; `null` on any failure. */
async function ask(socket: string, commands: string, signal: AbortSignal): Promise<string | null> {
  const connection = await connect(socket);
  if (connection === null) return null;
  const close = () => connection.close();
  signal.addEventListener("abort", close);
  try {
    if (signal.aborted) return null;
    await connection.write(new TextEncoder().encode(`${commands}\n`));
    return await new Response(connection.readable).text();
  } catch {
    return null;
  } finally {
    signal.removeEventListener("abort", close);
    closeQuietly(connection);
  }
}

async function connect(path: string): Promise<Deno.UnixConn | null> {
  try {
    return await Deno.connect({ transport: "unix", path });
  } catch {
    return null;
  }
}

/** Reading to the end, as well as an abort, has closed it already. */
function closeQuietly(connection: Deno.UnixConn): void {
  try {
    connection.close();
  } catch (error) {
    if (!(error instanceof Deno.errors.BadResource)) throw error;
  }
}

function numberOf(answer: string, name: string): number | null {
  const value = new RegExp(`^${name}: (\\d+)$`, "m").exec(answer)?.[1];
  return value === undefined ? null : Number(value);
}
