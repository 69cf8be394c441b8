/** What a generation is configured with in front of and behind the user's own files. Pure. */
import type { Needs } from "../../config/needs.ts";

/**
 * All stats sockets share one limit, 10 by default. A dozen idle connections to a socket of the user's
 * must neither keep the wrapper from asking nor the next generation from taking over. In front of the user's
 * files, where a limit of theirs counts; one that can be told is raised behind them.
 */
export const LEAST_CONNECTIONS = 50;
/** The wrapper asks, follows a drain and changes files at once, while the next process asks for the sockets. */
const OWN_CONNECTIONS = 10;

/** How many connections the stats sockets may have; `null`: the least, or what the configuration says. */
export const connectionsBy = ({ statsMaxconn }: Needs): number | null =>
  statsMaxconn === null ? null : Math.max(LEAST_CONNECTIONS, statsMaxconn + OWN_CONNECTIONS);

/**
 * Listeners are handed out from `level operator` on; certificates and maps are changed by `admin` alone.
 * `socket`: `null` for a check, since it would count as a listener. `serverState`: `null` if no server loads it.
 */
export function firstConfiguration(
  { socket, serverState }: { readonly socket: string | null; readonly serverState: string | null },
): string {
  const bound = socket &&
    `stats socket ${quoted(socket)} mode 600 level admin expose-fd listeners`;
  const loaded = serverState && `server-state-file ${quoted(serverState)}`;
  const lines = [`stats maxconn ${LEAST_CONNECTIONS}`, bound, loaded].filter((line) => line);
  return globalSection(lines.map((line) => `    ${line}\n`));
}

/**
 * HAProxy makes the tokens that it gives to QUIC clients with `secret` (Retry, NEW_TOKEN, stateless reset). Each
 * process chooses its own, so that clients wait in vain for an answer to what the process before gave them. Behind
 * the user's files, where a `cluster-secret` of theirs stays the one that counts. HAProxy 2.6 without one makes
 * none of these tokens, and is left at that.
 */
export function lastConfiguration(needs: Needs, secret: string): string {
  const connections = connectionsBy(needs);
  return globalSection([
    connections === null ? "" : `    stats maxconn ${connections}\n`,
    needs.sharesSecret ? `.if version_atleast(2.8)\n    cluster-secret ${secret}\n.endif\n` : "",
  ]);
}

/** The state of no server. HAProxy 2.6 and 3.0 warn of a file that is missing or empty, or of none being named. */
export const NO_SERVERS = "1\n";

const globalSection = (lines: readonly string[]) => `global\n${lines.join("")}`;

/** Within single quotes HAProxy takes everything but a single quote as it is (configuration manual, section 2.2). */
const quoted = (word: string) => `'${word.replaceAll("'", "'\\''")}'`;
