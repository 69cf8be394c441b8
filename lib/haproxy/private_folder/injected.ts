/** The configuration that the wrapper adds in front of the user's own files and behind them. Pure. */
import type { Needs } from "../../config/needs.ts";

/**
 * All stats sockets share one limit, 10 by default. A dozen idle connections to the user's own socket must keep
 * neither the wrapper from asking nor the next generation from taking over. It stands in front of the user's files,
 * so that their limit counts; if that is known, it is raised behind them.
 */
export const LEAST_CONNECTIONS = 50;
/** At the same time the wrapper asks, follows a drain and hot-applies, and the next process takes the sockets. */
const OWN_CONNECTIONS = 10;

/** How many connections the stats sockets may have; `null`: the least, or what the configuration says. */
export const connectionsBy = ({ statsMaxconn }: Needs): number | null =>
  statsMaxconn === null ? null : Math.max(LEAST_CONNECTIONS, statsMaxconn + OWN_CONNECTIONS);

/**
 * `level operator` is enough to hand out listeners; hot-applying certificates and maps takes `admin`.
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
 * HAProxy makes its tokens for QUIC clients (Retry, NEW_TOKEN, stateless reset) with a secret. By default each process
 * chooses its own, and ignores the tokens of the process before. Behind the user's files this one does not replace a
 * `cluster-secret` of theirs. HAProxy 2.6 without one makes no such tokens, and gets none.
 */
export function lastConfiguration(needs: Needs, secret: string): string {
  const connections = connectionsBy(needs);
  return globalSection([
    connections === null ? "" : `    stats maxconn ${connections}\n`,
    needs.sharesSecret ? `.if version_atleast(2.8)\n    cluster-secret ${secret}\n.endif\n` : "",
  ]);
}

/** The state of no server. HAProxy 2.6 and 3.0 warn of a missing or empty file, and if none is named. */
export const NO_SERVERS = "1\n";

const globalSection = (lines: readonly string[]) => `global\n${lines.join("")}`;

/** Within single quotes only a single quote is special to HAProxy (configuration manual, section 2.2). */
const quoted = (word: string) => `'${word.replaceAll("'", "'\\''")}'`;
