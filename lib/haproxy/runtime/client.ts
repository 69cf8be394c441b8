/** Speaks HAProxy's Runtime API over a unix socket (management guide, section 9.3). */
import { maskedMessage } from "../../secrets/masked_message.ts";

/** Where a process listens. A bare path is one that the user has named, who knows who listens there. */
export type StatsSocket = PrivateSocket | string;

export interface PrivateSocket {
  readonly path: string;
  /** Why nobody may connect to it now, as the rest of a sentence; `null` if they may. */
  problem(): string | null;
}

export const pathOf = (socket: StatsSocket) => typeof socket === "string" ? socket : socket.path;

/** Sends a command and gives HAProxy's answer; `null` if there is none. */
export type Ask = (command: string) => Promise<string | null>;

/**
 * Makes the function that asks the process behind `socket`. After one command without an answer, or an abort of
 * `cancel`, it sends nothing more: a process that hangs is waited for once.
 */
export function createAsk(socket: StatsSocket, cancel?: AbortSignal): Ask {
  let isLost = false;
  return async (command) => {
    if (isLost || cancel?.aborted) return null;
    const stop = AbortSignal.any([AbortSignal.timeout(ANSWER_LIMIT_MS), ...cancel ? [cancel] : []]);
    const answer = await ask(socket, command, stop);
    isLost = answer === null || stop.aborted;
    return isLost ? null : answer;
  };
}

/** HAProxy answers within milliseconds; a map of a million entries or an overloaded machine takes seconds. */
const ANSWER_LIMIT_MS = 5_000;

/**
 * Sends `command`, or several with `;` between them, and reads until HAProxy closes. `null` if nobody answers, the
 * answer is too long, or `signal` aborts, which closes the connection. A payload follows the last command's `<<`
 * on lines of its own and ends with an empty line. While HAProxy's certificates are locked, it asks again.
 */
export async function ask(
  socket: StatsSocket,
  command: string,
  signal: AbortSignal,
): Promise<string | null> {
  for (;;) {
    const connection = await connect(socket);
    if (connection === null) return null;
    const answer = await untilAbort(signal, connection, () => exchange(connection, command, null));
    closeQuietly(connection);
    if (answer === null || !LOCKED.test(answer)) return answer;
    await new Promise((resolve) => setTimeout(resolve, LOCKED_PAUSE_MS));
  }
}

/** HAProxy says so, and ignores the command, while another command works on certificates. */
const LOCKED = /^Operations on certificates are currently locked!$/m;
const LOCKED_PAUSE_MS = 10;

/** A connection that stays open after each answer. */
export interface Prompt {
  /** `null` once the connection has ended. */
  readonly ask: Ask;
  close(): void;
}

/** Opens such a connection; HAProxy has accepted it once this resolves. `null` if that fails or `signal` aborts. */
export async function openPrompt(socket: StatsSocket, signal: AbortSignal): Promise<Prompt | null> {
  const connection = await connect(socket);
  if (connection === null) return null;
  const ask: Ask = (command) => exchange(connection, command, "\n> ").catch(() => null);
  const close = () => closeQuietly(connection);
  if (await untilAbort(signal, connection, () => ask("prompt")) !== null) return { ask, close };
  close();
  return null;
}

/** `null` if `work` fails, or `signal` aborts, which closes the connection. */
async function untilAbort<Result>(
  signal: AbortSignal,
  connection: Deno.UnixConn,
  work: () => Promise<Result>,
): Promise<Result | null> {
  // An abort during the connect calls nobody.
  if (signal.aborted) return null;
  const close = () => closeQuietly(connection);
  signal.addEventListener("abort", close);
  try {
    return await work();
  } catch {
    return null;
  } finally {
    signal.removeEventListener("abort", close);
  }
}

/** Whether anybody listens on `socket`. */
export async function isListening(socket: StatsSocket): Promise<boolean> {
  const connection = await connect(socket);
  connection?.close();
  return connection !== null;
}

/** `word` as one word of a command, whatever is in it. */
export const escaped = (word: string) => word.replaceAll(/[\s;<\\]/g, "\\$&");

/** HAProxy's answer as a clause, without secrets. */
export function quoted(answer: string | null): string {
  if (answer === null) return "HAProxy does not answer";
  const lines = answer.split("\n").filter((line) => line.trim() !== "");
  const line = lines.find((line) => !IS_PROGRESS.test(line)) ?? lines[0] ?? "";
  return `HAProxy says "${maskedMessage(line.slice(0, MOST_QUOTED))}"`;
}

const MOST_QUOTED = 500;
const IS_PROGRESS = /^(?:committing|transaction (?:created|updated)) /i;

/** Every connection to a process passes this check. */
async function connect(socket: StatsSocket): Promise<Deno.UnixConn | null> {
  if (typeof socket !== "string" && socket.problem() !== null) return null;
  try {
    return await Deno.connect({ transport: "unix", path: pathOf(socket) });
  } catch {
    return null;
  }
}

/** The longest answer that is needed shows a map of 100,000 entries. */
const MOST_ANSWER = 8_000_000;

/** The answer up to `end`, or else to where HAProxy closes; `null` if it ends otherwise or is too long. */
async function exchange(
  connection: Deno.UnixConn,
  command: string,
  end: string | null,
): Promise<string | null> {
  const bytes = new TextEncoder().encode(`${command}\n`);
  for (let rest = bytes; rest.length > 0;) rest = rest.subarray(await connection.write(rest));
  const chunk = new Uint8Array(65_536);
  const decoder = new TextDecoder();
  let text = "";
  while (end === null || !text.endsWith(end)) {
    const count = await connection.read(chunk);
    if (count === null) return end === null ? text : null;
    text += decoder.decode(chunk.subarray(0, count), { stream: true });
    if (text.length > MOST_ANSWER) return null;
  }
  return text.slice(0, -end.length);
}

/** The end of an answer, or an abort, may have closed it already. */
function closeQuietly(connection: Deno.UnixConn): void {
  try {
    connection.close();
  } catch (error) {
    if (!(error instanceof Deno.errors.BadResource)) throw error;
  }
}
