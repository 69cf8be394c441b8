/** Speaks HAProxy's Runtime API over a unix socket (management guide, section 9.3). */
import { maskedMessage } from "../../secrets/masked_message.ts";
import { sleep } from "../../system/cut_off.ts";

/** Where a process listens. A plain path is one that the user has named and vouches for. */
export type StatsSocket = PrivateSocket | string;

export interface PrivateSocket {
  readonly path: string;
  /** Why the wrapper must not connect to it now, as the rest of a sentence; `null` if it may. */
  problem(): string | null;
}

export const pathOf = (socket: StatsSocket) => typeof socket === "string" ? socket : socket.path;

/** Sends a command and returns HAProxy's answer; `null` if there is none. */
export type Ask = (command: string) => Promise<string | null>;

/**
 * Returns a function that asks the process behind `socket`. After a command without an answer, or once `cancel` aborts,
 * it sends nothing more: the wrapper waits only once for a process that hangs.
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

/** HAProxy answers within milliseconds, but a map of a million entries or an overloaded machine takes seconds. */
const ANSWER_LIMIT_MS = 5_000;

/**
 * Sends `command`, or several with `;` between them, and reads until HAProxy closes. `null` if nothing answers, the
 * answer is too long, or `signal` aborts, which closes the connection. A payload follows the last command's `<<`
 * on lines of its own and ends with an empty line. Asks again while HAProxy's certificates are locked.
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
    await sleep(LOCKED_PAUSE_MS);
  }
}

/** HAProxy's answer while another command works on certificates; it ignores the command. */
const LOCKED = /^Operations on certificates are currently locked!$/m;
const LOCKED_PAUSE_MS = 10;

/** A connection that stays open after each answer. */
export interface Prompt {
  /** `null` once the connection has ended. */
  readonly ask: Ask;
  close(): void;
}

/** Opens a connection that HAProxy has accepted once this resolves; `null` if that fails or `signal` aborts. */
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
  // An abort during the connect called no listener.
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

export async function isListening(socket: StatsSocket): Promise<boolean> {
  const connection = await connect(socket);
  connection?.close();
  return connection !== null;
}

/** `word` as one word of a command, whatever it contains. */
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

/** Enough for the longest answer needed, a map of 100,000 entries. */
const MOST_ANSWER = 8_000_000;

/** The answer up to `end`, or, without one, until HAProxy closes; `null` if it is incomplete or too long. */
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

/** An abort may have closed it already. */
function closeQuietly(connection: Deno.UnixConn): void {
  try {
    connection.close();
  } catch (error) {
    if (!(error instanceof Deno.errors.BadResource)) throw error;
  }
}
