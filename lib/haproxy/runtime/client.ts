/** Speaks HAProxy's Runtime API over a unix socket (management guide, section 9.3). */

/** Where a process listens; a path alone is one that the user has named, who knows who listens there. */
export type StatsSocket = PrivateSocket | string;

export interface PrivateSocket {
  readonly path: string;
  /** Why nobody may connect to it now, as the rest of a sentence; `null` if they may. */
  problem(): string | null;
}

export const pathOf = (socket: StatsSocket) => typeof socket === "string" ? socket : socket.path;

/**
 * Sends `command`, or several with `;` between them, and reads until HAProxy closes. `null` if nobody
 * answers, or at too great a length, or `signal` aborts, which closes the connection. A payload follows the last command's `<<`
 * in lines of its own, and ends with an empty one. As long as HAProxy is busy it is asked again.
 */
export async function ask(
  socket: StatsSocket,
  command: string,
  signal: AbortSignal,
): Promise<string | null> {
  for (;;) {
    const answer = await askOnce(socket, command, signal);
    if (answer === null || !LOCKED.test(answer)) return answer;
    await new Promise((resolve) => setTimeout(resolve, LOCKED_PAUSE_MS));
  }
}

/** While another command works on certificates, HAProxy does not carry out this one, and says so. */
const LOCKED = /^Operations on certificates are currently locked!$/m;
const LOCKED_PAUSE_MS = 10;

async function askOnce(
  socket: StatsSocket,
  command: string,
  signal: AbortSignal,
): Promise<string | null> {
  const connection = await connect(socket);
  if (connection === null) return null;
  const close = () => closeQuietly(connection);
  signal.addEventListener("abort", close);
  try {
    if (signal.aborted) return null;
    await writeAll(connection, new TextEncoder().encode(`${command}\n`));
    return await readAnswer(connection);
  } catch {
    return null;
  } finally {
    signal.removeEventListener("abort", close);
    closeQuietly(connection);
  }
}

/** The longest that is asked for shows a map of 100,000 entries. */
const MOST_ANSWER = 8_000_000;

/** `null` if it is longer. */
async function readAnswer(connection: Deno.UnixConn): Promise<string | null> {
  const chunk = new Uint8Array(65_536);
  const decoder = new TextDecoder();
  let text = "";
  for (let count; (count = await connection.read(chunk)) !== null;) {
    text += decoder.decode(chunk.subarray(0, count), { stream: true });
    if (text.length > MOST_ANSWER) return null;
  }
  return text;
}

/** A connection that goes on after each answer. */
export interface Prompt {
  /** `null` from the moment on when it is over. */
  ask(command: string): Promise<string | null>;
  close(): void;
}

/** Opens such a connection, which HAProxy has taken when it is there; `null` if that fails or `signal` aborts. */
export async function openPrompt(socket: StatsSocket, signal: AbortSignal): Promise<Prompt | null> {
  const connection = await connect(socket);
  if (connection === null) return null;
  const prompt = promptOn(connection);
  signal.addEventListener("abort", prompt.close);
  // An abort that came while it was opened calls nobody any more.
  const answer = signal.aborted ? null : await prompt.ask("prompt");
  signal.removeEventListener("abort", prompt.close);
  if (answer === null) prompt.close();
  return answer === null ? null : prompt;
}

function promptOn(connection: Deno.UnixConn): Prompt {
  return {
    async ask(command) {
      try {
        await writeAll(connection, new TextEncoder().encode(`${command}\n`));
        return await readToPrompt(connection);
      } catch {
        return null;
      }
    },
    close: () => closeQuietly(connection),
  };
}

/** `null` if the connection ends before. */
async function readToPrompt(connection: Deno.UnixConn): Promise<string | null> {
  const chunk = new Uint8Array(16_384);
  const decoder = new TextDecoder();
  let text = "";
  while (!text.endsWith(END_OF_ANSWER)) {
    const count = await connection.read(chunk);
    if (count === null || text.length > MOST_ANSWER) return null;
    text += decoder.decode(chunk.subarray(0, count), { stream: true });
  }
  return text.slice(0, -END_OF_ANSWER.length);
}

const END_OF_ANSWER = "\n> ";

/** Whether anybody listens on `socket`. */
export async function isListening(socket: StatsSocket): Promise<boolean> {
  const connection = await connect(socket);
  connection?.close();
  return connection !== null;
}

/** `word` as one word of a command, whatever is in it. */
export const escaped = (word: string) => word.replaceAll(/[\s;<\\]/g, "\\$&");

async function writeAll(connection: Deno.UnixConn, bytes: Uint8Array): Promise<void> {
  for (let rest = bytes; rest.length > 0;) rest = rest.subarray(await connection.write(rest));
}

/** The only way to a process: none leads past the check. */
async function connect(socket: StatsSocket): Promise<Deno.UnixConn | null> {
  if (typeof socket !== "string" && socket.problem() !== null) return null;
  try {
    return await Deno.connect({ transport: "unix", path: pathOf(socket) });
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
