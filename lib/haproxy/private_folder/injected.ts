/** The configuration that the wrapper adds before and after the user's own files. Pure. */
import type { Needs } from "../../config/needs.ts";

/**
 * All stats sockets share one limit, 10 by default. A dozen idle connections to the user's own socket must neither
 * keep the wrapper from asking nor the next generation from taking over. This limit comes before the user's files,
 * so that theirs overrides it; if theirs is known, it is raised after them.
 */
export const LEAST_CONNECTIONS = 50;
/** The wrapper may ask, follow a drain and hot-apply while the next process takes the sockets. */
const OWN_CONNECTIONS = 10;

/** How many connections the stats sockets may have; `null`: the minimum, or what the configuration says. */
export const connectionsBy = ({ statsMaxconn }: Needs): number | null =>
  statsMaxconn === null ? null : Math.max(LEAST_CONNECTIONS, statsMaxconn + OWN_CONNECTIONS);

/**
 * `level operator` is enough to hand out listeners; hot-applying certificates and maps takes `admin`.
 * `socket`: `null` for a check, where it would count as a listener. `serverState`: `null` if no server loads it.
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
 * HAProxy derives its tokens for QUIC clients (Retry, NEW_TOKEN, stateless reset) from a secret. By default each
 * process picks its own, and so rejects its predecessor's tokens. Coming after the user's files, this secret does not replace
 * their `cluster-secret`. HAProxy 2.6 makes no such tokens without a secret, and gets none.
 */
export function lastConfiguration(needs: Needs, secret: string): string {
  const connections = connectionsBy(needs);
  return globalSection([
    connections === null ? "" : `    stats maxconn ${connections}\n`,
    needs.sharesSecret ? `.if version_atleast(2.8)\n    cluster-secret ${secret}\n.endif\n` : "",
  ]);
}

/** A state without servers. HAProxy 2.6 and 3.0 warn if the file is missing, empty or not named. */
export const NO_SERVERS = "1\n";

const globalSection = (lines: readonly string[]) => `global\n${lines.join("")}`;

/** Within single quotes only a single quote is special to HAProxy (configuration manual, section 2.2). */
const quoted = (word: string) => `'${word.replaceAll("'", "'\\''")}'`;
